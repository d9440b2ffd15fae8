#include "coffer/sdk/frame/gzip_block.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_format.h"
#include "coffer/sdk/frame/frame_error.h"

namespace coffer::internal {
namespace {

constexpr size_t kFirstOutputBytes = 4096;
constexpr size_t kTrailerBytes = 8;  // CRC-32 and length, little-endian.
constexpr int kLargestWindow = 15;
constexpr int kGzipFormat = 16;

// Owns zlib's state, about 40 kB while it lasts.
class Inflater {
 public:
  explicit Inflater(absl::string_view input) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    initialized_ = inflateInit2(&stream_, kLargestWindow + kGzipFormat) == Z_OK;
  }
  ~Inflater() {
    if (initialized_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool initialized() const { return initialized_; }
  size_t produced() const { return stream_.total_out; }
  size_t unread() const { return stream_.avail_in; }

  // Goes on writing after the bytes produced so far, up to `capacity` in all.
  int Run(char* out, size_t capacity) {
    stream_.next_out = reinterpret_cast<Bytef*>(out) + produced();
    stream_.avail_out = static_cast<uInt>(capacity - produced());
    return inflate(&stream_, Z_NO_FLUSH);
  }

 private:
  z_stream stream_ = {};
  bool initialized_ = false;
};

uint32_t LoadLittleEndian32(const char* bytes) {
  const auto* b = reinterpret_cast<const unsigned char*>(bytes);
  return uint32_t{b[0]} | uint32_t{b[1]} << 8 | uint32_t{b[2]} << 16 |
         uint32_t{b[3]} << 24;
}

// zlib refuses a wrong checksum and a wrong length with the same code: it was
// the length if the checksum is that of `produced`.
bool OnlyLengthIsWrong(absl::string_view payload, absl::string_view produced) {
  if (payload.size() < kTrailerBytes) return false;
  const char* const trailer = payload.data() + payload.size() - kTrailerBytes;
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(produced.data()),
                          static_cast<uInt>(produced.size()));
  return LoadLittleEndian32(trailer) == crc &&
         LoadLittleEndian32(trailer + 4) != produced.size();
}

absl::Status Refusal(FrameErrc code, absl::string_view payload,
                     const char* why) {
  return FrameError(
      code, absl::StrFormat("gzip block of %u bytes %s", payload.size(), why));
}

// What became of inflating `payload` after it stopped with `result`.
absl::Status Conclude(int result, absl::string_view payload,
                      absl::string_view produced, size_t unread) {
  switch (result) {
    case Z_STREAM_END:
      if (unread == 0) return absl::OkStatus();
      return FrameError(
          FrameErrc::kTrailingBytes,
          absl::StrFormat("gzip block of %u bytes is followed by %u others",
                          payload.size() - unread, unread));
    case Z_OK:
    case Z_BUF_ERROR:
      return Refusal(FrameErrc::kTruncatedBlock, payload, "ends early");
    case Z_MEM_ERROR:
      return Refusal(FrameErrc::kOversizeMessage, payload,
                     "cannot be uncompressed: out of memory");
    default:
      if (OnlyLengthIsWrong(payload, produced)) {
        return Refusal(FrameErrc::kSizeMismatch, payload,
                       "does not hold as many bytes as its trailer says");
      }
      return Refusal(FrameErrc::kCorruptBlock, payload, "is corrupt");
  }
}

}  // namespace

absl::Status UncompressGzip(absl::string_view payload, uint32_t plain_bytes_max,
                            ByteBuffer* out, absl::string_view* plain) {
  Inflater inflater(payload);
  if (!inflater.initialized()) return Conclude(Z_MEM_ERROR, payload, {}, 0);
  // One byte over the limit tells a message at the limit from a longer one.
  const size_t capacity_max = size_t{plain_bytes_max} + 1;
  if (out->capacity() == 0) {
    out->Reallocate(std::min(kFirstOutputBytes, capacity_max));
  }
  int result;
  while (true) {
    const size_t capacity = std::min(out->capacity(), capacity_max);
    result = inflater.Run(out->data(), capacity);
    if (inflater.produced() > plain_bytes_max) {
      return FrameError(
          FrameErrc::kOversizeMessage,
          absl::StrFormat("message in a gzip block of %u bytes exceeds the "
                          "limit of %u",
                          payload.size(), plain_bytes_max));
    }
    // Out of input, at the end, or refused: everything but out of room.
    if (result != Z_OK || inflater.produced() < capacity) break;
    out->Reallocate(std::min(2 * capacity, capacity_max),
                    absl::string_view(out->data(), inflater.produced()));
  }
  *plain = absl::string_view(out->data(), inflater.produced());
  return Conclude(result, payload, *plain, inflater.unread());
}

}  // namespace coffer::internal
