// The operation behind AsyncTlsHandshake: Asio's handshake, a timer beside it
// that closes the transport, and one completion for whichever ends it.
//
// The handler of Asio's handshake owns the operation. The timer and the
// cancellation slot only know it weakly: they may outlive it.

#ifndef COFFER_SDK_STREAM_TLS_INTERNAL_HANDSHAKE_OP_H_
#define COFFER_SDK_STREAM_TLS_INTERNAL_HANDSHAKE_OP_H_

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/stream/tls/internal/handshake_check.h"
#include "coffer/sdk/stream/tls/ssl.h"

namespace coffer::internal {

template <class Next, class Handler>
class HandshakeOp
    : public std::enable_shared_from_this<HandshakeOp<Next, Handler>> {
 public:
  HandshakeOp(Handler handler, TlsStream<Next>& stream, Clock& clock,
              std::chrono::milliseconds timeout)
      : executor_(boost::asio::get_associated_executor(handler,
                                                       stream.get_executor())),
        slot_(boost::asio::get_associated_cancellation_slot(handler)),
        handler_(std::move(handler)),
        stream_(stream),
        clock_(clock),
        timeout_(timeout) {}

  void Start(bool client, const std::string& server_name) {
    namespace asio = boost::asio;
    if (client) {
      absl::Status status =
          check_.PrepareClient(stream_.native_handle(), server_name);
      if (!status.ok()) return PostCompletion(std::move(status));
    } else {
      check_.PrepareServer(stream_.native_handle());
    }
    ListenForCancellation();
    if (timeout_.count() > 0) StartTimer();
    auto done =
        [self = this->shared_from_this()](boost::system::error_code error) {
          self->OnHandshakeDone(error);
        };
    stream_.async_handshake(
        client ? asio::ssl::stream_base::client
               : asio::ssl::stream_base::server,
        asio::bind_cancellation_slot(
            handshake_cancel_.slot(),
            asio::bind_executor(executor_, std::move(done))));
  }

 private:
  using Executor = boost::asio::associated_executor_t<
      Handler, typename TlsStream<Next>::executor_type>;
  using Slot = boost::asio::associated_cancellation_slot_t<Handler>;

  void PostCompletion(absl::Status status) {
    auto complete = [self = this->shared_from_this(),
                     result = std::move(status)]() mutable {
      self->Complete(std::move(result));
    };
    boost::asio::post(executor_, std::move(complete));
  }

  void ListenForCancellation() {
    if (!slot_.is_connected()) return;
    slot_.assign([weak =
                      this->weak_from_this()](boost::asio::cancellation_type) {
      // Asio's handshake takes no gentler type; half a handshake is of no use.
      if (auto self = weak.lock()) {
        self->handshake_cancel_.emit(boost::asio::cancellation_type::terminal);
      }
    });
  }

  void StartTimer() {
    auto expired =
        [weak = this->weak_from_this()](boost::system::error_code error) {
          if (error) return;
          if (auto self = weak.lock()) self->OnDeadline();
        };
    timer_ = clock_.MakeTimer(stream_.get_executor());
    timer_->AsyncWaitUntil(
        clock_.Now() + timeout_,
        boost::asio::bind_executor(executor_, std::move(expired)));
  }

  void OnDeadline() {
    if (done_) return;
    expired_ = true;
    boost::system::error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

  void OnHandshakeDone(const boost::system::error_code& error) {
    if (slot_.is_connected()) slot_.clear();
    absl::Status status = check_.Finish(error);
    // Even after success: the transport is closed by then.
    if (expired_) {
      status = absl::DeadlineExceededError(absl::StrCat(
          "TLS handshake: not finished within ", timeout_.count(), " ms"));
    }
    Complete(std::move(status));
  }

  void Complete(absl::Status status) {
    done_ = true;
    timer_.reset();
    Handler handler = std::move(handler_);
    std::move(handler)(std::move(status));
  }

  const Executor executor_;
  Slot slot_;
  Handler handler_;
  TlsStream<Next>& stream_;
  Clock& clock_;
  const std::chrono::milliseconds timeout_;
  HandshakeCheck check_;
  std::unique_ptr<Timer> timer_;
  boost::asio::cancellation_signal handshake_cancel_;
  bool expired_ = false;
  bool done_ = false;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_STREAM_TLS_INTERNAL_HANDSHAKE_OP_H_
