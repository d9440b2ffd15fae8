// The four bytes before every payload, big-endian: bit 31 says that the payload
// is compressed, bits 0 to 30 are its bytes on the wire, the header not
// counted. All bits clear is an empty message. This and the size prefix of an
// LZ4 payload (lz4_block.h) are the whole format; the older protocol's is the
// same.

#ifndef COFFER_SDK_FRAME_FRAME_HEADER_H_
#define COFFER_SDK_FRAME_FRAME_HEADER_H_

#include <cstdint>

#include "coffer/sdk/frame/big_endian.h"
#include "coffer/sdk/frame/frame_limits.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer {

inline constexpr uint32_t kFrameCompressedBit = uint32_t{1} << 31;

struct FrameHeader {
  bool compressed = false;
  uint32_t payload_bytes = 0;  // Below 2^31.

  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

// Writes kFrameHeaderBytes bytes.
inline void EncodeFrameHeader(FrameHeader header, char* bytes) {
  COFFER_ASSERT(header.payload_bytes < kFrameCompressedBit);
  internal::StoreBigEndian32(
      header.payload_bytes | (header.compressed ? kFrameCompressedBit : 0),
      bytes);
}

// Reads kFrameHeaderBytes bytes. Any four bytes are a header; whether its claim
// is acceptable is for the limits to say.
inline FrameHeader DecodeFrameHeader(const char* bytes) {
  const uint32_t word = internal::LoadBigEndian32(bytes);
  return {(word & kFrameCompressedBit) != 0, word & ~kFrameCompressedBit};
}

}  // namespace coffer

#endif  // COFFER_SDK_FRAME_FRAME_HEADER_H_
