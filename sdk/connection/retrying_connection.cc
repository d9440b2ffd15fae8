#include "coffer/sdk/connection/retrying_connection.h"

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <limits>
#include <random>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "coffer/sdk/connection/attempt_note.h"
#include "coffer/sdk/connection/retried_calls.h"
#include "coffer/sdk/internal/pending_handler.h"
#include "coffer/sdk/status/outcome.h"
#include "coffer/sdk/status/status_codes.h"

namespace coffer::internal {
namespace {

namespace asio = boost::asio;

using Response = absl::StatusOr<v1::CommandResponse>;

struct Policies {
  std::shared_ptr<const RetryPolicy> retry;
  std::shared_ptr<const BackoffPolicy> backoff;
  std::shared_ptr<const IdempotencyPolicy> idempotency;
};

class RetriedCall;

// One call, from its first attempt to its last. On the executor, but for the
// first attempt. It does not keep the connection.
class RetriedCall : public std::enable_shared_from_this<RetriedCall> {
 public:
  struct Parts {
    std::shared_ptr<Connection> next;
    std::shared_ptr<RetriedCalls> calls;
    Clock* clock;
    std::uint64_t seed;
  };

  // `bytes`: what it was admitted with.
  RetriedCall(const Parts& parts, Policies policies, v1::CommandRequest request,
              std::size_t bytes, Clock::TimePoint deadline)
      : next_(parts.next),
        executor_(parts.next->get_executor()),
        calls_(parts.calls),
        clock_(*parts.clock),
        policies_(std::move(policies)),
        bytes_(bytes),
        deadline_(deadline),
        id_(request.request_id()),
        seed_(parts.seed ^ (id_ * 0x9e3779b97f4a7c15)) {
    note_.request = std::move(request);
  }

  void Start(CallOptions options, Connection::ExecuteHandler handler) {
    OnCancel(handler, [weak = weak_from_this(), executor = executor_] {
      asio::dispatch(executor, [weak] {
        if (const auto self = weak.lock()) self->Cancel();
      });
    });
    handler_ = PendingHandler<Response>(std::move(handler), executor_);
    trace_context_ = options.trace_context;
    Attempt(std::move(options));
  }

 private:
  void Cancel() {
    cancelled_ = true;
    if (timer_ != nullptr) {
      timer_->Cancel();
    } else {
      cancel_.emit(asio::cancellation_type::terminal);
    }
  }

  void Attempt(CallOptions options) {
    const auto next = next_.lock();
    if (next == nullptr) return FinishCancelled();
    auto attempted = [self = shared_from_this()](Response result) {
      self->Attempted(std::move(result));
    };
    // An older server was sent it without.
    note_.request.set_request_id(id_);
    options.attempt = &note_;
    // Called on the connection's executor: it has none of its own.
    next->Execute(
        std::move(note_.request), std::move(options),
        asio::bind_cancellation_slot(cancel_.slot(), std::move(attempted)));
  }

  void AttemptAgain() {
    CallOptions options;
    if (deadline_ == Clock::TimePoint::max()) {
      options.timeout = Clock::Duration::max();
    } else {
      options.timeout = deadline_ - clock_.Now();
    }
    options.trace_context = trace_context_;
    Attempt(std::move(options));
  }

  void Attempted(Response result) {
    const absl::Status status =
        result.ok() ? ToStatus(*result) : result.status();
    // Lost on its way: how soon there is a connection again is the
    // connection's business, and to be first on it keeps writes in their order.
    const bool was_lost = note_.sent && !result.ok();
    ++note_.number;
    bool again = false;
    try {
      again = !status.ok() && !cancelled_ && !note_.refused &&
              !calls_->given_up() && MayTryAgain(status) &&
              (was_lost || WaitForNext());
    } catch (...) {
      // A policy or a clock that throws has nothing to say.
      timer_.reset();
      calls_->WaitsNoMore(this);
      again = false;
    }
    if (!again) return Finish(std::move(result));
    note_.sent = false;
    if (was_lost) AttemptAgain();
  }

  // False: there is no time for it.
  bool WaitForNext() {
    const Clock::TimePoint at =
        clock_.Now() + policies_.backoff->Wait(note_.number, Random());
    if (at >= deadline_) return false;
    timer_ = clock_.MakeTimer(executor_);
    calls_->Waits(this, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Cancel();
    });
    timer_->AsyncWaitUntil(
        at, [self = shared_from_this()](boost::system::error_code) {
          self->Waited();
        });
    return true;
  }

  void Waited() {
    timer_.reset();
    calls_->WaitsNoMore(this);
    if (cancelled_) return FinishCancelled();
    AttemptAgain();
  }

  // Sees to what the next attempt has to say.
  bool MayTryAgain(const absl::Status& status) {
    if (!policies_.retry->Again(note_.number, status)) return false;
    if (OutcomeOf(status) == v1::NOT_EXECUTED && !unknown_) return true;
    const IdempotencyPolicy& idempotency = *policies_.idempotency;
    if (OutcomeOf(status) != v1::NOT_EXECUTED && !unknown_) {
      unknown_ = true;
      note_.only_epoch = note_.epoch;
    }
    note_.needs_retry_window = false;
    if (!idempotency.MaySendAgain(note_.request, RetryWindow::kNone)) {
      // One without an epoch was an older server, which remembers nothing, and
      // no other one knows what it has done.
      if (note_.only_epoch == 0 ||
          !idempotency.MaySendAgain(note_.request, RetryWindow::kKept)) {
        return false;
      }
      note_.needs_retry_window = true;
    }
    note_.request.set_attempt(static_cast<std::uint32_t>(note_.number));
    return true;
  }

