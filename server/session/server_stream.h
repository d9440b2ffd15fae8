// ServerStream: serves one peer over one byte stream.
//
// Each turn it takes all the requests that have arrived (within the limits),
// executes them in order as one run, and sends their answers with one gathered
// write; then it waits for more. Requests on one connection are executed and
// answered strictly in the order of arrival.
//
// A bad frame (docs/wire.md): the requests before it are answered, then its
// error; sending ends, and the rest of the input is thrown away within a bound.
//
// Threads: used on the stream's executor only. Lifetime: not to be moved or
// destroyed while Process is pending. The service and the storage behind it
// outlive it.

#ifndef COFFER_SERVER_SESSION_SERVER_STREAM_H_
#define COFFER_SERVER_SESSION_SERVER_STREAM_H_

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/sdk/stream/framed_stream.h"
#include "coffer/sdk/stream/internal/waiter.h"
#include "coffer/server/limits.h"
#include "coffer/server/service/service.h"
#include "coffer/server/session/peer.h"
#include "coffer/server/session/watchdog.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

template <class AsyncStream>
class ServerStream {
 public:
  using executor_type = typename AsyncStream::executor_type;
  using Phase = SessionProgress::Phase;

  ServerStream(AsyncStream transport, Service* service,
               const ServerLimits& limits)
      : service_(service),
        limits_(limits),
        peer_(limits.frame),
        stream_(std::move(transport), StreamOptions(limits)),
        execution_(std::make_shared<internal::Waiter>(stream_.get_executor())) {
  }

  executor_type get_executor() { return stream_.get_executor(); }
  AsyncStream& next_layer() { return stream_.next_layer(); }

  // Serves until the peer ends the stream or Drain. void(absl::Status): OK
  // after a clean end; else why the connection is over: the peer's bad frame, a
  // truncated stream, a transport that failed. Any token; completes once, never
  // inside this call. Cancellation: every type, while it waits for requests.
  // To stop it at once, close the transport.
  template <class Token>
  auto Process(Token&& token) {
    return internal::Spawn<absl::Status>(
        get_executor(), [this] { return DoProcess(); },
        std::forward<Token>(token));
  }

  // Answers what has arrived, then ends the stream.
  void Drain() {
    draining_ = true;
    stream_.CancelSource();
  }

  SessionProgress progress() const {
    SessionProgress progress;
    progress.phase = phase_;
    progress.requests_received = requests_received_;
    progress.bytes_written = stream_.written_bytes();
    progress.unread_bytes = stream_.unread_bytes();
    return progress;
  }

  // What the session's own messages hold, for tests; its buffers are the
  // stream's.
  std::size_t memory_bytes() const {
    return response_.SpaceUsedLong() + hello_.SpaceUsedLong();
  }

 private:
  template <class T>
  using awaitable = boost::asio::awaitable<T>;
  using error_code = boost::system::error_code;
  static constexpr auto kAwaitTuple =
      boost::asio::as_tuple(boost::asio::use_awaitable);

  // What response_ may hold on to between two answers.
  static constexpr int kElementsKept = 256;
  static constexpr int kBytesKept = 16 << 10;

  // What stopped the collecting of a run.
  enum class Collected { kFull, kAllThatArrived, kHello, kEnd };

  static FramedStreamOptions StreamOptions(const ServerLimits& limits) {
    FramedStreamOptions options;
    options.read_limits = limits.frame;
    options.message_fields_max = limits.message_fields_max;
    options.encoder.limits = limits.frame;
    options.write_high_mark_bytes = limits.write_high_mark_bytes;
    options.write_low_mark_bytes = limits.write_low_mark_bytes;
    return options;
  }

  awaitable<absl::Status> DoProcess() {
    for (;;) {
      const Collected collected = Collect();
      if (run_.size() > 0) {
        absl::Status served = co_await ServeRun();
        if (!served.ok()) co_return served;
      }
      switch (collected) {
        case Collected::kFull:
          break;
        case Collected::kHello: {
          absl::Status sent = co_await AnswerHello();
          if (!sent.ok()) co_return sent;
          break;
        }
        case Collected::kAllThatArrived: {
          const error_code error = co_await Receive();
          if (error != boost::asio::error::operation_aborted) break;
          if (!draining_) co_return absl::CancelledError("cancelled");
          co_return co_await End();
        }
        case Collected::kEnd:
          co_return co_await Finish();
      }
    }
  }

  // Takes the requests that have arrived.
  Collected Collect() {
    run_.Clear();
    std::size_t bytes = 0;
    while (run_.size() < limits_.requests_per_run_max && !run_.full() &&
           bytes < limits_.request_bytes_per_run_max) {
      v1::CommandRequest& request = run_.AddRequest();
      const NextResult next = stream_.TryNext(&request);
      if (next != NextResult::kMessage) {
        run_.DropLast();
        return next == NextResult::kEnd ? Collected::kEnd
                                        : Collected::kAllThatArrived;
      }
      ++requests_received_;
      if (request.has_hello()) {
        hello_ = request;
        run_.DropLast();
        return Collected::kHello;
      }
      peer_.Received(request);
      bytes += request.ByteSizeLong();
    }
    return Collected::kFull;
  }

  // Waits for more, or, while draining, looks whether more is there.
  // operation_aborted: none came; another error is told by the next Collect.
  awaitable<error_code> Receive() {
    phase_ = Phase::kReceiving;
    if (draining_) {
      auto [error] = co_await stream_.ReadableNow(kAwaitTuple);
      co_return error;
    }
    auto [error] = co_await stream_.WaitReadable(kAwaitTuple);
    // Drain woke it up; what it is for is seen to by the next round.
    if (error == boost::asio::error::operation_aborted && draining_) {
      error = {};
    }
    co_return error;
  }

