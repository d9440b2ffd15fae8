// Writes the seed corpus of frame_decoder_fuzz:
//   bazel run //sdk/frame:frame_corpus_generator
// rewrites sdk/frame/testdata/corpus/ of the workspace it is run in; with an
// argument, that directory. Files that are no seeds any more are removed.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "coffer/sdk/frame/frame_corpus.h"

namespace fs = std::filesystem;

int main(int argc, char** argv) {
  fs::path directory;
  if (argc > 1) {
    directory = argv[1];
  } else if (const char* root = std::getenv("BUILD_WORKSPACE_DIRECTORY")) {
    directory = fs::path(root) / "sdk/frame/testdata/corpus";
  } else {
    std::fprintf(stderr, "usage: %s [DIRECTORY]\n", argv[0]);
    return 2;
  }
  const std::map<std::string, std::string> seeds = coffer::FrameCorpus();
  fs::create_directories(directory);
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (!seeds.contains(entry.path().filename())) fs::remove(entry.path());
  }
  for (const auto& [name, bytes] : seeds) {
    std::ofstream out(directory / name, std::ios::binary);
    out << bytes;
    if (!out.flush()) {
      std::fprintf(stderr, "cannot write %s\n", (directory / name).c_str());
      return 1;
    }
  }
  std::printf("%zu seeds in %s\n", seeds.size(), directory.c_str());
  return 0;
}
