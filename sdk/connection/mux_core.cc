#include "coffer/sdk/connection/mux_core.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/connection/tell_observer.h"
#include "coffer/sdk/idempotency_policy.h"
#include "coffer/sdk/status/outcome.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/sdk/stream/check_text.h"

namespace coffer::internal {

namespace asio = boost::asio;

namespace {

MultiplexerLimits LimitsOf(const ConnectionOptions& options) {
  MultiplexerLimits limits;
  limits.calls_in_flight_max = options.calls_in_flight_max;
  limits.calls_queued_max = options.calls_queued_max;
  limits.bytes_queued_max = options.bytes_queued_max;
  limits.refuse_when_full =
      options.when_full == ConnectionOptions::WhenFull::kRefuse;
  return limits;
}

v1::CommandRequest CancelRequest(std::uint64_t id) {
  v1::CommandRequest cancel;
  cancel.mutable_cancel()->set_request_id(id);
  return cancel;
}

// Whose answer would be waited for in vain.
absl::Status CheckAnswered(v1::CommandRequest::RequestDataCase command) {
  if (command != v1::CommandRequest::kCancel &&
      command != v1::CommandRequest::kGrantCredit) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "a request that has no answer is not a call");
}

}  // namespace

MuxCore::MuxCore(asio::any_io_executor executor,
                 std::vector<std::shared_ptr<Dialer>> dialers,
                 ConnectionOptions options,
                 std::shared_ptr<ClientIdentity> identity, std::uint64_t seed)
    : executor_(executor),
      dialers_(std::move(dialers)),
      options_(std::move(options)),
      identity_(std::move(identity)),
      mux_(LimitsOf(options_)),
      reconnect_(dialers_.size(), options_.reconnect_backoff,
                 options_.connect_timeout, seed),
      subscriptions_(std::make_shared<Subscriptions>(
          executor, options_.clock, options_.call_timeout, this)),
      last_error_(absl::UnavailableError("not connected yet")),
      backoff_timer_(options_.clock->MakeTimer(executor)),
      deadline_timer_(options_.clock->MakeTimer(executor)),
      context_(std::make_shared<Waiter>(executor)) {}

MuxCore::~MuxCore() { Drop(); }

// --- Calls

MuxCore::CallPtr MuxCore::MakeCall(v1::CommandRequest request,
                                   const CallOptions& options,
                                   Connection::ExecuteHandler handler) {
  auto call = std::make_unique<Call>();
  call->request = std::move(request);
  call->id = call->request.request_id() != 0 ? call->request.request_id()
                                             : identity_->NewRequestId();
  if (!options.trace_context.empty()) {
    call->request.set_trace_context(options.trace_context);
  }
  call->command = call->request.request_data_case();
  call->is_read = IsRead(call->request);
  call->note = options.attempt;
  call->goes_first = call->note != nullptr && call->note->number > 0;
  call->bytes = call->request.ByteSizeLong();
  call->started = options_.clock->Now();
  const Clock::Duration timeout =
      options.timeout.value_or(options_.call_timeout);
  if (timeout < Clock::TimePoint::max() - call->started) {
    call->deadline = call->started + timeout;
  }
  OnCancel(handler, [weak = weak_from_this(), id = call->id] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    asio::dispatch(self->executor_, [self, id] { self->Cancel(id); });
  });
  call->handler = PendingHandler<Response>(std::move(handler), executor_);
  return call;
}

void MuxCore::Execute(v1::CommandRequest request, const CallOptions& options,
                      Connection::ExecuteHandler handler) {
  calls_.fetch_add(1, std::memory_order_relaxed);
  CallPtr call = MakeCall(std::move(request), options, std::move(handler));
  asio::dispatch(executor_,
                 [self = shared_from_this(), call = std::move(call)]() mutable {
                   self->Begin(std::move(call));
                 });
}

absl::Status MuxCore::Admit() const {
  if (stopped_) return stopped_why_;
  if (closing()) return absl::CancelledError("the connection is being closed");
  if (options_.fail_fast && reconnect_.failing()) return last_error_;
  return absl::OkStatus();
}

