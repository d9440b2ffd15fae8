// Unsigned 32-bit integers in network byte order: the frame header and the size
// prefix of an LZ4 payload. The pointers need no alignment.

#ifndef COFFER_SDK_FRAME_BIG_ENDIAN_H_
#define COFFER_SDK_FRAME_BIG_ENDIAN_H_

#include <cstdint>

namespace coffer::internal {

inline uint32_t LoadBigEndian32(const char* bytes) {
  const auto* b = reinterpret_cast<const unsigned char*>(bytes);
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 |
         uint32_t{b[3]};
}

inline void StoreBigEndian32(uint32_t value, char* bytes) {
  bytes[0] = static_cast<char>(value >> 24);
  bytes[1] = static_cast<char>(value >> 16);
  bytes[2] = static_cast<char>(value >> 8);
  bytes[3] = static_cast<char>(value);
}

}  // namespace coffer::internal

#endif  // COFFER_SDK_FRAME_BIG_ENDIAN_H_
