#include "coffer/sdk/connection/subscriptions.h"

#include <boost/asio/dispatch.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/connection/subscription.h"
#include "coffer/sdk/status/status_codes.h"

namespace coffer::internal {

namespace asio = boost::asio;

namespace {

// Statuses of the wire.
constexpr std::uint32_t kOk = 200;
constexpr std::uint32_t kTooSlow = 429;  // of an end
constexpr std::uint32_t kUnavailable = 503;

// A server that goes away or refuses is asked again in the next session, or in
// this one if it lasts.
constexpr std::chrono::seconds kOpenAgainAfter(1);

}  // namespace

Subscriptions::Subscriptions(asio::any_io_executor executor, Clock* clock,
                             Clock::Duration open_timeout,
                             SubscriptionLink* link)
    : executor_(std::move(executor)),
      clock_(clock),
      open_timeout_(open_timeout),
      link_(link) {}

Subscriptions::~Subscriptions() = default;

void Subscriptions::Open(v1::CommandRequest what,
                         const SubscribeOptions& options,
                         Connection::SubscribeHandler handler) {
  const auto subscription = std::make_shared<Subscription>(
      ++last_id_, std::move(what), options, executor_, weak_from_this());
  OnCancel(handler, [weak = weak_from_this(), subscription] {
    asio::dispatch(subscription->executor, [weak, subscription] {
      if (const auto self = weak.lock()) self->CancelOpen(subscription);
    });
  });
  subscription->opening =
      PendingHandler<Subscription::Opened>(std::move(handler), executor_);
  asio::dispatch(executor_, [self = shared_from_this(), subscription] {
    self->Add(subscription);
  });
}

void Subscriptions::Add(const Ptr& subscription) {
  if (link_ == nullptr) {
    return subscription->EndWith(
        absl::CancelledError("the connection was closed"));
  }
  const absl::Status is_text = subscription->CheckTexts();
  if (!is_text.ok()) return subscription->EndWith(is_text);
  StartOpenTimer(subscription);
  all_.emplace(subscription->id, subscription);
  if (in_session_) SendOpen(subscription);
}

void Subscriptions::StartOpenTimer(const Ptr& subscription) {
  const Clock::TimePoint now = clock_->Now();
  // What would be later than any clock gets is no limit.
  if (open_timeout_ >= Clock::TimePoint::max() - now) return;
  subscription->open_timer = clock_->MakeTimer(executor_);
  subscription->open_timer->AsyncWaitUntil(
      now + open_timeout_,
      [weak = weak_from_this(), subscription](boost::system::error_code error) {
        const auto self = weak.lock();
        if (!error && self != nullptr) self->OpenTimedOut(subscription);
      });
}

void Subscriptions::CancelOpen(const Ptr& subscription) {
  if (!subscription->opening) return;
  Remove(subscription, absl::CancelledError("subscribing: cancelled"));
}

void Subscriptions::OpenTimedOut(const Ptr& subscription) {
  if (!subscription->opening) return;
  Remove(
      subscription,
      absl::DeadlineExceededError(absl::StrCat(
          "subscribing to ", subscription->Name(), ": not done in time",
          in_session_ ? ""
                      : absl::StrCat(": ", link_->WhyNoSession().message()))));
}

// --- Sessions

void Subscriptions::SessionBegins(const ServerFeatures& features) {
  in_session_ = true;
  features_ = features;
  const auto all = all_;
  for (const auto& [id, subscription] : all) SendOpen(subscription);
}

void Subscriptions::SessionEnds() {
  in_session_ = false;
  by_server_id_.clear();
  for (auto& [id, subscription] : all_) {
    subscription->server_id = 0;
    subscription->again_timer.reset();
  }
}

void Subscriptions::SendOpen(const Ptr& subscription) {
  if (subscription->is_watch() ? !features_.watch : !features_.subscriptions) {
    return Remove(subscription,
                  absl::UnimplementedError(
                      subscription->is_watch()
                          ? "the server does not tell of changes of keys"
                          : "the server has no subscriptions of this "
                            "protocol"));
  }
  link_->CallServer(subscription->OpenRequest(),
                    [weak = weak_from_this(),
                     subscription](absl::StatusOr<v1::CommandResponse> answer) {
                      const auto self = weak.lock();
                      if (self == nullptr || self->link_ == nullptr) return;
                      self->Opened(subscription, std::move(answer));
                    });
}

void Subscriptions::SendOpenLater(const Ptr& subscription) {
  subscription->again_timer = clock_->MakeTimer(executor_);
  subscription->again_timer->AsyncWaitUntil(
      clock_->Now() + kOpenAgainAfter,
      [weak = weak_from_this(), subscription](boost::system::error_code error) {
        const auto self = weak.lock();
        if (error || self == nullptr || self->link_ == nullptr) return;
        const bool is_there = self->all_.count(subscription->id) > 0;
        if (is_there && self->in_session_ && subscription->server_id == 0 &&
            subscription->again_timer != nullptr) {
          subscription->again_timer.reset();
          self->SendOpen(subscription);
        }
      });
}

void Subscriptions::Opened(const Ptr& subscription,
                           absl::StatusOr<v1::CommandResponse> answer) {
  // Its user went meanwhile, or had no more time.
  const bool removed = all_.count(subscription->id) == 0;
  if (!answer.ok() || answer->status() != kOk) {
    if (removed) return;
    if (answer.ok() && answer->status() == kUnavailable) {
      return SendOpenLater(subscription);
    }
    return Remove(subscription,
                  answer.ok() ? ToStatus(*answer) : answer.status());
  }
  const v1::SubscriptionReply& reply = answer->subscription();
  subscription->server_id = reply.subscription_id();
  if (removed) return Close(subscription);
  by_server_id_[subscription->server_id] = subscription;
  subscription->Begin(reply.epoch(), reply.sequence());
  // What its user has taken since it was asked for.
  GrantOwed(*subscription);
  if (!subscription->opening) return;
  if (subscription->open_timer != nullptr) subscription->open_timer->Cancel();
  auto opening = std::move(subscription->opening);
  opening.Dispatch(MakeEventSource(subscription));
}

// --- Events

void Subscriptions::EventCame(v1::CommandResponse message) {
  const auto found = by_server_id_.find(message.subscription_id());
  if (found == by_server_id_.end()) return;  // was closed meanwhile
  const Ptr subscription = found->second;
  if (message.event().end()) {
    by_server_id_.erase(found);
    subscription->server_id = 0;
    if (message.status() == kUnavailable) return SendOpenLater(subscription);
    absl::Status why = ToStatus(message);
    if (why.ok()) why = absl::UnavailableError("the server unsubscribed it");
    if (message.status() == kTooSlow) {
      why = absl::ResourceExhaustedError(why.message());
    }
    return Remove(subscription, why);
  }
  const absl::Status added = subscription->Add(std::move(message));
  if (!added.ok()) return link_->BreakSession(added);
  subscription->GiveEvents();
  // What was dropped, as it came twice, has made room.
  GrantOwed(*subscription);
}

void Subscriptions::GrantOwed(Subscription& subscription) {
  if (link_ == nullptr || subscription.server_id == 0) return;
  const std::uint64_t credit = subscription.buffer.CreditToGrant();
  if (credit == 0) return;
  v1::CommandRequest message;
  message.mutable_grant_credit()->set_subscription_id(subscription.server_id);
  message.mutable_grant_credit()->set_credit(credit);
  link_->SendControl(std::move(message));
}

// --- Ends

void Subscriptions::Close(const Ptr& subscription) {
  all_.erase(subscription->id);
  subscription->again_timer.reset();
  if (subscription->server_id == 0 || link_ == nullptr) return;
  by_server_id_.erase(subscription->server_id);
  v1::CommandRequest request;
  request.mutable_close_subscription()->set_subscription_id(
      subscription->server_id);
  subscription->server_id = 0;
  link_->CallServer(std::move(request),
                    [](const absl::StatusOr<v1::CommandResponse>&) {});
}

void Subscriptions::Remove(const Ptr& subscription, const absl::Status& why) {
  all_.erase(subscription->id);
  if (subscription->server_id != 0) {
    by_server_id_.erase(subscription->server_id);
    subscription->server_id = 0;
  }
  subscription->EndWith(why);
}

void Subscriptions::End(const absl::Status& why) {
  link_ = nullptr;
  in_session_ = false;
  by_server_id_.clear();
  const auto all = std::exchange(all_, {});
  for (const auto& [id, subscription] : all) subscription->EndWith(why);
}

void Subscriptions::Drop() {
  link_ = nullptr;
  by_server_id_.clear();
  const auto all = std::exchange(all_, {});
  for (const auto& [id, subscription] : all) subscription->Drop();
}

}  // namespace coffer::internal
