// FramedStreamOptions: the limits and marks of one framed stream.

#ifndef COFFER_SDK_STREAM_FRAMED_STREAM_OPTIONS_H_
#define COFFER_SDK_STREAM_FRAMED_STREAM_OPTIONS_H_

#include <cstddef>

#include "coffer/sdk/frame/frame_encoder.h"
#include "coffer/sdk/frame/frame_limits.h"

namespace coffer {

struct FramedStreamOptions {
  // What we accept from the peer.
  FrameLimits read_limits;

  // The most fields, nested ones included, that a received message may have;
  // one with more is refused before it is unfolded in memory. 0 is no limit.
  std::size_t message_fields_max = 0;

  // What the peer accepts from us: plain frames within the default limits until
  // it has said otherwise.
  FrameEncoderOptions encoder;

  // Above the high mark the stream is not ready and takes no further message;
  // it is ready again once its buffer is down to the low one. Bytes. The buffer
  // holds at most the high mark and one frame.
  std::size_t write_high_mark_bytes = 1 << 20;
  std::size_t write_low_mark_bytes = 256 << 10;
};

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_FRAMED_STREAM_OPTIONS_H_
