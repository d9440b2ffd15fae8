// ServerStream: serves one peer over one byte stream.
//
// Each turn it takes all the requests that have arrived (within the limits),
// executes them in order as one run, and sends their answers, and the events of
// its subscriptions, with one gathered write; then it waits for more: bytes,
// a run that has finished, events, Drain.
//
// A run that the storage does not finish at once stands in nobody's way: what
// arrives meanwhile is executed beside it and answered before it, unless it has
// to wait (run_pipeline.h). Requests without an id, so all of an older peer,
// are executed and answered strictly one after another. A Ping with an id is
// answered at once, a Cancel takes away a request that has not been started.
//
// The end of input ends the subscriptions of a peer of ours. For an older peer
// it is a half-close: the session goes on until it has no subscription left.
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
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/stream/framed_stream.h"
#include "coffer/server/limits.h"
#include "coffer/server/service/service.h"
#include "coffer/server/session/answer_sender.h"
#include "coffer/server/session/peer.h"
#include "coffer/server/session/request_intake.h"
#include "coffer/server/session/session_runs.h"
#include "coffer/server/session/session_wait.h"
#include "coffer/server/session/session_waker.h"
#include "coffer/server/session/subscriptions.h"
#include "coffer/server/session/watchdog.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

template <class AsyncStream>
class ServerStream {
 public:
  using executor_type = typename AsyncStream::executor_type;
  using Phase = SessionProgress::Phase;

  // `clock` is read for requests with a deadline.
  ServerStream(AsyncStream transport, Service* service,
               const ServerLimits& limits, Clock* clock = &Clock::System())
      : limits_(limits),
        peer_(limits.frame,
              MakeServerInfo(limits, service->state().epoch,
                             service->state().retries.epoch(),
                             service->state().changes.attached())),
        stream_(std::move(transport), StreamOptions(limits)),
        wait_(&stream_),
        waker_(std::make_shared<SessionWaker>(
            stream_.get_executor(),
            [this](const std::vector<std::uint64_t>& ids) { Woken(ids); })),
        subscriptions_(&service->state(), limits.subscriptions_max, waker_),
        sender_(&stream_, service, &peer_),
        runs_({.service = service,
               .clock = clock,
               .peer = &peer_,
               .stream = &stream_,
               .wait = &wait_,
               .subscriptions = &subscriptions_,
               .sender = &sender_}),
        intake_(limits_, clock, &peer_, &runs_.pipeline(), &subscriptions_) {}
  ~ServerStream() { waker_->Close(); }

  executor_type get_executor() { return stream_.get_executor(); }
  AsyncStream& next_layer() { return stream_.next_layer(); }

  // What the log calls the peer.
  void set_peer_name(std::string name) {
    subscriptions_.set_peer_name(std::move(name));
  }

  // Serves until the peer ends the stream or Drain. void(absl::Status): OK
  // after a clean end; else why the connection is over: the peer's bad frame, a
  // truncated stream, a transport that failed, a subscriber that fell behind.
  // Any token; completes once, never inside this call, and not before the
  // storage is done with what it was given. Cancellation: every type, while it
  // waits. To stop it at once, close the transport.
  template <class Token>
  auto Process(Token&& token) {
    return internal::Spawn<absl::Status>(
        get_executor(), [this] { return DoProcess(); },
        std::forward<Token>(token));
  }

  // Answers what has arrived, ends the subscriptions, then ends the stream.
  void Drain() {
    draining_ = true;
    received_at_drain_ = stream_.received_bytes();
    wait_.Wake();
  }

  SessionProgress progress() const {
    SessionProgress progress;
    progress.phase = sender_.flushing() ? Phase::kSending : phase_;
    progress.requests_received = intake_.received();
    progress.bytes_written = stream_.written_bytes();
    progress.unread_bytes = stream_.unread_bytes();
    // Between two frames it is the storage's time, not the peer's.
    if (progress.phase == Phase::kReceiving && progress.unread_bytes == 0 &&
        !runs_.pipeline().empty()) {
      progress.phase = Phase::kExecuting;
    }
    progress.subscribed = !subscriptions_.empty();
    return progress;
  }

