#include "coffer/sdk/connection/event_buffer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace coffer::internal {

void EventBuffer::Begin(std::uint64_t epoch, std::uint64_t sequence) {
  if (epoch_ != 0) return;
  epoch_ = epoch;
  sequence_ = sequence;
}

absl::Status EventBuffer::Add(v1::CommandResponse message) {
  user_at_ = position();
  const v1::SubscriptionEvent& event = message.event();
  if (event.has_gap()) {
    const std::uint64_t epoch =
        event.gap().epoch() != 0 ? event.gap().epoch() : epoch_;
    if (epoch != epoch_ || event.sequence() > sequence_) {
      AddGap(epoch, event.sequence(), epoch != epoch_);
    }
    return absl::OkStatus();
  }
  if (of_ == Of::kTable && !event.has_change()) {
    sequence_ = std::max(sequence_, event.sequence());
    return absl::OkStatus();
  }
  if (granted_ == 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("event ", event.sequence(), " of a subscription came ",
                     "without credit, beside ", counted_events_, " not taken"));
  }
  --granted_;
  // What is not new was had before.
  if (event.sequence() > sequence_) AddCounted(std::move(message));
  return absl::OkStatus();
}

void EventBuffer::AddCounted(v1::CommandResponse message) {
  v1::SubscriptionEvent& event = *message.mutable_event();
  if (of_ == Of::kTopic && event.sequence() > sequence_ + 1) {
    AddGap(epoch_, event.sequence() - 1, false);
  }
  sequence_ = event.sequence();
  Event& added = events_.emplace_back();
  added.epoch = epoch_;
  added.sequence = sequence_;
  if (of_ == Of::kTable) {
    added.kind = Event::Kind::kChange;
    added.change = std::move(*event.mutable_change());
  } else {
    added.data.reserve(message.values_size());
    for (v1::Value& value : *message.mutable_values()) {
      added.data.push_back(std::move(value));
    }
  }
  ++counted_events_;
}

// Two gaps in a row are one.
void EventBuffer::AddGap(std::uint64_t epoch, std::uint64_t sequence,
                         bool new_epoch) {
  epoch_ = epoch;
  sequence_ = sequence;
  const bool merge =
      !events_.empty() && events_.back().kind == Event::Kind::kGap;
  Event& gap = merge ? events_.back() : events_.emplace_back();
  gap.kind = Event::Kind::kGap;
  gap.epoch = epoch;
  gap.sequence = sequence;
  gap.new_epoch = gap.new_epoch || new_epoch;
}

std::optional<Event> EventBuffer::Take() {
  if (events_.empty()) return std::nullopt;
  Event taken = std::move(events_.front());
  events_.pop_front();
  if (taken.kind != Event::Kind::kGap) --counted_events_;
  user_at_ = taken;
  return taken;
}

std::uint64_t EventBuffer::InitialCredit() {
  granted_ = events_max_ - std::min(events_max_, counted_events_);
  return granted_;
}

std::uint64_t EventBuffer::CreditToGrant() {
  const std::uint64_t held = counted_events_ + granted_;
  const std::uint64_t room =
      events_max_ - std::min<std::uint64_t>(events_max_, held);
  if (room < std::max<std::size_t>(events_max_ / 2, 1)) return 0;
  granted_ += room;
  return room;
}

}  // namespace coffer::internal
