// FrameEncoder appends messages to a write buffer as frames (frame_header.h),
// each behind what the buffer already holds, so that any number of frames can
// be gathered before one write. It compresses, with LZ4, messages above a
// threshold once the peer has said that it reads LZ4, and keeps the result only
// if it is smaller.
//
// Not safe for use by several threads at once.

#ifndef COFFER_SDK_FRAME_FRAME_ENCODER_H_
#define COFFER_SDK_FRAME_FRAME_ENCODER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/sdk/frame/byte_buffer.h"
#include "coffer/sdk/frame/frame_limits.h"
#include "google/protobuf/message_lite.h"

namespace coffer {

struct FrameEncoderOptions {
  // What the peer accepts. Values above kFrameBytesMaxCeiling count as that.
  FrameLimits limits;
  // The peer reads LZ4 blocks.
  bool lz4 = false;
  uint32_t compress_above_bytes = kCompressAboveBytes;
};

class FrameEncoder {
 public:
  explicit FrameEncoder(FrameEncoderOptions options = {});

  // Holds from the next Encode on.
  void set_options(FrameEncoderOptions options);
  const FrameEncoderOptions& options() const { return options_; }

  // Appends `message` to `out` as one frame. On an error `out` is unchanged:
  // kOversizeMessage (ResourceExhausted), "message of N bytes exceeds the limit
  // of M"; kOversizeFrame (the same) where only its form on the wire does.
  absl::Status Encode(const google::protobuf::MessageLite& message,
                      std::string* out);

  // The same for a message that is encoded already, in pieces one behind the
  // other. It is never compressed.
  absl::Status EncodePayload(absl::Span<const absl::string_view> pieces,
                             std::string* out);

 private:
  // Whether a message of so many bytes may be sent, compressed or plain.
  absl::Status CheckMessage(size_t bytes) const;
  absl::Status CheckPlainFrame(size_t bytes) const;

  // Replaces the `bytes` bytes at `payload` by their compressed form if that is
  // smaller. Returns its length, or 0.
  size_t Compress(char* payload, size_t bytes);

  FrameEncoderOptions options_;
  internal::ByteBuffer compressed_;
};

}  // namespace coffer

#endif  // COFFER_SDK_FRAME_FRAME_ENCODER_H_
