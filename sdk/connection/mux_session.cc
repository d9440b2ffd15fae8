#include "coffer/sdk/connection/mux_session.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/internal/within_timeout.h"
#include "coffer/sdk/status/status_codes.h"

namespace coffer::internal {
namespace {

namespace asio = boost::asio;

constexpr auto kAwaitTuple = asio::as_tuple(asio::use_awaitable);

// Requests beyond this are not kept for the time in which they are answered.
constexpr std::size_t kRequestBytesKept = 4096;

// For the end of the stream to be written.
constexpr std::chrono::seconds kGoodbyeTimeout(1);

std::uint64_t MillisecondsLeft(Clock::TimePoint deadline,
                               Clock::TimePoint now) {
  if (deadline == Clock::TimePoint::max()) return 0;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(left.count(), 1));
}

// What a server of the older protocol is not to see.
void ClearOurs(v1::CommandRequest* request) {
  request->clear_request_id();
  request->clear_deadline_ms();
  request->clear_trace_context();
  request->clear_attempt();
  switch (request->request_data_case()) {
    case v1::CommandRequest::kHset:
      return request->mutable_hset()->clear_no_previous();
    case v1::CommandRequest::kHmset:
      return request->mutable_hmset()->clear_no_previous();
    case v1::CommandRequest::kHdel:
      return request->mutable_hdel()->clear_no_previous();
    case v1::CommandRequest::kHmdel:
      return request->mutable_hmdel()->clear_no_previous();
    default:
      return;
  }
}

// Why no answer will come any more. A connection that was cut inside one is one
// that was lost: only bytes that make no sense are data loss.
absl::Status EndOfStream(const ClientFramedStream& stream) {
  const auto error = stream.read_error();
  if (error == asio::error::eof) {
    return absl::UnavailableError("the server closed the connection");
  }
  if (error == FrameErrc::kTruncatedHeader ||
      error == FrameErrc::kTruncatedPayload) {
    return absl::UnavailableError(absl::StrCat("the connection was cut: ",
                                               stream.read_status().message()));
  }
  return stream.read_status();
}

asio::awaitable<absl::Status> EndStream(ClientFramedStream* stream) {
  auto [error] = co_await stream->Close(kAwaitTuple);
  co_return error ? ToStatus(error, "closing") : absl::OkStatus();
}

}  // namespace

MuxSession::MuxSession(OpenedSession opened, Multiplexer* mux,
                       const ConnectionOptions* options,
                       ClientIdentity* identity, Owner* owner)
    : stream_(std::move(opened.stream)),
      server_(std::move(opened.server)),
      mux_(*mux),
      options_(*options),
      identity_(*identity),
      owner_(owner),
      probe_(server_.has_value() ? options->ping_interval
                                 : Clock::Duration::zero()),
      probe_timer_(options->clock->MakeTimer(stream_->get_executor())) {}

asio::awaitable<absl::Status> MuxSession::Run() {
  const auto self = shared_from_this();
  try {
    probe_.Start(options_.clock->Now());
    WatchProbe();
    Pump();
    while (!over_) {
      auto [error] = co_await stream_->WaitReadable(kAwaitTuple);
      if (!over_ && error == asio::error::operation_aborted) {
        End(absl::CancelledError("the connection was closed"));
      }
      if (!over_) Drain();
    }
  } catch (...) {
    // What was interrupted is not gone on with.
    End(StatusOfException(std::current_exception()));
  }
  probe_timer_->Cancel();
  owner_ = nullptr;
  asked_.clear();
  stream_->CancelSink();
  if (how_ == How::kFlush) co_await Goodbye();
  // Now, and not with the last of those that its handlers keep it by.
  stream_.reset();
  co_return why_;
}

template <class Step>
void MuxSession::Guarded(Step step) {
  try {
    step();
  } catch (...) {
    // What was interrupted is not gone on with.
    End(StatusOfException(std::current_exception()));
  }
}

void MuxSession::End(absl::Status why, How how) {
  if (over_) return;
  over_ = true;
  how_ = how;
  why_ = std::move(why);
  stream_->CancelSource();
}

asio::awaitable<void> MuxSession::Goodbye() {
  const auto self = shared_from_this();
  auto closing = EndStream(stream_.get());
  co_await WithinTimeout(options_.clock, kGoodbyeTimeout, "closing",
                         std::move(closing));
}

