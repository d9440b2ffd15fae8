// The loop of MuxCore: connects, serves, and connects again.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/connection/mux_core.h"
#include "coffer/sdk/internal/spawn.h"

namespace coffer::internal {

namespace asio = boost::asio;

namespace {

constexpr auto kAwaitTuple = asio::as_tuple(asio::use_awaitable);

// Calls a function when it is destroyed, once, unless it was released.
template <class Function>
class AtDestruction {
 public:
  explicit AtDestruction(Function function) : function_(std::move(function)) {}
  AtDestruction(AtDestruction&& other) noexcept
      : function_(std::move(other.function_)),
        armed_(std::exchange(other.armed_, false)) {}
  ~AtDestruction() {
    if (armed_) function_();
  }
  void Release() { armed_ = false; }

 private:
  Function function_;
  bool armed_ = true;
};

}  // namespace

void MuxCore::Start(std::vector<std::weak_ptr<MuxCore>> others) {
  others_ = std::move(others);
  auto context_gone = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Drop();
  };
  context_->Arm([guard = AtDestruction(context_gone)](
                    boost::system::error_code) mutable { guard.Release(); });
  // What it cannot go on after: no call waits for a loop that is gone.
  auto over = [weak = weak_from_this()](const absl::Status& status) {
    const auto self = weak.lock();
    if (!status.ok() && self != nullptr) self->StopNow(status);
  };
  Spawn<absl::Status>(
      executor_, [self = shared_from_this()] { return self->Loop(); },
      asio::bind_cancellation_slot(stop_.slot(), over));
}

asio::awaitable<absl::Status> MuxCore::Loop() {
  ConnectAction action = reconnect_.Start();
  while (!stopped_) {
    if (action.kind == ConnectAction::Kind::kWait) {
      const auto until = options_.clock->Now() + action.wait;
      co_await backoff_timer_->AsyncWaitUntil(until, kAwaitTuple);
      action = reconnect_.Waited();
    } else {
      action = co_await Dial(action.endpoint);
    }
  }
  co_return absl::OkStatus();
}

asio::awaitable<ConnectAction> MuxCore::Dial(std::size_t endpoint) {
  Dialer* const dialer = dialers_[endpoint].get();
  absl::StatusOr<OpenedSession> opened = absl::UnknownError("not dialled");
  try {
    auto opening = OpenSession(dialer, &options_, identity_.get());
    opened = co_await std::move(opening);
  } catch (...) {
    opened = StatusOfException(std::current_exception());
  }
  if (stopped_) co_return ConnectAction();
  if (!opened.ok()) {
    const ConnectAction next = reconnect_.Failed();
    ConnectFailed(opened.status());
    co_return next;
  }
  co_return co_await Serve(*std::move(opened));
}

void MuxCore::ConnectFailed(const absl::Status& why) {
  last_error_ =
      absl::UnavailableError(absl::StrCat("not connected: ", why.message()));
  SetState(reconnect_.failing() ? Link::kFailing : Link::kConnecting,
           std::nullopt);
  HandOver();
  if (!options_.fail_fast || !reconnect_.failing()) return;
  FailAll(mux_.All(), last_error_, false);
}

asio::awaitable<ConnectAction> MuxCore::Serve(OpenedSession opened) {
  reconnect_.Connected(options_.clock->Now());
  absl::Status why;
  try {
    BeginSession(std::move(opened));
    // In a variable: the session must be gone before its calls are failed.
    auto serving = session_->Run();
    why = co_await std::move(serving);
  } catch (...) {
    why = StatusOfException(std::current_exception());
  }
  co_return EndSession(why);
}

void MuxCore::BeginSession(OpenedSession opened) {
  was_asked_ = has_answered_ = false;
  mux_.set_answers_in_order(!opened.server.has_value());
  const ServerInfo server = opened.server.value_or(ServerInfo());
  session_ = std::make_shared<MuxSession>(std::move(opened), &mux_, &options_,
                                          identity_.get(), this);
  SetState(Link::kConnected, server);
  subscriptions_->SessionBegins(server.features);
  for (const auto& weak : others_) {
    const auto other = weak.lock();
    if (other != nullptr) other->HandOver();
  }
}

ConnectAction MuxCore::EndSession(const absl::Status& why) {
  // If something was thrown before it ran.
  if (session_ != nullptr) session_->End(why);
  session_.reset();
  if (!stopped_) SetState(Link::kConnecting, std::nullopt);
  subscriptions_->SessionEnds();
  last_error_ =
      absl::UnavailableError(absl::StrCat("connection lost: ", why.message()));
  if (stopped_) return ConnectAction();
  const bool in_vain = was_asked_ && !has_answered_;
  const ConnectAction next = reconnect_.Lost(options_.clock->Now(), in_vain);
  FailAll(mux_.Lost(), absl::IsDataLoss(why) ? why : last_error_, true);
  HandOver();
  return next;
}

}  // namespace coffer::internal
