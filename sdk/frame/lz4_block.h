// The payload of a compressed frame: four bytes big-endian of uncompressed
// size, then one LZ4 block (not the LZ4 frame format) that fills the rest. The
// block's format is lz4_Block_format.md of the LZ4 project.
//
// The declared size is a claim of the peer: it is held against the limit, and
// against what a block of that length can hold at all, before memory is taken.

#ifndef COFFER_SDK_FRAME_LZ4_BLOCK_H_
#define COFFER_SDK_FRAME_LZ4_BLOCK_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/frame/byte_buffer.h"

namespace coffer::internal {

inline constexpr size_t kLz4SizePrefixBytes = 4;

// Writes the payload that stands for `plain` to `out` and returns its length;
// 0 if it needs more than `room` bytes, or if no receiver could tell it from
// gzip: then `plain` has to travel as it is.
size_t CompressLz4(absl::string_view plain, char* out, size_t room);

// Uncompresses `payload` into `out`, whose memory is reused where it suffices,
// and sets `plain` to the result there. At most `plain_bytes_max` bytes are
// taken. Errors: kOversizeMessage, kTruncatedBlock, kCorruptBlock,
// kSizeMismatch, kTrailingBytes; `plain` is then unspecified.
absl::Status UncompressLz4(absl::string_view payload, uint32_t plain_bytes_max,
                           ByteBuffer* out, absl::string_view* plain);

}  // namespace coffer::internal

#endif  // COFFER_SDK_FRAME_LZ4_BLOCK_H_