  // What the session's own messages hold, for tests; its buffers are the
  // stream's.
  std::size_t memory_bytes() const { return sender_.memory_bytes(); }

 private:
  template <class T>
  using awaitable = boost::asio::awaitable<T>;
  using error_code = boost::system::error_code;
  using Framed =
      FramedStream<AsyncStream, v1::CommandRequest, v1::CommandResponse>;
  using Collected = RequestIntake::Result;
  static constexpr auto kAwaitTuple =
      boost::asio::as_tuple(boost::asio::use_awaitable);

  // After a turn.
  enum class Step {
    kTurn,
    kYield,  // the others' turn
    kHello,
    kWaitForBytes,
    kWaitForSignal,
    kLookForBytes,
    kFinish,
  };

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
    const absl::Status status = co_await Serve();
    co_await runs_.Abandon(status);
    co_return status;
  }

  awaitable<absl::Status> Serve() {
    while (!over_) {
      wait_.Forget();
      absl::Status status;
      if (!runs_.pipeline().empty()) status = co_await runs_.ServePipeline();
      if (!status.ok()) co_return status;
      const Collected collected = Collect();
      if (runs_.Launch(intake_.run())) {
        status = co_await runs_.Answer(intake_.run()->run);
      }
      if (status.ok() && intake_.pings() != nullptr) {
        status = co_await runs_.AnswerPings(intake_.pings());
      }
      intake_.PutLaterIntoPipeline();
      const bool flushes = SendEvents();
      if (status.ok() && flushes) status = co_await sender_.Flush();
      if (subscriptions_.cut() == Subscriptions::Cut::kFellBehind) {
        co_return absl::ResourceExhaustedError("a subscription fell behind");
      }
      if (status.ok()) {
        switch (WhatNext(collected, flushes)) {
          case Step::kTurn:
            break;
          case Step::kYield:
            co_await Yield();
            break;
          case Step::kHello:
            status = co_await AnswerHello();
            break;
          case Step::kWaitForBytes:
            phase_ = Phase::kReceiving;
            status = co_await wait_.ForBytes();
            break;
          case Step::kWaitForSignal:
            phase_ = runs_.pipeline().empty() ? Phase::kReceiving
                                              : Phase::kExecuting;
            status = co_await wait_.ForSignal();
            break;
          case Step::kLookForBytes:
            co_await LookForBytes();
            break;
          case Step::kFinish:
            status = co_await Finish();
            break;
        }
      }
      if (!status.ok()) co_return status;
    }
    co_return absl::OkStatus();
  }

  // What to do after a turn.
  Step WhatNext(Collected collected, bool flushed) {
    if (intake_.hello_waits() && runs_.pipeline().empty()) return Step::kHello;
    if (draining_) subscriptions_.EndAll(503, "the server is stopping");
    const bool ended = collected == Collected::kEnd;
    // A half-close of an older peer ends nothing.
    if (ended && (peer_.said_hello() ||
                  stream_.read_error() != boost::asio::error::eof)) {
      subscriptions_.DropAll();
    }
    if (wait_.woken() || subscriptions_.has_more()) return Step::kTurn;
    if (collected == Collected::kFull) {
      return flushed ? Step::kTurn : Step::kYield;
    }
    if (collected == Collected::kBlocked) return Step::kWaitForSignal;
    const bool unsubscribed =
        subscriptions_.cut() == Subscriptions::Cut::kEnded;
    if (ended || unsubscribed || draining_) {
      // Whatever goes on is waited for, and nothing more is begun.
      if (!runs_.pipeline().empty()) return Step::kWaitForSignal;
      if (unsubscribed) return Step::kFinish;
      if (!ended) return Step::kLookForBytes;
      return subscriptions_.empty() ? Step::kFinish : Step::kWaitForSignal;
    }
    return Step::kWaitForBytes;
  }

  Collected Collect() {
    auto next = [this](v1::CommandRequest* request) {
      return stream_.TryNext(request);
    };
    return intake_.Collect(next);
  }

  // --- Events

  // Topics has something for these subscriptions. What there is room for goes
  // behind what is being sent.
  void Woken(const std::vector<std::uint64_t>& ids) {
    subscriptions_.Woken(ids);
    SendEvents();
    if (subscriptions_.cut() == Subscriptions::Cut::kFellBehind) {
      stream_.CancelSink();
    }
    wait_.Wake();
  }

  // Encodes what the subscriptions are to be sent, as far as there is room.
  // Returns whether there is anything to flush.
  bool SendEvents() {
    for (std::size_t n = 0;
         n < limits_.requests_per_run_max && stream_.is_ready() &&
         !sender_.answer_waits() && subscriptions_.has_more();
         ++n) {
      if (!subscriptions_.Next(&outgoing_)) break;
      sender_.FeedEvent(subscriptions_, &outgoing_);
    }
    outgoing_.event = nullptr;
    if (subscriptions_.has_more()) subscriptions_.Rest();
    return stream_.unwritten_bytes() > 0;
  }

  // While draining: what has arrived is the next turn's; if nothing has, it is
  // over. A peer that was still sending gets the rest of its answers before the
  // connection goes: closed with bytes unread, it would be reset, and the
  // answers on their way be lost.
  awaitable<void> LookForBytes() {
    phase_ = Phase::kReceiving;
    auto [error] = co_await stream_.ReadableNow(kAwaitTuple);
    if (error != boost::asio::error::operation_aborted) co_return;
    co_await End();
    if (stream_.received_bytes() != received_at_drain_) co_await Linger();
  }

  awaitable<void> Yield() {
    co_await boost::asio::post(get_executor(), boost::asio::use_awaitable);
  }

  // --- Beginning and end

  awaitable<absl::Status> AnswerHello() {
    const v1::CommandRequest hello = intake_.TakeHello();
    v1::CommandResponse& response = sender_.response();
    response.Clear();
    auto encoder = peer_.Hello(hello.hello(), &response);
    if (encoder.has_value()) {
      runs_.SetClient(hello.hello());
      subscriptions_.set_peer_is_ours();
    }
    peer_.FinishAnswer(hello.request_id(), &response);
    absl::Status sent = co_await sender_.SendOwn();
    // From the next answer on: a Hello's own is never compressed.
    if (encoder.has_value()) stream_.set_encoder_options(*encoder);
    co_return sent;
  }

  // The input is over, or an older peer's last subscription.
  awaitable<absl::Status> Finish() {
    const error_code error = stream_.read_error();
    if (!error || error == boost::asio::error::eof) co_return co_await End();
    over_ = true;
    const absl::Status why = stream_.read_status();
    if (stream_.read_error().category() != FrameCategory()) co_return why;
    peer_.MakeError(why, v1::NOT_EXECUTED, 0, &sender_.response());
    absl::Status sent = co_await sender_.SendOwn();
    if (!sent.ok()) co_return why;
    co_await End();
    co_await Linger();
    co_return why;
  }

  // Sending has ended: throws away what the peer still sends, within a bound,
  // so that it can read what it was sent.
  awaitable<void> Linger() {
    phase_ = Phase::kEnding;
    co_await stream_.Discard(limits_.linger_bytes_max, kAwaitTuple);
  }

  awaitable<absl::Status> End() {
    over_ = true;
    phase_ = Phase::kSending;
    // What becomes of the peer's end of a connection that is over is its
    // affair.
    co_await stream_.Close(kAwaitTuple);
    co_return absl::OkStatus();
  }

  const ServerLimits limits_;
  Peer peer_;
  Framed stream_;
  SessionWait<Framed> wait_;
  const std::shared_ptr<SessionWaker> waker_;

  Subscriptions subscriptions_;
  Subscriptions::Outgoing outgoing_;
  AnswerSender<Framed> sender_;
  SessionRuns<Framed> runs_;
  RequestIntake intake_;

  bool draining_ = false;
  std::uint64_t received_at_drain_ = 0;
  bool over_ = false;
  Phase phase_ = Phase::kReceiving;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_SERVER_STREAM_H_