  // An earlier attempt may have had its effect even if the last one had none.
  void Finish(Response result) {
    if (!result.ok() && unknown_) {
      result = WithOutcome(result.status(), v1::UNKNOWN);
    } else if (result.ok() && unknown_ && result->status() >= 400 &&
               result->outcome() == v1::NOT_EXECUTED) {
      result->set_outcome(v1::UNKNOWN);
    }
    calls_->Ended(bytes_);
    auto handler = std::move(handler_);
    handler.Dispatch(std::move(result));
  }

  void FinishCancelled() {
    Finish(WithOutcome(absl::CancelledError("cancelled by the caller"),
                       v1::NOT_EXECUTED));
  }

  // A new one each time, and the same ones for the same seed.
  std::uint64_t Random() { return std::mt19937_64(seed_ + note_.number)(); }

  const std::weak_ptr<Connection> next_;
  const asio::any_io_executor executor_;
  const std::shared_ptr<RetriedCalls> calls_;
  Clock& clock_;
  const Policies policies_;
  const std::size_t bytes_;
  const Clock::TimePoint deadline_;
  const std::uint64_t id_;
  const std::uint64_t seed_;
  std::string trace_context_;
  PendingHandler<Response> handler_;
  asio::cancellation_signal cancel_;
  std::unique_ptr<Timer> timer_;
  // Has the request between attempts.
  AttemptNote note_;
  bool unknown_ = false;
  bool cancelled_ = false;
};

// What does not fit is no limit.
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
std::size_t Sum(std::size_t a, std::size_t b) {
  return a > kNoLimit - b ? kNoLimit : a + b;
}
std::size_t Product(std::size_t a, std::size_t b) {
  return b != 0 && a > kNoLimit / b ? kNoLimit : a * b;
}

RetriedCallsLimits LimitsOf(const ConnectionOptions& options) {
  const auto connections =
      static_cast<std::size_t>(std::max(options.connections, 1));
  RetriedCallsLimits limits;
  limits.calls_max = Product(
      connections, Sum(options.calls_in_flight_max, options.calls_queued_max));
  limits.bytes_max = Product(connections, options.bytes_queued_max);
  return limits;
}

class RetryingConnection final : public Connection {
 public:
  RetryingConnection(std::shared_ptr<Connection> next,
                     const ConnectionOptions& options,
                     std::shared_ptr<ClientIdentity> identity,
                     std::uint64_t seed)
      : parts_{std::move(next),
               std::make_shared<RetriedCalls>(LimitsOf(options)), options.clock,
               seed},
        call_timeout_(options.call_timeout),
        policies_{options.retry, options.backoff, options.idempotency},
        identity_(std::move(identity)),
        observed_(options.observer != nullptr) {}

  ~RetryingConnection() override {
    asio::dispatch(get_executor(), [calls = parts_.calls] { calls->GiveUp(); });
  }

  asio::any_io_executor get_executor() override {
    return parts_.next->get_executor();
  }

  void Execute(v1::CommandRequest request, CallOptions options,
               ExecuteHandler handler) override {
    Policies policies = policies_;
    if (options.retry != nullptr) policies.retry = options.retry;
    if (options.backoff != nullptr) policies.backoff = options.backoff;
    if (options.idempotency != nullptr) {
      policies.idempotency = options.idempotency;
    }
    // The caller's own numbers would be taken for those of other calls.
    if (!observed_) request.set_request_id(identity_->NewRequestId());
    request.clear_attempt();
    if (policies.retry == nullptr && !parts_.calls->closing()) {
      return parts_.next->Execute(std::move(request), std::move(options),
                                  std::move(handler));
    }
    const Clock::Duration timeout = options.timeout.value_or(call_timeout_);
    const Clock::TimePoint now = parts_.clock->Now();
    const Clock::TimePoint deadline = timeout < Clock::TimePoint::max() - now
                                          ? now + timeout
                                          : Clock::TimePoint::max();
    const std::size_t bytes = request.ByteSizeLong();
    absl::Status admitted = parts_.calls->Admit(bytes);
    if (!admitted.ok()) {
      return Refuse(std::move(admitted), std::move(handler));
    }
    std::make_shared<RetriedCall>(parts_, std::move(policies),
                                  std::move(request), bytes, deadline)
        ->Start(std::move(options), std::move(handler));
  }

  void Subscribe(std::string topic, SubscribeOptions options,
                 SubscribeHandler handler) override {
    parts_.next->Subscribe(std::move(topic), std::move(options),
                           std::move(handler));
  }

  void Watch(v1::OpenWatch what, SubscribeOptions options,
             SubscribeHandler handler) override {
    parts_.next->Watch(std::move(what), std::move(options), std::move(handler));
  }

  void Close(CloseHandler handler) override {
    parts_.calls->Close(parts_.next, std::move(handler));
  }

  std::optional<ServerInfo> server_info() const override {
    return parts_.next->server_info();
  }

 private:
  void Refuse(absl::Status why, ExecuteHandler handler) {
    PendingHandler<Response>(std::move(handler), get_executor())
        .Post(WithOutcome(std::move(why), v1::NOT_EXECUTED));
    asio::dispatch(get_executor(),
                   [calls = parts_.calls] { calls->Refused(); });
  }

  const RetriedCall::Parts parts_;
  const Clock::Duration call_timeout_;
  const Policies policies_;
  const std::shared_ptr<ClientIdentity> identity_;
  // Its requests have their ids from the observer's layer.
  const bool observed_;
};

}  // namespace

std::shared_ptr<Connection> MakeRetryingConnection(
    std::shared_ptr<Connection> next, const ConnectionOptions& options,
    std::shared_ptr<ClientIdentity> identity, std::uint64_t seed) {
  return std::make_shared<RetryingConnection>(std::move(next), options,
                                              std::move(identity), seed);
}

}  // namespace coffer::internal
