#include "coffer/sdk/connection/subscription.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/sdk/stream/check_text.h"

namespace coffer::internal {

namespace asio = boost::asio;

Subscription::Subscription(std::uint64_t new_id, v1::CommandRequest what,
                           const SubscribeOptions& options,
                           asio::any_io_executor new_executor,
                           std::weak_ptr<Subscriptions> owner)
    : id(new_id),
      executor(std::move(new_executor)),
      buffer(std::max<std::size_t>(options.events_max, 1), options.epoch,
             options.after_sequence,
             what.has_open_watch() ? EventBuffer::Of::kTable
                                   : EventBuffer::Of::kTopic),
      what_(std::move(what)),
      slow_policy_(options.slow_policy ==
                           SubscribeOptions::SlowPolicy::kDisconnect
                       ? v1::DISCONNECT
                       : v1::DROP_OLDEST),
      owner_(std::move(owner)) {
  UpdatePosition();
}

std::string Subscription::Name() const {
  return is_watch() ? absl::StrCat("changes of ", what_.open_watch().table())
                    : what_.open_subscription().topic();
}

absl::Status Subscription::CheckTexts() const { return CheckText(what_); }

namespace {

template <class Open>
void SayWhereAndHow(Open& open, EventBuffer& buffer, v1::SlowPolicy policy) {
  open.set_credit(buffer.InitialCredit());
  open.set_slow_policy(policy);
  open.set_epoch(buffer.epoch());
  open.set_after_sequence(buffer.sequence());
}

}  // namespace

v1::CommandRequest Subscription::OpenRequest() {
  v1::CommandRequest request = what_;
  if (is_watch()) {
    SayWhereAndHow(*request.mutable_open_watch(), buffer, slow_policy_);
  } else {
    SayWhereAndHow(*request.mutable_open_subscription(), buffer, slow_policy_);
  }
  return request;
}

void Subscription::Begin(std::uint64_t epoch, std::uint64_t sequence) {
  buffer.Begin(epoch, sequence);
  UpdatePosition();
}

absl::Status Subscription::Add(v1::CommandResponse message) {
  absl::Status added = buffer.Add(std::move(message));
  UpdatePosition();
  return added;
}

void Subscription::UpdatePosition() {
  const std::lock_guard<std::mutex> lock(position_mutex_);
  position_ = buffer.position();
}

EventPosition Subscription::position() const {
  const std::lock_guard<std::mutex> lock(position_mutex_);
  return position_;
}

void Subscription::GiveEvents() { Give(When::kNow); }

void Subscription::Give(When when) {
  if (!next_) return;
  std::optional<Next> result;
  if (std::optional<Event> event = buffer.Take()) {
    result = *std::move(event);
    UpdatePosition();
    if (const auto owner = owner_.lock()) owner->GrantOwed(*this);
  } else if (!ended_.ok()) {
    result = ended_;
  } else {
    return;
  }
  auto next = std::move(next_);
  when == When::kNow ? next.Dispatch(*std::move(result))
                     : next.Post(*std::move(result));
}

void Subscription::EndWith(const absl::Status& why) {
  again_timer.reset();
  ended_ = why;
  if (open_timer != nullptr) open_timer->Cancel();
  if (opening) {
    auto failed = std::move(opening);
    failed.Post(why);
  }
  Give(When::kPosted);
}

void Subscription::Drop() {
  again_timer.reset();
  auto opening_dropped = std::move(opening);
  auto next_dropped = std::move(next_);
}

void Subscription::Wait(PendingHandler<Next> handler, std::uint64_t ticket) {
  COFFER_ASSERT(!next_ && "one Next at a time");
  next_ = std::move(handler);
  ticket_ = ticket;
  Give(When::kPosted);
}

void Subscription::CancelWait(std::uint64_t ticket) {
  if (!next_ || ticket_ != ticket) return;
  auto next = std::move(next_);
  next.Post(absl::CancelledError("cancelled while waiting for an event"));
}

void Subscription::UserIsGone() {
  const auto owner = owner_.lock();
  if (owner != nullptr) owner->Close(shared_from_this());
  EndWith(absl::CancelledError("the subscription was closed"));
}

namespace {

class Source final : public EventSource {
 public:
  explicit Source(std::shared_ptr<Subscription> subscription)
      : subscription_(std::move(subscription)) {}

  ~Source() override {
    asio::dispatch(subscription_->executor, [subscription = subscription_] {
      subscription->UserIsGone();
    });
  }

  asio::any_io_executor get_executor() override {
    return subscription_->executor;
  }

  void Next(NextHandler handler) override {
    const std::uint64_t ticket = ++tickets_;
    OnCancel(handler, [weak = std::weak_ptr<Subscription>(subscription_),
                       executor = subscription_->executor, ticket] {
      asio::dispatch(executor, [weak, ticket] {
        const auto subscription = weak.lock();
        if (subscription != nullptr) subscription->CancelWait(ticket);
      });
    });
    PendingHandler<Subscription::Next> pending(std::move(handler),
                                               subscription_->executor);
    asio::dispatch(subscription_->executor,
                   [subscription = subscription_, ticket,
                    pending = std::move(pending)]() mutable {
                     subscription->Wait(std::move(pending), ticket);
                   });
  }

  EventPosition position() const override { return subscription_->position(); }

 private:
  const std::shared_ptr<Subscription> subscription_;
  std::atomic<std::uint64_t> tickets_{0};
};

}  // namespace

std::unique_ptr<EventSource> MakeEventSource(
    std::shared_ptr<Subscription> subscription) {
  return std::make_unique<Source>(std::move(subscription));
}

}  // namespace coffer::internal
