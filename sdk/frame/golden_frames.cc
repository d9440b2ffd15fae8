#include "coffer/sdk/frame/golden_frames.h"

#include <fstream>
#include <sstream>

#include "absl/strings/escaping.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/struct.pb.h"
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
  google::protobuf::ListValue list;
  COFFER_ASSERT(
      google::protobuf::util::JsonStringToMessage(ReadFile(path), &list).ok());
  std::vector<GoldenFrame> frames;
  for (const google::protobuf::Value& item : list.values()) {
    const auto& fields = item.struct_value().fields();
    GoldenFrame frame;
    frame.name = fields.at("name").string_value();
    frame.type = fields.at("type").string_value();
    frame.frame = absl::HexStringToBytes(fields.at("frame_hex").string_value());
    frame.compressed = fields.at("compressed").bool_value();
    if (const auto text = fields.find("textproto"); text != fields.end()) {
      frame.textproto = text->second.string_value();
    }
    if (const auto n = fields.find("payload_len"); n != fields.end()) {
      frame.payload_bytes = static_cast<size_t>(n->second.number_value());
    }
    frames.push_back(std::move(frame));
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
