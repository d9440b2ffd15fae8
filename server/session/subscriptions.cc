#include "coffer/server/session/subscriptions.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/server/log.h"

namespace coffer::server {
namespace {

constexpr std::uint32_t kOk = 200;
constexpr std::uint32_t kOverloaded = 429;

}  // namespace

Subscriptions::Subscriptions(VolatileState* state,
                             std::size_t subscriptions_max,
                             std::shared_ptr<TopicWaker> waker)
    : state_(*state),
      subscriptions_max_(subscriptions_max),
      waker_(std::move(waker)) {}

absl::Status Subscriptions::CheckRoom() const {
  if (all_.size() < subscriptions_max_) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("over the limit of ", subscriptions_max_,
                   " subscriptions of one connection"));
}

absl::StatusOr<Subscriptions::One*> Subscriptions::Add(
    const std::string& topic, const Topics::Start& start) {
  absl::Status room = CheckRoom();
  if (!room.ok()) return room;
  auto place = state_.topics.Subscribe(topic, start, waker_);
  if (!place.ok()) return place.status();
  return &Add(*std::move(place));
}

Subscriptions::One& Subscriptions::Add(std::unique_ptr<Subscription> place) {
  One& one = all_[place->id()];
  one.place = std::move(place);
  MakeReady(one);
  return one;
}

absl::StatusOr<std::uint64_t> Subscriptions::Subscribe(
    const std::string& topic) {
  if (ours_) {
    return absl::InvalidArgumentError(
        "Command is invalid: `SUBSCRIBE is of the older protocol, use "
        "open_subscription`");
  }
  auto one = Add(topic, {});
  if (!one.ok()) return one.status();
  (*one)->older = true;
  return (*one)->place->id();
}

absl::StatusOr<v1::SubscriptionReply> Subscriptions::Open(
    const v1::OpenSubscription& open) {
  auto added = Add(open.topic(), {open.epoch(), open.after_sequence()});
  if (!added.ok()) return added.status();
  return Begin(open, **added);
}

absl::StatusOr<v1::SubscriptionReply> Subscriptions::OpenWatch(
    const v1::OpenWatch& open) {
  if (!state_.changes.attached()) {
    return absl::UnimplementedError("the storage tells no changes");
  }
  absl::Status room = CheckRoom();
  if (!room.ok()) return room;
  auto watch = state_.changes.Open(open, waker_);
  if (!watch.ok()) return watch.status();
  One& one = Add((*watch)->TakePlace());
  one.watch = *std::move(watch);
  return Begin(open, one);
}

template <class OpenMessage>
v1::SubscriptionReply Subscriptions::Begin(const OpenMessage& open, One& one) {
  one.credit = open.credit();
  one.id_field = SubscriptionIdField(one.place->id());
  one.policy = open.slow_policy();
  one.start_gap = one.place->start_gap().value_or(v1::Gap::UNSPECIFIED);
  v1::SubscriptionReply reply;
  reply.set_subscription_id(one.place->id());
  reply.set_epoch(state_.epoch);
  reply.set_sequence(one.place->start_sequence());
  return reply;
}

absl::Status Subscriptions::Close(std::uint64_t id) {
  if (all_.erase(id) > 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("Not found: subscription ", id));
}

void Subscriptions::Grant(const v1::GrantCredit& grant) {
  const auto found = all_.find(grant.subscription_id());
  if (found == all_.end()) return;
  One& one = found->second;
  const std::uint64_t room =
      std::numeric_limits<std::uint64_t>::max() - one.credit;
  one.credit += std::min<std::uint64_t>(room, grant.credit());
  MakeReady(one);
}

void Subscriptions::Woken(const std::vector<std::uint64_t>& ids) {
  for (const std::uint64_t id : ids) {
    const auto found = all_.find(id);
    if (found == all_.end()) continue;
    if (found->second.older && found->second.place->lost()) {
      FellBehind(found->second, nullptr);
    } else {
      MakeReady(found->second);
    }
  }
}

void Subscriptions::MakeReady(One& one) {
  if (one.ready) return;
  ready_.push_back(one.place->id());
  one.ready = true;
}

bool Subscriptions::Next(Outgoing* out) {
  for (const std::uint64_t id : std::exchange(resting_, {})) {
    const auto found = all_.find(id);
    if (found != all_.end()) MakeReady(found->second);
  }
  while (!ready_.empty()) {
    const std::uint64_t id = ready_.front();
    ready_.pop_front();
    const auto found = all_.find(id);
    if (found == all_.end()) continue;
    found->second.ready = false;
    out->id = id;
    out->older = found->second.older;
    out->event = nullptr;
    out->message.Clear();
    if (Look(found->second, out)) return true;
  }
  return false;
}

