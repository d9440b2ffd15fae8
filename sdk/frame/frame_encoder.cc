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

absl::Status OversizeFrame(size_t bytes, uint32_t bytes_max) {
  return FrameError(FrameErrc::kOversizeFrame,
                    absl::StrFormat("frame of %u bytes exceeds the limit of %u",
                                    bytes, bytes_max));
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
  const FrameLimits& limits = options_.limits;
  const size_t bytes = message.ByteSizeLong();
  if (bytes > limits.uncompressed_bytes_max) {
    return FrameError(
        FrameErrc::kOversizeMessage,
        absl::StrFormat("message of %u bytes exceeds the limit of %u", bytes,
                        limits.uncompressed_bytes_max));
  }
  const bool compress = options_.lz4 && bytes > options_.compress_above_bytes;
  if (!compress && bytes > limits.frame_bytes_max) {
    return OversizeFrame(bytes, limits.frame_bytes_max);
  }
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
    } else if (bytes > limits.frame_bytes_max) {
      out->resize(start);
      return OversizeFrame(bytes, limits.frame_bytes_max);
    }
  }
  EncodeFrameHeader(header, out->data() + start);
  out->resize(start + kFrameHeaderBytes + header.payload_bytes);
  return absl::OkStatus();
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
