// The compressed payloads of peers of the older protocol: one gzip member
// (RFC 1952) and nothing after it. They are read and never sent: those peers
// take plain messages of any size.
//
// gzip declares no size up front, so the output grows with what comes out of
// the decompressor and stops at the limit: a small payload that inflates for
// ever costs the limit and no more.

#ifndef COFFER_SDK_FRAME_GZIP_BLOCK_H_
#define COFFER_SDK_FRAME_GZIP_BLOCK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/frame/byte_buffer.h"

namespace coffer::internal {

// The first two bytes of every gzip member. An LZ4 payload that begins so would
// declare 504.7 MiB, which CompressLz4 takes care not to do.
inline bool LooksLikeGzip(absl::string_view payload) {
  return payload.size() >= 2 && payload[0] == '\x1f' && payload[1] == '\x8b';
}

// Uncompresses `payload` into `out`, whose memory is reused and grows to at
// most plain_bytes_max + 1 bytes, and sets `plain` to the result there. Errors:
// kOversizeMessage, kTruncatedBlock, kCorruptBlock, kSizeMismatch (the trailer
// declares another length), kTrailingBytes; `plain` is then unspecified.
absl::Status UncompressGzip(absl::string_view payload, uint32_t plain_bytes_max,
                            ByteBuffer* out, absl::string_view* plain);

}  // namespace coffer::internal

#endif  // COFFER_SDK_FRAME_GZIP_BLOCK_H_