// --- Sending

void MuxSession::SendControl(v1::CommandRequest message) {
  if (over_ || !server_.has_value()) return;
  control_.push_back(std::move(message));
  SchedulePump();
}

void MuxSession::Ask(v1::CommandRequest request, Asked answered) {
  if (over_ || !server_.has_value()) return;
  request.set_request_id(identity_.NewRequestId());
  asked_.emplace(request.request_id(), std::move(answered));
  SendControl(std::move(request));
}

MuxSession::Asked MuxSession::TakeAsked(std::uint64_t id) {
  const auto found = asked_.find(id);
  if (found == asked_.end()) return nullptr;
  Asked taken = std::move(found->second);
  asked_.erase(found);
  return taken;
}

void MuxSession::SchedulePump() {
  if (pump_scheduled_ || over_) return;
  pump_scheduled_ = true;
  asio::post(stream_->get_executor(), [self = shared_from_this()] {
    self->pump_scheduled_ = false;
    self->Guarded([&] { self->Pump(); });
  });
}

void MuxSession::Pump() {
  if (over_) return;
  if (control_.empty() && !mux_.may_send() && stream_->unwritten_bytes() == 0) {
    return;
  }
  const Clock::TimePoint now = options_.clock->Now();
  while (!over_ && stream_->is_ready() && FeedNext(now)) {
  }
  if (!over_ && !flushing_ && stream_->unwritten_bytes() > 0) Flush();
}

bool MuxSession::FeedNext(Clock::TimePoint now) {
  if (!control_.empty()) return FeedControl();
  Call* const call = mux_.Send();
  return call != nullptr && FeedCall(call, now);
}

bool MuxSession::FeedControl() {
  const absl::Status fed = stream_->Feed(control_.front());
  const std::uint64_t id = control_.front().request_id();
  control_.pop_front();
  if (fed.ok()) return true;
  // As of a call: what the server would not take costs nobody else anything.
  const Asked asked = absl::IsUnavailable(fed) ? nullptr : TakeAsked(id);
  if (asked == nullptr) {
    End(fed);
    return false;
  }
  asked(fed);
  return true;
}

// What the server does not know it would take for an empty request.
absl::Status MuxSession::CheckKnown(const Call& call) const {
  const auto command = call.command;
  if (command < v1::CommandRequest::kListTables ||
      command > v1::CommandRequest::kTransaction) {
    return absl::OkStatus();
  }
  if (server_.has_value() && server_->features.data_commands) {
    return absl::OkStatus();
  }
  const absl::string_view name =
      v1::CommandRequest::descriptor()->FindFieldByNumber(command)->name();
  return absl::UnimplementedError(
      server_.has_value()
          ? absl::StrCat("the server (version ", server_->version,
                         ") does not know ", name)
          : absl::StrCat("the server is of the older protocol, which has no ",
                         name));
}

// A request of more is malformed to the server, which would end the connection
// for it.
absl::Status MuxSession::CheckSize(const Call& call) const {
  if (!server_.has_value()) return absl::OkStatus();
  const bool publishes = call.request.has_publish();
  const std::size_t count =
      publishes ? static_cast<std::size_t>(call.request.publish().data_size())
                : KeyCount(call.request);
  if (count <= server_->request_keys_max) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("request of ", count, publishes ? " values" : " keys",
                   ": the limit of the server is ", server_->request_keys_max));
}

absl::Status MuxSession::CheckSendable(const Call& call) const {
  if (call.note == nullptr || !call.note->needs_retry_window) {
    return absl::OkStatus();
  }
  if (!server_.has_value() || !server_->features.retries) {
    return absl::UnavailableError(
        "the server executes requests that are sent again: not sent again");
  }
  const std::uint64_t epoch = call.note->only_epoch;
  if (epoch != 0 && epoch != server_->retries_epoch) {
    return absl::UnavailableError(
        "the server has forgotten what it has executed, or it is another one: "
        "not sent again");
  }
  return absl::OkStatus();
}

