#include "coffer/sdk/connection/retrying_connection.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/system/error_code.hpp>
#include <map>
#include <random>
#include <string>
#include <utility>

#include "absl/status/status.h"
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

// Calls that wait for their next attempt, so that the end of the connection
// ends them. Used on the executor.
using WaitingCalls = std::map<RetriedCall*, std::weak_ptr<RetriedCall>>;

// One call, from its first attempt to its last. On the executor, but for the
// first attempt. It does not keep the connection.
class RetriedCall : public std::enable_shared_from_this<RetriedCall> {
 public:
  RetriedCall(const std::shared_ptr<Connection>& next,
              std::shared_ptr<WaitingCalls> waiting, Clock* clock,
              Policies policies, v1::CommandRequest request,
              CallOptions options, Clock::TimePoint deadline,
              std::uint64_t seed)
      : next_(next),
        executor_(next->get_executor()),
        waiting_(std::move(waiting)),
        clock_(*clock),
        policies_(std::move(policies)),
        request_(std::move(request)),
        options_(std::move(options)),
        deadline_(deadline),
        seed_(seed) {}

  void Start(Connection::ExecuteHandler handler) {
    OnCancel(handler, [weak = weak_from_this(), executor = executor_] {
      asio::dispatch(executor, [weak] {
        if (const auto self = weak.lock()) self->Cancel();
      });
    });
    handler_ = PendingHandler<Response>(std::move(handler), executor_);
    Attempt();
  }

  void Cancel() {
    cancelled_ = true;
    if (timer_ != nullptr) {
      timer_->Cancel();
    } else {
      cancel_.emit(asio::cancellation_type::terminal);
    }
  }

 private:
  void Attempt() {
    const auto next = next_.lock();
    if (next == nullptr) return FinishCancelled();
    auto attempted = [self = shared_from_this()](Response result) {
      self->Attempted(std::move(result));
    };
    next->Execute(request_, options_,
                  asio::bind_cancellation_slot(
                      cancel_.slot(),
                      asio::bind_executor(executor_, std::move(attempted))));
  }

  void Attempted(Response result) {
    const absl::Status status =
        result.ok() ? ToStatus(*result) : result.status();
    ++attempts_;
    if (status.ok() || cancelled_ || !MayTryAgain(status)) {
      return Finish(std::move(result));
    }
    const Clock::TimePoint now = clock_.Now();
    const Clock::TimePoint at =
        now + policies_.backoff->Wait(attempts_, Random());
    if (at >= deadline_) return Finish(std::move(result));
    (*waiting_)[this] = weak_from_this();
    timer_ = clock_.MakeTimer(executor_);
    timer_->AsyncWaitUntil(
        at, [self = shared_from_this()](boost::system::error_code) {
          self->Waited();
        });
  }

  void Waited() {
    timer_.reset();
    waiting_->erase(this);
    if (cancelled_) return FinishCancelled();
    options_.timeout = deadline_ - clock_.Now();
    Attempt();
  }

  // Sees to what the next attempt has to say.
  bool MayTryAgain(const absl::Status& status) {
    if (!policies_.retry->Again(attempts_, status)) return false;
    if (OutcomeOf(status) == v1::NOT_EXECUTED && !unknown_) return true;
    const IdempotencyPolicy& idempotency = *policies_.idempotency;
    if (OutcomeOf(status) != v1::NOT_EXECUTED) unknown_ = true;
    options_.needs_retry_window = false;
    if (!idempotency.MaySendAgain(request_, RetryWindow::kNone)) {
      if (!idempotency.MaySendAgain(request_, RetryWindow::kKept)) return false;
      options_.needs_retry_window = true;
    }
    request_.set_attempt(static_cast<std::uint32_t>(attempts_));
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
    auto handler = std::move(handler_);
    handler.Dispatch(std::move(result));
  }

