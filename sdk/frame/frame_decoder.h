// FrameDecoder turns received bytes, however they were split, into the payloads
// of frames (frame_header.h), uncompressed. It does no I/O and owns the read
// buffer, which is state of the connection and not of one read: a read that is
// cancelled or taken up again loses nothing.
//
//   reading:  absl::Span<char> room = decoder.Prepare();
//             ... read n bytes into room ...
//             decoder.Commit(n);            // or FinishInput() at the end
//   frames:   while (decoder.Next(&payload) == FrameDecoder::Step::kFrame) ...
//
// Memory follows the bytes received and never a claim of the peer: nothing
// before the first Prepare, 4 KiB then, doubled as bytes arrive; what a large
// frame took is given back after it. Take frames until kNeedMore before reading
// on: bytes that are not taken are kept, whatever their number.
//
// The first error is final: the frames before it have been handed out, nothing
// after it ever is. Not safe for use by several threads at once. Movable; the
// room of Prepare stays valid.

#ifndef COFFER_SDK_FRAME_FRAME_DECODER_H_
#define COFFER_SDK_FRAME_FRAME_DECODER_H_

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/sdk/frame/byte_buffer.h"
#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/frame/frame_header.h"
#include "coffer/sdk/frame/frame_limits.h"

namespace coffer {

class FrameDecoder {
 public:
  enum class Step { kFrame, kNeedMore, kError };

  // Limits above kFrameBytesMaxCeiling count as that.
  explicit FrameDecoder(FrameLimits limits = {});

  // Holds from the next header on that Next has yet to look at.
  void set_limits(FrameLimits limits);

  // Room for received bytes, never empty. It stays where it is until Commit or
  // the next Prepare: frames may be taken while a read into it is under way.
  // After an error, room to read into and forget.
  absl::Span<char> Prepare();

  // `bytes` bytes of the room were filled, from its beginning; 0 is fine.
  // Ignored after an error; not to be called after FinishInput.
  void Commit(size_t bytes);

  // The input has ended: once the whole frames are taken, Next gives kNeedMore
  // if that was their end, or kError if a frame was cut off.
  void FinishInput();

  // Takes the next frame. `payload` is valid until the next call that is not
  // const, and empty unless kFrame.
  Step Next(absl::string_view* payload);

  // Next would give a frame or an error at once.
  bool frame_buffered() const;
  // Bytes received and not handed out; none after an error.
  size_t buffered_bytes() const { return end_ - begin_; }
  // No part of a frame is pending: the input may end here.
  bool at_boundary() const { return status_.ok() && begin_ == end_; }
  // What the decoder holds on the heap.
  size_t memory_bytes() const {
    return input_.capacity() + uncompressed_.capacity();
  }

  // Why Next gave kError; OK before.
  const absl::Status& status() const { return status_; }
  boost::system::error_code error() const { return FrameErrorCode(status_); }

 private:
  size_t CapacityFor(size_t pending) const;
  Step Starve(FrameErrc code);
  Step Fail(absl::Status status);

  FrameLimits limits_;
  // The header at begin_, and the limits it was held against, once it was.
  std::optional<FrameHeader> header_;
  FrameLimits header_limits_;

  // Received bytes not taken yet are [begin_, end_) of input_.
  internal::ByteBuffer input_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t room_bytes_ = 0;     // What Prepare gave and Commit has not answered.
  bool room_filled_ = false;  // The last read had no room for more.
  bool input_finished_ = false;

  internal::ByteBuffer uncompressed_;
  absl::Status status_;
};

}  // namespace coffer

#endif  // COFFER_SDK_FRAME_FRAME_DECODER_H_
