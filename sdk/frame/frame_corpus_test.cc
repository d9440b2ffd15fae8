#include "coffer/sdk/frame/frame_corpus.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

constexpr char kDirectory[] = "sdk/frame/testdata/corpus";
constexpr char kRegenerate[] =
    "run: bazel run //sdk/frame:frame_corpus_generator";

std::map<std::string, std::string> CheckedIn() {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(kDirectory)) {
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().filename()] =
        std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

TEST(FrameCorpus, CheckedInFilesAreCurrent) {
  const std::map<std::string, std::string> seeds = FrameCorpus();
  const std::map<std::string, std::string> files = CheckedIn();
  for (const auto& [name, bytes] : seeds) {
    ASSERT_TRUE(files.contains(name)) << "no " << name << "; " << kRegenerate;
    EXPECT_TRUE(files.at(name) == bytes) << name << "; " << kRegenerate;
  }
  for (const auto& [name, bytes] : files) {
    EXPECT_TRUE(seeds.contains(name)) << name << " is no seed; " << kRegenerate;
  }
}

TEST(FrameCorpus, EverySeedHasAPreambleAndAStream) {
  const std::map<std::string, std::string> seeds = FrameCorpus();
  EXPECT_GT(seeds.size(), 60u);
  for (const auto& [name, bytes] : seeds) {
    EXPECT_GT(bytes.size(), kFuzzPreambleBytes) << name;
  }
}

TEST(FrameCorpus, TwoSeedsAreLargerThanWhatADecoderKeeps) {
  int large = 0;
  for (const auto& [name, bytes] : FrameCorpus()) {
    large += bytes.size() > 150'000;
  }
  EXPECT_EQ(large, 2);
}

}  // namespace
}  // namespace coffer
