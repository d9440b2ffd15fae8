#include "coffer/sdk/frame/frame_encoder.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_format.h"
#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/frame/frame_header.h"
#include "coffer/sdk/frame/lz4_block.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer {
namespace {

// `message` must just have been measured: its sizes are cached in it.
void Serialize(const google::protobuf::MessageLite& message, size_t bytes,
               char* out) {
  auto* const begin = reinterpret_cast<uint8_t*>(out);
  const uint8_t* const end = message.SerializeWithCachedSizesToArray(begin);
  COFFER_ASSERT(end == begin + bytes && "message changed while encoded");
}

}  // namespace

FrameEncoder::FrameEncoder(FrameEncoderOptions options) {
  set_options(options);
}

void FrameEncoder::set_options(FrameEncoderOptions options) {
  options_ = options;
  options_.limits = ClampToCeiling(options.limits);
}

absl::Status FrameEncoder::Encode(const google::protobuf::MessageLite& message,
                                  std::string* out) {
  const size_t bytes = message.ByteSizeLong();
  absl::Status status = CheckMessage(bytes);
  const bool compress = options_.lz4 && bytes > options_.compress_above_bytes;
  if (status.ok() && !compress) status = CheckPlainFrame(bytes);
  if (!status.ok()) return status;
  // Relative to what is there: frames before this one may be unsent yet.
  const size_t start = out->size();
  out->resize(start + kFrameHeaderBytes + bytes);
  char* const payload = out->data() + start + kFrameHeaderBytes;
  Serialize(message, bytes, payload);
  FrameHeader header{.compressed = false,
                     .payload_bytes = static_cast<uint32_t>(bytes)};
  if (compress) {
    const size_t compressed_bytes = Compress(payload, bytes);
    if (compressed_bytes != 0) {
      header = {.compressed = true,
                .payload_bytes = static_cast<uint32_t>(compressed_bytes)};
    } else {
      status = CheckPlainFrame(bytes);
      if (!status.ok()) {
        out->resize(start);
        return status;
      }
    }
  }
  EncodeFrameHeader(header, out->data() + start);
  out->resize(start + kFrameHeaderBytes + header.payload_bytes);
  return absl::OkStatus();
}

absl::Status FrameEncoder::EncodePayload(
    absl::Span<const absl::string_view> pieces, std::string* out) {
  size_t bytes = 0;
  for (absl::string_view piece : pieces) bytes += piece.size();
  absl::Status status = CheckMessage(bytes);
  if (status.ok()) status = CheckPlainFrame(bytes);
  if (!status.ok()) return status;
  const size_t start = out->size();
  out->resize(start + kFrameHeaderBytes);
  EncodeFrameHeader(
      {.compressed = false, .payload_bytes = static_cast<uint32_t>(bytes)},
      out->data() + start);
  for (absl::string_view piece : pieces) {
    out->append(piece.data(), piece.size());
  }
  return absl::OkStatus();
}

absl::Status FrameEncoder::CheckMessage(size_t bytes) const {
  const uint32_t bytes_max = options_.limits.uncompressed_bytes_max;
  if (bytes <= bytes_max) return absl::OkStatus();
  return FrameError(
      FrameErrc::kOversizeMessage,
      absl::StrFormat("message of %u bytes exceeds the limit of %u", bytes,
                      bytes_max));
}

absl::Status FrameEncoder::CheckPlainFrame(size_t bytes) const {
  const uint32_t bytes_max = options_.limits.frame_bytes_max;
  if (bytes <= bytes_max) return absl::OkStatus();
  return FrameError(FrameErrc::kOversizeFrame,
                    absl::StrFormat("frame of %u bytes exceeds the limit of %u",
                                    bytes, bytes_max));
}

size_t FrameEncoder::Compress(char* payload, size_t bytes) {
  const size_t room =
      std::min<size_t>(bytes - 1, options_.limits.frame_bytes_max);
  if (compressed_.capacity() < room) compressed_.Reallocate(room);
  const size_t compressed_bytes = internal::CompressLz4(
      absl::string_view(payload, bytes), compressed_.data(), room);
  COFFER_ASSERT(compressed_bytes <= room);
  if (compressed_bytes != 0) {
    std::memcpy(payload, compressed_.data(), compressed_bytes);
  }
  compressed_.FreeIfLarge();
  return compressed_bytes;
}

}  // namespace coffer
