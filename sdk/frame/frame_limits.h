// What a frame may cost. Both sides hold to the same two bounds: the bytes that
// follow a frame's header, and the bytes of the message once uncompressed. A
// limit is checked on the header before anything is allocated, and a claim
// within the limit still allocates nothing: memory grows with bytes received.
//
// All sizes are in bytes.

#ifndef COFFER_SDK_FRAME_FRAME_LIMITS_H_
#define COFFER_SDK_FRAME_FRAME_LIMITS_H_

#include <algorithm>
#include <cstdint>

namespace coffer {

// The header is not counted in any limit.
inline constexpr uint32_t kFrameHeaderBytes = 4;

// A message of this size travels plain, one byte more is worth compressing:
// what is left of an Ethernet packet after its headers. The older protocol
// has the same threshold.
inline constexpr uint32_t kCompressAboveBytes = 1436;

inline constexpr uint32_t kFrameBytesMaxDefault = 16u << 20;
// No configuration goes beyond this.
inline constexpr uint32_t kFrameBytesMaxCeiling = 512u << 20;
// For a peer that has yet to say who it is, where that is asked for.
inline constexpr uint32_t kFrameBytesMaxUnauthenticated = 64u << 10;

struct FrameLimits {
  // Of the payload that follows the header, as it is on the wire.
  uint32_t frame_bytes_max = kFrameBytesMaxDefault;
  // Of the message inside, compressed on the wire or not.
  uint32_t uncompressed_bytes_max = kFrameBytesMaxDefault;

  friend bool operator==(const FrameLimits&, const FrameLimits&) = default;
};

// `limits` with values above the ceiling brought down to it.
constexpr FrameLimits ClampToCeiling(FrameLimits limits) {
  return {std::min(limits.frame_bytes_max, kFrameBytesMaxCeiling),
          std::min(limits.uncompressed_bytes_max, kFrameBytesMaxCeiling)};
}

}  // namespace coffer

#endif  // COFFER_SDK_FRAME_FRAME_LIMITS_H_