void Subscriptions::Rest() {
  std::deque<std::uint64_t> ours;
  for (const std::uint64_t id : std::exchange(ready_, {})) {
    const auto found = all_.find(id);
    if (found == all_.end()) continue;
    if (found->second.older) {
      found->second.ready = false;
      resting_.push_back(id);
      found->second.place->Pause(/*until_lost=*/true);
    } else {
      ours.push_back(id);
    }
  }
  ready_ = std::move(ours);
}

bool Subscriptions::Look(One& one, Outgoing* out) {
  if (one.end_status != 0) {
    return End(one, one.end_status, std::string(one.end_message), out);
  }
  if (one.start_gap != v1::Gap::UNSPECIFIED) {
    SetGap(out->id, std::exchange(one.start_gap, v1::Gap::UNSPECIFIED),
           one.place->start_sequence(), out);
    MakeReady(one);
    return true;
  }
  if (!one.older && one.credit == 0) return LookWithoutCredit(one, out);
  Subscription::Item item = one.place->Next();
  switch (item.kind) {
    case Subscription::Item::Kind::kNothing:
      return false;
    case Subscription::Item::Kind::kLost:
      return Lost(one, item.lost_to, out);
    case Subscription::Item::Kind::kPassed:
      SetBookmark(item.passed_to, out);
      MakeReady(one);
      return true;
    case Subscription::Item::Kind::kEnded:
      return End(one, kOk, "", out);
    case Subscription::Item::Kind::kEvent:
      break;
  }
  out->event = std::move(item.event);
  if (!one.older) {
    --one.credit;
    out->id_field = one.id_field;
  }
  MakeReady(one);
  return true;
}

bool Subscriptions::LookWithoutCredit(One& one, Outgoing* out) {
  // What it has no credit for it is not sent: an end comes at once.
  if (one.place->ending()) return End(one, kOk, "", out);
  const bool disconnects = one.policy == v1::DISCONNECT;
  if (disconnects && one.place->lost()) return FellBehind(one, out);
  one.place->Pause(/*until_lost=*/disconnects);
  return false;
}

bool Subscriptions::Lost(One& one, std::uint64_t lost_to, Outgoing* out) {
  if (one.older || one.policy == v1::DISCONNECT) return FellBehind(one, out);
  SetGap(out->id, v1::Gap::EVICTED, lost_to, out);
  MakeReady(one);
  return true;
}

bool Subscriptions::FellBehind(One& one, Outgoing* out) {
  (one.watch != nullptr ? state_.changes.topics() : state_.topics)
      .CountFellBehind();
  if (one.older) {
    cut_ = Cut::kFellBehind;
    all_.erase(one.place->id());
    return false;
  }
  // The end of an older one is logged with its connection's.
  Log(LogLevel::kInfo, "subscription fell behind",
      {{"peer", peer_name_}, {"subscription", absl::StrCat(one.place->id())}});
  return End(one, kOverloaded, "the subscription fell behind", out);
}

bool Subscriptions::End(One& one, std::uint32_t status,
                        absl::string_view message, Outgoing* out) {
  const bool older = one.older;
  all_.erase(one.place->id());
  if (older) {
    if (all_.empty() && cut_ == Cut::kNo) cut_ = Cut::kEnded;
    return false;
  }
  out->message.set_status(status);
  out->message.set_message(message.data(), message.size());
  out->message.mutable_event()->set_end(true);
  out->message.set_subscription_id(out->id);
  return true;
}

void Subscriptions::SetGap(std::uint64_t id, v1::Gap::Reason reason,
                           std::uint64_t lost_to, Outgoing* out) const {
  out->event = nullptr;
  out->message.Clear();
  out->message.set_status(kOk);
  v1::SubscriptionEvent& event = *out->message.mutable_event();
  event.set_sequence(lost_to);
  event.mutable_gap()->set_reason(reason);
  event.mutable_gap()->set_epoch(state_.epoch);
  out->message.set_subscription_id(id);
}

void Subscriptions::SetBookmark(std::uint64_t passed_to, Outgoing* out) {
  out->message.set_status(kOk);
  out->message.mutable_event()->set_sequence(passed_to);
  out->message.set_subscription_id(out->id);
}

void Subscriptions::TooLarge(Outgoing* out) {
  if (out->older) {
    cut_ = Cut::kFellBehind;
    return;
  }
  // Gaps take no credit: the client counts none for them.
  const auto found = all_.find(out->id);
  if (found != all_.end()) ++found->second.credit;
  SetGap(out->id, v1::Gap::OVERSIZE, out->event->sequence(), out);
}

void Subscriptions::EndAll(std::uint32_t status, absl::string_view message) {
  for (auto at = all_.begin(); at != all_.end();) {
    if (at->second.older) {
      at = all_.erase(at);
      continue;
    }
    at->second.end_status = status;
    at->second.end_message = std::string(message);
    MakeReady(at->second);
    ++at;
  }
}

void Subscriptions::DropAll() {
  all_.clear();
  ready_.clear();
  resting_.clear();
}

}  // namespace coffer::server