void MuxCore::Begin(CallPtr call) {
  if (options_.observer != nullptr) {
    TellObserver(*options_.observer, &Observer::OnAttempt, InfoOf(*call));
  }
  absl::Status admitted = Admit();
  if (admitted.ok()) admitted = CheckAnswered(call->command);
  if (admitted.ok()) admitted = CheckText(call->request);
  if (admitted.ok() && call->deadline <= options_.clock->Now()) {
    admitted = absl::DeadlineExceededError("the call has no time left");
  }
  if (admitted.ok()) admitted = mux_.Add(&call);
  if (!admitted.ok()) {
    return Fail(std::move(call), admitted, false, When::kPosted);
  }
  ArmDeadline();
  if (session_ != nullptr) session_->CallAdded();
}

void MuxCore::Cancel(std::uint64_t id) {
  const absl::Status why = absl::CancelledError("cancelled by the caller");
  if (GiveUp(id, why)) return;
  // It may have been handed over. Ids are the client's, not the connection's.
  for (const auto& weak : others_) {
    const auto other = weak.lock();
    if (other != nullptr && other->GiveUp(id, why)) return;
  }
}

bool MuxCore::GiveUp(std::uint64_t id, const absl::Status& why) {
  bool was_sent = false;
  CallPtr call = mux_.GiveUp(id, &was_sent);
  if (call == nullptr) return false;
  if (was_sent && session_ != nullptr) session_->SendControl(CancelRequest(id));
  Fail(std::move(call), why, was_sent);
  return true;
}

void MuxCore::HandOver() {
  std::shared_ptr<MuxCore> to;
  for (const auto& weak : others_) {
    const auto other = weak.lock();
    if (other == nullptr || other->session_ == nullptr) continue;
    if (to == nullptr || other->calls() < to->calls()) to = other;
  }
  if (to == nullptr || session_ != nullptr) return;
  for (CallPtr& call : mux_.All()) {
    if (to->Adopt(&call)) {
      calls_.fetch_sub(1, std::memory_order_relaxed);
      continue;
    }
    // It was here before, so there is room for it.
    const absl::Status kept = mux_.Add(&call);
    if (!kept.ok()) Fail(std::move(call), kept, false);
  }
  CheckClosed();
}

bool MuxCore::Adopt(CallPtr* call) {
  if (stopped_ || session_ == nullptr || Refuses((*call)->note)) return false;
  if (!mux_.Add(call).ok()) return false;
  calls_.fetch_add(1, std::memory_order_relaxed);
  ArmDeadline();
  session_->CallAdded();
  return true;
}

void MuxCore::Finish(CallPtr call, Response result, When when) {
  calls_.fetch_sub(1, std::memory_order_relaxed);
  if (call->note != nullptr) call->note->request.Swap(&call->request);
  PendingHandler<Response> handler = std::move(call->handler);
  call.reset();
  when == When::kNow ? handler.Dispatch(std::move(result))
                     : handler.Post(std::move(result));
  CheckClosed();
}

void MuxCore::Fail(CallPtr call, const absl::Status& why, bool was_sent,
                   When when) {
  const bool may_have_effect = was_sent && !call->is_read;
  Finish(std::move(call),
         WithOutcome(why, may_have_effect ? v1::UNKNOWN : v1::NOT_EXECUTED),
         when);
}

void MuxCore::FailAll(std::vector<CallPtr> calls, const absl::Status& why,
                      bool were_sent) {
  for (CallPtr& call : calls) Fail(std::move(call), why, were_sent);
}

// --- What the session tells

CallInfo MuxCore::InfoOf(const Call& call) {
  CallInfo info;
  info.request_id = call.id;
  info.command = call.command;
  info.trace_context = &call.request.trace_context();
  info.attempt = call.note != nullptr ? call.note->number : 0;
  info.started = call.started;
  return info;
}

void MuxCore::Answered(CallPtr call, v1::CommandResponse answer) {
  has_answered_ = true;
  if (options_.observer != nullptr) {
    TellObserver(*options_.observer, &Observer::OnReceived, InfoOf(*call),
                 answer.status(), answer.ByteSizeLong());
  }
  Finish(std::move(call), std::move(answer), When::kNow);
}

void MuxCore::Unsendable(CallPtr call, absl::Status why) {
  Fail(std::move(call), why, false);
}

void MuxCore::Sent(const Call& call) {
  was_asked_ = true;
  if (options_.observer == nullptr) return;
  TellObserver(*options_.observer, &Observer::OnSent, InfoOf(call), call.bytes);
}

void MuxCore::EventCame(v1::CommandResponse event) {
  subscriptions_->EventCame(std::move(event));
}

