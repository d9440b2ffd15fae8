#include "coffer/testing/frame_matchers.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "coffer/sdk/frame/frame_decoder.h"
#include "coffer/sdk/frame/frame_header.h"
#include "coffer/sdk/frame/frame_limits.h"

namespace coffer_testing {
namespace {

// What is printed of a payload.
constexpr size_t kShownBytes = 64;

coffer::FrameLimits WidestLimits() {
  return {.frame_bytes_max = coffer::kFrameBytesMaxCeiling,
          .uncompressed_bytes_max = coffer::kFrameBytesMaxCeiling};
}

void Feed(absl::string_view bytes, coffer::FrameDecoder& decoder) {
  while (!bytes.empty()) {
    const absl::Span<char> room = decoder.Prepare();
    const size_t taken = bytes.copy(room.data(), room.size());
    decoder.Commit(taken);
    bytes.remove_prefix(taken);
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Frame& frame) {
  const absl::string_view shown =
      absl::string_view(frame.payload).substr(0, kShownBytes);
  return out << "frame of " << frame.payload_bytes
             << (frame.compressed ? " compressed" : "") << " bytes \""
             << absl::CHexEscape(shown) << "\""
             << (frame.payload.size() > kShownBytes ? "..." : "");
}

absl::StatusOr<std::vector<Frame>> DecodeFrames(absl::string_view bytes) {
  std::vector<Frame> frames;
  coffer::FrameDecoder decoder(WidestLimits());
  size_t offset = 0;
  while (offset < bytes.size()) {
    const absl::string_view rest = bytes.substr(offset);
    coffer::FrameHeader header;
    size_t frame_bytes = rest.size();
    if (rest.size() >= coffer::kFrameHeaderBytes) {
      header = coffer::DecodeFrameHeader(rest.data());
      frame_bytes = std::min(frame_bytes, size_t{coffer::kFrameHeaderBytes} +
                                              header.payload_bytes);
    }
    Feed(rest.substr(0, frame_bytes), decoder);
    offset += frame_bytes;
    if (offset == bytes.size()) decoder.FinishInput();
    absl::string_view payload;
    if (decoder.Next(&payload) != coffer::FrameDecoder::Step::kFrame) {
      return absl::Status(
          decoder.status().code(),
          absl::StrCat("frame ", frames.size(), ", at byte ",
                       offset - frame_bytes, ": ", decoder.status().message()));
    }
    frames.push_back({.compressed = header.compressed,
                      .payload_bytes = header.payload_bytes,
                      .payload = std::string(payload)});
  }
  return frames;
}

}  // namespace coffer_testing
