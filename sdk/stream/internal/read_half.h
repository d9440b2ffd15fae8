// ReadHalf: the receiving side of a framed stream, from transport to payloads.
//
// Its buffer (inside the decoder) and its one transport read outlive the user's
// operation: a wait that is cancelled leaves the read in flight, and what it
// brings is kept for the next wait. Without a wait no new read is started, so a
// user who does not ask is not sent more than one buffer.

#ifndef COFFER_SDK_STREAM_INTERNAL_READ_HALF_H_
#define COFFER_SDK_STREAM_INTERNAL_READ_HALF_H_

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/frame/frame_decoder.h"
#include "coffer/sdk/frame/frame_limits.h"
#include "coffer/sdk/stream/internal/waiter.h"

namespace coffer::internal {

template <class AsyncStream>
class ReadHalf {
 public:
  using Step = FrameDecoder::Step;

  ReadHalf(AsyncStream& stream, FrameLimits limits)
      : stream_(stream),
        decoder_(limits),
        waiter_(std::make_shared<Waiter>(stream.get_executor())) {}

  FrameDecoder& decoder() { return decoder_; }
  const FrameDecoder& decoder() const { return decoder_; }

  // `handler` completes with success when Next would hand out a frame, with the
  // error otherwise. `owner` keeps this object while the transport reads.
  void Wait(Waiter::Handler handler, std::shared_ptr<void> owner) {
    waiter_->Arm(std::move(handler));
    if (settled()) {
      waiter_->Post(readable_result());
    } else if (!reading_) {
      Read(std::move(owner));
    }
  }

  // Reads and forgets, to the end of input or `bytes_max`.
  void Discard(std::size_t bytes_max, Waiter::Handler handler,
               std::shared_ptr<void> owner) {
    discarding_ = true;
    discard_left_ = bytes_max;
    waiter_->Arm(std::move(handler));
    if (input_over_ || discard_left_ == 0) {
      waiter_->Post({});
    } else if (!reading_) {
      Read(std::move(owner));
    }
  }

  // The next whole frame received, if there is one; kError once there will be
  // none any more.
  Step Next(absl::string_view* payload) {
    if (poisoned_) return Step::kError;
    const Step step = decoder_.Next(payload);
    return step == Step::kNeedMore && end_.failed() ? Step::kError : step;
  }

  // The frame just handed out was no good: nothing after it is handed out.
  void Poison(boost::system::error_code error, absl::Status status) {
    poisoned_ = true;
    end_ = error;
    end_status_ = std::move(status);
  }

  std::uint64_t received() const { return received_; }

  void Abort() { waiter_->Post(boost::asio::error::operation_aborted); }

  // Why Next gave kError; eof for a clean end.
  boost::system::error_code error() const {
    return decoder_failed() ? decoder_.error() : end_;
  }
  const absl::Status& status() const {
    return decoder_failed() ? decoder_.status() : end_status_;
  }

 private:
  void Read(std::shared_ptr<void> owner) {
    reading_ = true;
    const absl::Span<char> room = decoder_.Prepare();
    stream_.async_read_some(
        boost::asio::buffer(room.data(), room.size()),
        [this, owner = std::move(owner)](boost::system::error_code error,
                                         std::size_t bytes) mutable {
          OnRead(error, bytes, std::move(owner));
        });
  }

  void OnRead(boost::system::error_code error, std::size_t bytes,
              std::shared_ptr<void> owner) {
    reading_ = false;
    received_ += bytes;
    if (discarding_) return OnDiscarded(error, bytes, std::move(owner));
    decoder_.Commit(bytes);
    if (!error && bytes == 0) {
      // Against the contract of an AsyncReadStream; asking again might spin.
      error = make_error_code(boost::system::errc::io_error);
    }
    if (error) End(error);
    if (!waiter_->pending()) return;
    if (settled()) {
      waiter_->Dispatch(readable_result());
    } else {
      Read(std::move(owner));
    }
  }

  void OnDiscarded(boost::system::error_code error, std::size_t bytes,
                   std::shared_ptr<void> owner) {
    discard_left_ -= std::min(discard_left_, bytes);
    input_over_ = error || bytes == 0;
    if (input_over_ || discard_left_ == 0) {
      waiter_->Dispatch({});
    } else if (waiter_->pending()) {
      Read(std::move(owner));
    }
  }

  void End(boost::system::error_code error) {
    input_over_ = true;
    end_ = error;
    if (error == boost::asio::error::eof) {
      decoder_.FinishInput();  // reports it, if that cuts a frame
      end_status_ = absl::UnavailableError("end of stream");
    } else {
      end_status_ = absl::UnavailableError(
          absl::StrCat("reading from the peer: ", error.message()));
    }
  }

  // Next has something to say.
  bool settled() const { return decoder_.frame_buffered() || end_.failed(); }

  boost::system::error_code readable_result() const {
    return decoder_.frame_buffered() && !poisoned_ ? decoder_.error() : end_;
  }

  bool decoder_failed() const { return !poisoned_ && decoder_.error(); }

  AsyncStream& stream_;
  FrameDecoder decoder_;
  const std::shared_ptr<Waiter> waiter_;
  std::uint64_t received_ = 0;
  bool reading_ = false;
  bool poisoned_ = false;
  bool input_over_ = false;  // as the transport says
  bool discarding_ = false;
  std::size_t discard_left_ = 0;
  // What ended the transport's input, or the bad message; eof when it was
  // clean.
  boost::system::error_code end_;
  absl::Status end_status_;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_STREAM_INTERNAL_READ_HALF_H_
