// SessionWait: where a session waits, and how it is woken: for the peer's
// bytes, or for a signal alone while it reads none. A wake-up that comes while
// it does not wait is kept.
//
// Threads: the stream's executor. One wait at a time. Cancellation: every type,
// in a wait.

#ifndef COFFER_SERVER_SESSION_SESSION_WAIT_H_
#define COFFER_SERVER_SESSION_SESSION_WAIT_H_

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "coffer/sdk/stream/internal/waiter.h"

namespace coffer::server {

template <class Framed>
class SessionWait {
 public:
  // It outlives this.
  explicit SessionWait(Framed* stream)
      : stream_(*stream),
        signal_(std::make_shared<internal::Waiter>(stream->get_executor())) {}

  // Ends the wait, or the next one.
  void Wake() {
    woken_ = true;
    if (waiting_ == Waiting::kForBytes) stream_.CancelSource();
    if (waiting_ == Waiting::kForSignal) signal_->Post({});
  }
  bool woken() const { return woken_; }
  void Forget() { woken_ = false; }

  // Until the next frame has come, the end of input (TryNext tells of it), or
  // Wake. Cancelled if it was cancelled.
  boost::asio::awaitable<absl::Status> ForBytes() {
    if (woken_) co_return absl::OkStatus();
    waiting_ = Waiting::kForBytes;
    auto [error] = co_await stream_.WaitReadable(kAwaitTuple);
    waiting_ = Waiting::kForNothing;
    co_return co_await Result(error);
  }

  // Until Wake.
  boost::asio::awaitable<absl::Status> ForSignal() {
    if (woken_) co_return absl::OkStatus();
    waiting_ = Waiting::kForSignal;
    auto initiation = [this](auto handler) {
      signal_->Arm(std::move(handler));
    };
    auto [error] = co_await boost::asio::async_initiate<decltype(kAwaitTuple),
                                                        void(error_code)>(
        initiation, kAwaitTuple);
    waiting_ = Waiting::kForNothing;
    co_return co_await Result(error);
  }

 private:
  using error_code = boost::system::error_code;
  enum class Waiting { kForNothing, kForBytes, kForSignal };
  static constexpr auto kAwaitTuple =
      boost::asio::as_tuple(boost::asio::use_awaitable);

  // Wake, too, aborts a wait for bytes.
  static boost::asio::awaitable<absl::Status> Result(error_code error) {
    if (error == boost::asio::error::operation_aborted) {
      const auto state = co_await boost::asio::this_coro::cancellation_state;
      if (state.cancelled() != boost::asio::cancellation_type::none) {
        co_return absl::CancelledError("cancelled");
      }
    }
    co_return absl::OkStatus();
  }

  Framed& stream_;
  const std::shared_ptr<internal::Waiter> signal_;
  Waiting waiting_ = Waiting::kForNothing;
  bool woken_ = false;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_SESSION_WAIT_H_