bool MuxSession::FeedCall(Call* call, Clock::TimePoint now) {
  absl::Status fed = CheckKnown(*call);
  if (fed.ok()) fed = CheckSize(*call);
  if (fed.ok()) {
    fed = CheckSendable(*call);
    if (!fed.ok()) call->note->refused = true;
  }
  if (fed.ok()) {
    if (server_.has_value()) {
      call->request.set_request_id(call->id);
      call->request.set_deadline_ms(MillisecondsLeft(call->deadline, now));
    } else {
      ClearOurs(&call->request);
    }
    identity_.Sending(call->id);
    fed = stream_->Feed(call->request);
    if (absl::IsUnavailable(fed)) {  // writing has failed
      End(fed);
      return false;
    }
  }
  if (!fed.ok()) {
    owner_->Unsendable(mux_.TakeBack(call->id), std::move(fed));
    return true;
  }
  if (call->note != nullptr) {  // who sends it again keeps it
    call->note->sent = true;
    call->note->epoch = server_.has_value() ? server_->retries_epoch : 0;
  } else if (call->bytes > kRequestBytesKept) {
    v1::CommandRequest().Swap(&call->request);
  }
  owner_->Sent(*call);
  return true;
}

void MuxSession::Flush() {
  flushing_ = true;
  stream_->Flush([self = shared_from_this()](error_code error) {
    self->flushing_ = false;
    if (self->over_) return;
    if (error) return self->End(ToStatus(error, "sending"));
    self->Guarded([&] {
      if (self->probe_.ping_unwritten()) self->LookAtProbe();
      self->Pump();
    });
  });
}

// --- Receiving

void MuxSession::Drain() {
  if (probe_.enabled()) probe_.Look(options_.clock->Now(), Progress());
  while (!over_) {
    v1::CommandResponse message;
    switch (stream_->TryNext(&message)) {
      case NextResult::kMessage:
        Received(std::move(message));
        break;
      case NextResult::kNothingYet:
        if (mux_.may_send()) SchedulePump();
        return;
      case NextResult::kEnd:
        return End(EndOfStream(*stream_));
    }
  }
}

void MuxSession::Received(v1::CommandResponse message) {
  if (message.has_event()) return owner_->EventCame(std::move(message));
  if (server_.has_value()) {
    const std::uint64_t id = message.request_id();
    if (id == ping_id_ && id != 0) return;
    if (const Asked asked = TakeAsked(id)) return asked(std::move(message));
    if (id == 0 && message.status() >= 400) {
      return End(absl::UnavailableError(absl::StrCat(
          "the server ended the connection: ", message.message())));
    }
  }
  std::unique_ptr<Call> call;
  absl::Status known = mux_.Answer(message, &call);
  if (!known.ok()) return End(std::move(known));
  if (call != nullptr) owner_->Answered(std::move(call), std::move(message));
}

// --- The probe

ConnectionProgress MuxSession::Progress() const {
  ConnectionProgress progress;
  progress.received = stream_->received_bytes();
  progress.written = stream_->written_bytes();
  progress.fed = progress.written + stream_->unwritten_bytes();
  return progress;
}

void MuxSession::WatchProbe() {
  if (!probe_.enabled()) return;
  probe_timer_->AsyncWaitUntil(probe_.next_look(),
                               [weak = weak_from_this()](error_code error) {
                                 const auto self = weak.lock();
                                 if (error || self == nullptr || self->over_)
                                   return;
                                 self->Guarded([&] { self->LookAtProbe(); });
                               });
}

void MuxSession::LookAtProbe() {
  const Clock::TimePoint now = options_.clock->Now();
  switch (probe_.Look(now, Progress())) {
    case IdleProbe::Action::kNothing:
      break;
    case IdleProbe::Action::kPing: {
      // The same for all: an answer may be to an earlier one.
      if (ping_id_ == 0) ping_id_ = identity_.NewRequestId();
      v1::CommandRequest ping;
      ping.mutable_ping();
      ping.set_request_id(ping_id_);
      SendControl(std::move(ping));
      Pump();
      probe_.Pinged(now, Progress());
      break;
    }
    case IdleProbe::Action::kDead:
      return End(absl::UnavailableError(
          absl::StrCat("the server is silent: no answer to a ping for ",
                       std::chrono::duration_cast<std::chrono::milliseconds>(
                           options_.ping_interval)
                           .count(),
                       " ms")));
  }
  WatchProbe();
}

}  // namespace coffer::internal
