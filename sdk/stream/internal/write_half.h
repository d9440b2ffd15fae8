// WriteHalf: the sending side of a framed stream, from messages to transport.
//
// Two buffers: frames are encoded into one while the other is written, so that
// all that was fed since the last write leaves in one. What is written and how
// much of it is left belongs to the stream: a flush that is cancelled gives up
// waiting, the write in flight goes on, and the next flush takes up the rest.

#ifndef COFFER_SDK_STREAM_INTERNAL_WRITE_HALF_H_
#define COFFER_SDK_STREAM_INTERNAL_WRITE_HALF_H_

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/sdk/frame/frame_encoder.h"
#include "coffer/sdk/stream/internal/waiter.h"
#include "coffer/sdk/stream/stream_traits.h"

namespace coffer::internal {

template <class AsyncStream>
class WriteHalf {
 public:
  WriteHalf(AsyncStream& stream, FrameEncoderOptions encoder,
            std::size_t high_mark, std::size_t low_mark)
      : stream_(stream),
        encoder_(encoder),
        high_mark_(high_mark),
        low_mark_(low_mark),
        waiter_(std::make_shared<Waiter>(stream.get_executor())) {}

  FrameEncoder& encoder() { return encoder_; }
  std::size_t buffered() const { return fed_ - written_; }
  bool full() const { return buffered() > high_mark_; }

  absl::Status Feed(const google::protobuf::MessageLite& message) {
    absl::Status status = CheckOpen();
    if (!status.ok()) return status;
    const std::size_t before = filling_.size();
    status = encoder_.Encode(message, &filling_);
    fed_ += filling_.size() - before;
    return status;
  }

  absl::Status FeedPayload(absl::Span<const absl::string_view> pieces) {
    absl::Status status = CheckOpen();
    if (!status.ok()) return status;
    const std::size_t before = filling_.size();
    status = encoder_.EncodePayload(pieces, &filling_);
    fed_ += filling_.size() - before;
    return status;
  }

  // Completes when the first `target` bytes ever fed are written.
  void WaitWritten(std::uint64_t target, Waiter::Handler handler,
                   std::shared_ptr<void> owner) {
    waiter_->Arm(std::move(handler));
    target_ = target;
    if (error_ || written_ >= target_) {
      waiter_->Post(error_);
    } else if (!writing_now_) {
      Write(std::move(owner));
    }
  }

  std::uint64_t all_fed() const { return fed_; }
  std::uint64_t written() const { return written_; }
  // Where the buffer is ready again: now, if it is not full.
  std::uint64_t ready_mark() const {
    return full() ? fed_ - low_mark_ : written_;
  }

  // Ends sending, once; a wait that was cancelled is taken up again by the
  // next.
  void WaitShutdown(Waiter::Handler handler, std::shared_ptr<void> owner) {
    waiter_->Arm(std::move(handler));
    if (error_ || shutdown_ == Shutdown::kDone) {
      waiter_->Post(error_ ? error_ : shutdown_result_);
      return;
    }
    if (shutdown_ == Shutdown::kRunning) return;
    shutdown_ = Shutdown::kRunning;
    StreamTraits<AsyncStream>::AsyncShutdownSend(
        stream_,
        [this, owner = std::move(owner)](boost::system::error_code error) {
          shutdown_ = Shutdown::kDone;
          shutdown_result_ = error;
          waiter_->Dispatch(error);
        });
  }

  void Abort() { waiter_->Post(boost::asio::error::operation_aborted); }

  boost::system::error_code error() const { return error_; }

 private:
  enum class Shutdown { kNone, kRunning, kDone };
  // A buffer that grew beyond this for a large message is given back.
  static constexpr std::size_t kBufferKeptBytes = 64 << 10;

  // Whether a frame may be added.
  absl::Status CheckOpen() const {
    if (error_) {
      return absl::UnavailableError(
          absl::StrCat("writing to the peer: ", error_.message()));
    }
    if (shutdown_ != Shutdown::kNone) {
      return absl::FailedPreconditionError("the stream was closed for sending");
    }
    if (full()) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "write buffer of ", buffered(), " bytes is above its high mark of ",
          high_mark_, ": wait until it is ready"));
    }
    return absl::OkStatus();
  }

  void Write(std::shared_ptr<void> owner) {
    if (writing_.empty()) writing_.swap(filling_);
    writing_now_ = true;
    stream_.async_write_some(
        boost::asio::buffer(writing_.data() + offset_,
                            writing_.size() - offset_),
        [this, owner = std::move(owner)](boost::system::error_code error,
                                         std::size_t bytes) mutable {
          OnWritten(error, bytes, std::move(owner));
        });
  }

  void OnWritten(boost::system::error_code error, std::size_t bytes,
                 std::shared_ptr<void> owner) {
    writing_now_ = false;
    offset_ += bytes;
    written_ += bytes;
    if (offset_ == writing_.size()) {
      writing_.clear();
      offset_ = 0;
      if (writing_.capacity() > kBufferKeptBytes) std::string().swap(writing_);
    }
    if (!error && bytes == 0) {
      // Against the contract of an AsyncWriteStream; trying again might spin.
      error = make_error_code(boost::system::errc::io_error);
    }
    error_ = error;
    if (!waiter_->pending()) return;
    if (error_ || written_ >= target_) {
      waiter_->Dispatch(error_);
    } else {
      Write(std::move(owner));
    }
  }

  AsyncStream& stream_;
  FrameEncoder encoder_;
  const std::size_t high_mark_;
  const std::size_t low_mark_;
  const std::shared_ptr<Waiter> waiter_;

  std::string filling_;
  std::string writing_;
  std::size_t offset_ = 0;  // how much of writing_ is written
  bool writing_now_ = false;

  // Bytes since the stream began.
  std::uint64_t fed_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t target_ = 0;

  boost::system::error_code error_;
  Shutdown shutdown_ = Shutdown::kNone;
  boost::system::error_code shutdown_result_;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_STREAM_INTERNAL_WRITE_HALF_H_