  void FinishCancelled() {
    Finish(WithOutcome(absl::CancelledError("cancelled by the caller"),
                       v1::NOT_EXECUTED));
  }

  // A new one each time, and the same ones for the same seed.
  std::uint64_t Random() { return std::mt19937_64(seed_ + attempts_)(); }

  const std::weak_ptr<Connection> next_;
  const asio::any_io_executor executor_;
  const std::shared_ptr<WaitingCalls> waiting_;
  Clock& clock_;
  const Policies policies_;
  v1::CommandRequest request_;
  CallOptions options_;
  const Clock::TimePoint deadline_;
  const std::uint64_t seed_;
  PendingHandler<Response> handler_;
  asio::cancellation_signal cancel_;
  std::unique_ptr<Timer> timer_;
  int attempts_ = 0;
  bool unknown_ = false;
  bool cancelled_ = false;
};

class RetryingConnection final : public Connection {
 public:
  RetryingConnection(std::shared_ptr<Connection> next,
                     const ConnectionOptions& options,
                     std::shared_ptr<ClientIdentity> identity,
                     std::uint64_t seed)
      : next_(std::move(next)),
        clock_(options.clock),
        call_timeout_(options.call_timeout),
        policies_{options.retry, options.backoff, options.idempotency},
        identity_(std::move(identity)),
        seed_(seed) {}

  ~RetryingConnection() override {
    asio::dispatch(next_->get_executor(), [waiting = waiting_] {
      const WaitingCalls ended = *waiting;
      for (const auto& [address, weak] : ended) {
        if (const auto call = weak.lock()) call->Cancel();
      }
    });
  }

  asio::any_io_executor get_executor() override {
    return next_->get_executor();
  }

  void Execute(v1::CommandRequest request, CallOptions options,
               ExecuteHandler handler) override {
    Policies policies = policies_;
    if (options.retry != nullptr) policies.retry = options.retry;
    if (options.backoff != nullptr) policies.backoff = options.backoff;
    if (options.idempotency != nullptr) {
      policies.idempotency = options.idempotency;
    }
    if (policies.retry == nullptr) {
      return next_->Execute(std::move(request), std::move(options),
                            std::move(handler));
    }
    if (request.request_id() == 0) {
      request.set_request_id(identity_->NewRequestId());
    }
    const Clock::Duration timeout = options.timeout.value_or(call_timeout_);
    const Clock::TimePoint now = clock_->Now();
    const Clock::TimePoint deadline = timeout < Clock::TimePoint::max() - now
                                          ? now + timeout
                                          : Clock::TimePoint::max();
    const std::uint64_t seed =
        seed_ ^ (request.request_id() * 0x9e3779b97f4a7c15);
    std::make_shared<RetriedCall>(next_, waiting_, clock_, std::move(policies),
                                  std::move(request), std::move(options),
                                  deadline, seed)
        ->Start(std::move(handler));
  }

  void Subscribe(std::string topic, SubscribeOptions options,
                 SubscribeHandler handler) override {
    next_->Subscribe(std::move(topic), std::move(options), std::move(handler));
  }

  void Close(CloseHandler handler) override {
    next_->Close(std::move(handler));
  }

 private:
  const std::shared_ptr<Connection> next_;
  Clock* const clock_;
  const Clock::Duration call_timeout_;
  const Policies policies_;
  const std::shared_ptr<ClientIdentity> identity_;
  const std::uint64_t seed_;
  const std::shared_ptr<WaitingCalls> waiting_ =
      std::make_shared<WaitingCalls>();
};

}  // namespace

std::shared_ptr<Connection> MakeRetryingConnection(
    std::shared_ptr<Connection> next, const ConnectionOptions& options,
    std::shared_ptr<ClientIdentity> identity, std::uint64_t seed) {
  return std::make_shared<RetryingConnection>(std::move(next), options,
                                              std::move(identity), seed);
}

}  // namespace coffer::internal
