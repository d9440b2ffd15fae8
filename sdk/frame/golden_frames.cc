#include "coffer/sdk/frame/golden_frames.h"

#include <fstream>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/frame/golden_frames.pb.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/util/json_util.h"

namespace coffer {
namespace {

std::string ReadFile(const char* path) {
  std::ifstream in(path, std::ios::binary);
  COFFER_ASSERT(in.good() && "no golden frames: run under bazel");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<GoldenFrame> Load(const char* path) {
  testdata::GoldenFrameEntries entries;
  COFFER_ASSERT(google::protobuf::util::JsonStringToMessage(
                    absl::StrCat("{\"frames\":", ReadFile(path), "}"), &entries)
                    .ok());
  std::vector<GoldenFrame> frames;
  for (const testdata::GoldenFrameEntry& entry : entries.frames()) {
    frames.push_back({.name = entry.name(),
                      .type = entry.type(),
                      .textproto = entry.textproto(),
                      .frame = absl::HexStringToBytes(entry.frame_hex()),
                      .compressed = entry.compressed(),
                      .payload_bytes = entry.payload_len()});
  }
  return frames;
}

}  // namespace

std::unique_ptr<google::protobuf::Message> GoldenFrame::NewMessage() const {
  if (type == "CommandRequest") return std::make_unique<v1::CommandRequest>();
  COFFER_ASSERT(type == "CommandResponse");
  return std::make_unique<v1::CommandResponse>();
}

std::vector<GoldenFrame> GoldenFrames() {
  return Load("sdk/frame/testdata/frames.json");
}

std::vector<GoldenFrame> GoldenGzipFrames() {
  return Load("sdk/frame/testdata/frames_gzip.json");
}

}  // namespace coffer
