#include "coffer/sdk/frame/lz4_block.h"

#include <lz4.h>

#include <algorithm>
#include <bit>

#include "absl/strings/str_format.h"
#include "coffer/sdk/frame/big_endian.h"
#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/frame/gzip_block.h"

namespace coffer::internal {
namespace {

// No byte of a block stands for more: a byte that extends a length adds 255.
constexpr size_t kPlainBytesPerBlockByteMax = 255;
constexpr size_t kMatchBytesMin = 4;
constexpr size_t kOffsetBytes = 2;

uint8_t TakeByte(absl::string_view* block) {
  const uint8_t byte = static_cast<uint8_t>(block->front());
  block->remove_prefix(1);
  return byte;
}

// Completes a length from four bits of the token: 15 is extended by bytes that
// are added up until one is not 255. False: the block ended before.
bool TakeLength(size_t* length, absl::string_view* block) {
  if (*length != 15) return true;
  uint8_t byte;
  do {
    if (block->empty()) return false;
    byte = TakeByte(block);
    *length += byte;
  } while (byte == 255);
  return true;
}

// Why a block was refused, which the library does not say: walks through its
// sequences of literals and a match without writing anything. Where `declared`
// bytes are complete at a place at which a block may end, more is trailing.
FrameErrc Diagnose(absl::string_view block, size_t declared) {
  size_t produced = 0;
  while (!block.empty()) {
    const uint8_t token = TakeByte(&block);
    size_t literals = token >> 4;
    if (!TakeLength(&literals, &block) || literals > block.size()) {
      return FrameErrc::kTruncatedBlock;
    }
    block.remove_prefix(literals);
    produced += literals;
    if (produced > declared) return FrameErrc::kSizeMismatch;
    if (block.empty()) {
      // The right size, and still refused: the rules for a block's end.
      return produced == declared ? FrameErrc::kCorruptBlock
                                  : FrameErrc::kSizeMismatch;
    }
    if (produced == declared) return FrameErrc::kTrailingBytes;
    if (block.size() < kOffsetBytes) return FrameErrc::kTruncatedBlock;
    const size_t offset_low = TakeByte(&block);
    const size_t offset = offset_low | size_t{TakeByte(&block)} << 8;
    if (offset == 0 || offset > produced) return FrameErrc::kCorruptBlock;
    size_t match = token & 15;
    if (!TakeLength(&match, &block)) return FrameErrc::kTruncatedBlock;
    produced += match + kMatchBytesMin;
    if (produced > declared) return FrameErrc::kSizeMismatch;
  }
  return FrameErrc::kTruncatedBlock;
}

absl::Status Refusal(absl::string_view block, size_t declared) {
  const FrameErrc code = Diagnose(block, declared);
  const char* why = "is corrupt";
  if (code == FrameErrc::kTruncatedBlock) {
    why = "ends early";
  } else if (code == FrameErrc::kTrailingBytes) {
    why = "is followed by other bytes";
  } else if (code == FrameErrc::kSizeMismatch) {
    why = "has another size";
  }
  return FrameError(
      code, absl::StrFormat("LZ4 block of %u bytes, declared as %u bytes "
                            "uncompressed, %s",
                            block.size(), declared, why));
}

}  // namespace

size_t CompressLz4(absl::string_view plain, char* out, size_t room) {
  if (room <= kLz4SizePrefixBytes || plain.size() > LZ4_MAX_INPUT_SIZE) {
    return 0;
  }
  StoreBigEndian32(static_cast<uint32_t>(plain.size()), out);
  if (LooksLikeGzip(absl::string_view(out, kLz4SizePrefixBytes))) return 0;
  const size_t block_room =
      std::min<size_t>(room - kLz4SizePrefixBytes, LZ4_MAX_INPUT_SIZE);
  const int block_bytes = LZ4_compress_default(
      plain.data(), out + kLz4SizePrefixBytes, static_cast<int>(plain.size()),
      static_cast<int>(block_room));
  if (block_bytes <= 0) return 0;
  return kLz4SizePrefixBytes + static_cast<size_t>(block_bytes);
}

absl::Status UncompressLz4(absl::string_view payload, uint32_t plain_bytes_max,
                           ByteBuffer* out, absl::string_view* plain) {
  if (payload.size() < kLz4SizePrefixBytes) {
    return FrameError(
        FrameErrc::kTruncatedBlock,
        absl::StrFormat("compressed payload of %u bytes is shorter than its "
                        "size prefix of %u",
                        payload.size(), kLz4SizePrefixBytes));
  }
  const uint32_t declared = LoadBigEndian32(payload.data());
  const absl::string_view block = payload.substr(kLz4SizePrefixBytes);
  if (declared > plain_bytes_max) {
    return FrameError(
        FrameErrc::kOversizeMessage,
        absl::StrFormat("message of %u bytes in an LZ4 block exceeds the limit "
                        "of %u",
                        declared, plain_bytes_max));
  }
  if (declared > block.size() * kPlainBytesPerBlockByteMax) {
    return FrameError(
        FrameErrc::kSizeMismatch,
        absl::StrFormat("LZ4 block of %u bytes cannot hold the %u bytes it is "
                        "declared as",
                        block.size(), declared));
  }
  if (out->capacity() < std::max<size_t>(declared, 1)) {
    out->Reallocate(std::clamp<size_t>(std::bit_ceil(size_t{declared}), 1,
                                       std::max<size_t>(plain_bytes_max, 1)));
  }
  const int produced = LZ4_decompress_safe(block.data(), out->data(),
                                           static_cast<int>(block.size()),
                                           static_cast<int>(declared));
  if (produced < 0 || static_cast<uint32_t>(produced) != declared) {
    return Refusal(block, declared);
  }
  *plain = absl::string_view(out->data(), declared);
  return absl::OkStatus();
}

}  // namespace coffer::internal
