// For tests and the fuzz target's seeds: one frame for each way in which a
// frame can be wrong, made by hand so that it is the same whatever version of a
// compressor is installed, with the code it has to be refused with.

#ifndef COFFER_SDK_FRAME_MALFORMED_FRAMES_H_
#define COFFER_SDK_FRAME_MALFORMED_FRAMES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/frame/frame_limits.h"

namespace coffer {

struct MalformedFrame {
  std::string name;  // CamelCase.
  std::string bytes;
  FrameErrc code;
};

// What the table holds frames against: 64 KiB a frame, 4 KiB a message.
inline constexpr FrameLimits kMalformedFrameLimits = {
    .frame_bytes_max = 64u << 10, .uncompressed_bytes_max = 4u << 10};

const std::vector<MalformedFrame>& MalformedFrames();

// A frame with any payload, and with a header that claims any length.
std::string PlainFrame(absl::string_view payload);
std::string CompressedFrame(absl::string_view payload);

// An LZ4 payload: the size prefix, then the block.
std::string Lz4Payload(uint32_t declared, absl::string_view block);
// The LZ4 block of one run of literals: at most 269 bytes.
std::string Lz4Literals(absl::string_view text);
// The LZ4 block of 'a', then `match_bytes` (7 to 18) more of it, then "12345".
std::string Lz4Match(uint32_t match_bytes);

// A gzip member that stores `text`, of below 64 KiB, as it is.
std::string GzipStored(absl::string_view text);

}  // namespace coffer

#endif  // COFFER_SDK_FRAME_MALFORMED_FRAMES_H_