void MuxCore::CallServer(v1::CommandRequest request,
                         SubscriptionLink::Answered answered) {
  if (session_ == nullptr) return;
  session_->Ask(std::move(request), std::move(answered));
}

void MuxCore::SendControl(v1::CommandRequest message) {
  if (session_ != nullptr) session_->SendControl(std::move(message));
}

void MuxCore::BreakSession(absl::Status why) {
  if (session_ != nullptr) session_->End(std::move(why));
}

std::optional<ServerInfo> MuxCore::server_info() const {
  const std::lock_guard<std::mutex> lock(server_mutex_);
  return server_;
}

void MuxCore::SetState(Link link, std::optional<ServerInfo> server) {
  link_.store(link, std::memory_order_relaxed);
  epoch_.store(server.has_value() ? server->retries_epoch : 0,
               std::memory_order_relaxed);
  const std::lock_guard<std::mutex> lock(server_mutex_);
  server_ = std::move(server);
}

// --- Deadlines

void MuxCore::ArmDeadline() {
  const auto next = mux_.next_deadline();
  if (!next.has_value() || *next == Clock::TimePoint::max()) return;
  // One that is set for earlier looks again by itself.
  if (armed_for_.has_value() && *armed_for_ <= *next) return;
  armed_for_ = next;
  deadline_timer_->AsyncWaitUntil(
      *next, asio::bind_executor(
                 executor_,
                 [weak = weak_from_this()](boost::system::error_code error) {
                   const auto self = weak.lock();
                   if (error || self == nullptr || self->stopped_) return;
                   self->armed_for_.reset();
                   self->ExpireCalls();
                 }));
}

void MuxCore::ExpireCalls() {
  const Clock::TimePoint now = options_.clock->Now();
  for (;;) {
    const auto next = mux_.next_deadline();
    if (!next.has_value() || *next > now) break;
    const absl::Status why = absl::DeadlineExceededError(
        session_ != nullptr
            ? "no answer within the call's time"
            : absl::StrCat("no connection within the call's time: ",
                           last_error_.message()));
    GiveUp(mux_.next_to_expire(), why);
  }
  if (!stopped_) ArmDeadline();
}

// --- Ends

void MuxCore::Subscribe(v1::CommandRequest what,
                        const SubscribeOptions& options,
                        Connection::SubscribeHandler handler) {
  subscriptions_->Open(std::move(what), options, std::move(handler));
}

void MuxCore::Close(Connection::CloseHandler handler) {
  PendingHandler<absl::Status> pending(std::move(handler), executor_);
  asio::dispatch(executor_, [self = shared_from_this(),
                             pending = std::move(pending)]() mutable {
    self->BeginClose(std::move(pending));
  });
}

void MuxCore::BeginClose(PendingHandler<absl::Status> handler) {
  if (stopped_) return handler.Post(absl::OkStatus());
  closing_.push_back(std::move(handler));
  subscriptions_->End(absl::CancelledError("the connection was closed"));
  CheckClosed();
}

void MuxCore::CheckClosed() {
  if (!closing() || stopped_ || mux_.waited_for() > 0) return;
  StopNow(absl::CancelledError("the connection was closed"));
}

void MuxCore::Stop(absl::Status why) {
  asio::dispatch(executor_,
                 [self = shared_from_this(), why] { self->StopNow(why); });
}

void MuxCore::StopNow(absl::Status why) {
  if (stopped_) return;
  stopped_ = true;
  stopped_why_ = why;
  SetState(Link::kFailing, std::nullopt);
  backoff_timer_->Cancel();
  deadline_timer_->Cancel();
  if (session_ != nullptr) {
    session_->End(why, MuxSession::How::kFlush);
  } else {
    stop_.emit(asio::cancellation_type::terminal);
  }
  subscriptions_->End(why);
  auto calls = mux_.All();
  for (CallPtr& call : calls) {
    const bool sent = call->state != Call::State::kQueued;
    Fail(std::move(call), why, sent, When::kPosted);
  }
  for (auto& closer : std::exchange(closing_, {})) {
    closer.Post(absl::OkStatus());
  }
  context_->Dispatch({});
}

void MuxCore::Drop() {
  stopped_ = true;
  stopped_why_ = absl::CancelledError("its execution context is gone");
  subscriptions_->Drop();
  const auto calls = mux_.All();
  const auto closers = std::exchange(closing_, {});
}

}  // namespace coffer::internal