  awaitable<absl::Status> ServeRun() {
    phase_ = Phase::kExecuting;
    run_.set_answer_bytes_max(peer_.answer_bytes_max());
    executed_ = service_->Execute(run_, [this] {
      boost::asio::post(get_executor(), [this] {
        executed_ = true;
        execution_->Dispatch({});
      });
    });
    // Not to be given up by a cancellation: the storage has hold of the run.
    while (!executed_) co_await WaitExecuted();
    absl::Status sent;
    for (std::size_t i = 0; i < run_.size(); ++i) {
      service_->Answer(run_, i, peer_.answer_bytes_max(), &response_);
      if (sent.ok()) {
        sent = co_await FeedAnswer(run_.request(i));
      } else {
        service_->AfterSend(sent);  // executed all the same: the hooks know
      }
      ShrinkResponse();
    }
    run_.Clear();  // holds nothing while the peer takes its time
    if (sent.ok()) sent = co_await FlushAnswers();
    co_return sent;
  }

  awaitable<void> WaitExecuted() {
    auto initiation = [this](auto handler) {
      execution_->Arm(std::move(handler));
    };
    co_await boost::asio::async_initiate<decltype(kAwaitTuple),
                                         void(error_code)>(initiation,
                                                           kAwaitTuple);
  }

  // Encodes response_, the answer to `request`. What is over the peer's limit
  // all the same (a hook may have added to it) is replaced by an error, which
  // fits.
  awaitable<absl::Status> FeedAnswer(const v1::CommandRequest& request) {
    if (!stream_.is_ready()) {
      absl::Status flushed = co_await FlushAnswers();
      if (!flushed.ok()) {
        service_->AfterSend(flushed);
        co_return flushed;
      }
    }
    const v1::Outcome if_replaced = OutcomeIfReplaced(request, response_);
    peer_.FinishAnswer(request.request_id(), &response_);
    service_->BeforeSend(response_);
    ++answers_unsent_;
    absl::Status fed = stream_.Feed(response_);
    if (absl::IsResourceExhausted(fed)) {
      peer_.MakeError(fed, if_replaced, request.request_id(), &response_);
      fed = stream_.Feed(response_);
    }
    if (!fed.ok()) AnswersSent(fed);
    co_return fed;
  }

  awaitable<absl::Status> FlushAnswers() {
    phase_ = Phase::kSending;
    auto [error] = co_await stream_.Flush(kAwaitTuple);
    absl::Status status =
        error ? ToStatus(error, "sending answers") : absl::OkStatus();
    AnswersSent(status);
    co_return status;
  }

  void AnswersSent(const absl::Status& status) {
    for (; answers_unsent_ > 0; --answers_unsent_) service_->AfterSend(status);
  }

  // protobuf's Clear keeps all that a message once held: one large answer would
  // stay with the connection for good.
  void ShrinkResponse() {
    if (response_.values_size() > kElementsKept ||
        response_.pairs_size() > kElementsKept ||
        response_.GetCachedSize() > kBytesKept) {
      v1::CommandResponse().Swap(&response_);
    }
  }

  // The session's own answers are none of the service's: no hook is called.
  awaitable<absl::Status> SendOwnAnswer() {
    if (!stream_.is_ready()) {
      absl::Status flushed = co_await FlushAnswers();
      if (!flushed.ok()) co_return flushed;
    }
    absl::Status fed = stream_.Feed(response_);
    if (!fed.ok()) co_return fed;
    co_return co_await FlushAnswers();
  }

  awaitable<absl::Status> AnswerHello() {
    response_.Clear();
    auto encoder = peer_.Hello(hello_.hello(), &response_);
    peer_.FinishAnswer(hello_.request_id(), &response_);
    v1::CommandRequest().Swap(&hello_);
    absl::Status sent = co_await SendOwnAnswer();
    // From the next answer on: a Hello's own is never compressed.
    if (encoder.has_value()) stream_.set_encoder_options(*encoder);
    co_return sent;
  }

  // The input is over.
  awaitable<absl::Status> Finish() {
    if (stream_.read_error() == boost::asio::error::eof) {
      co_return co_await End();
    }
    const absl::Status why = stream_.read_status();
    if (stream_.read_error().category() != FrameCategory()) co_return why;
    peer_.MakeError(why, v1::NOT_EXECUTED, 0, &response_);
    absl::Status sent = co_await SendOwnAnswer();
    if (!sent.ok()) co_return why;
    co_await End();
    phase_ = Phase::kEnding;
    co_await stream_.Discard(limits_.linger_bytes_max, kAwaitTuple);
    co_return why;
  }

  awaitable<absl::Status> End() {
    phase_ = Phase::kSending;
    // What becomes of the peer's end of a connection that is over is its
    // affair.
    co_await stream_.Close(kAwaitTuple);
    co_return absl::OkStatus();
  }

  Service* const service_;
  const ServerLimits limits_;
  Peer peer_;
  FramedStream<AsyncStream, v1::CommandRequest, v1::CommandResponse> stream_;

  // Reused by each turn.
  ServiceRun run_;
  v1::CommandRequest hello_;
  v1::CommandResponse response_;

  const std::shared_ptr<internal::Waiter> execution_;
  bool executed_ = false;  // the run, by the storage
  bool draining_ = false;
  Phase phase_ = Phase::kReceiving;
  std::uint64_t requests_received_ = 0;
  std::uint64_t answers_unsent_ = 0;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_SERVER_STREAM_H_
