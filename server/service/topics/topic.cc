#include "coffer/server/service/topics/topic.h"

#include <algorithm>
#include <utility>

#include "coffer/sdk/internal/assert.h"

namespace coffer::server {
namespace {

using State = Topic::Reader::State;

// The object, its place in a table and the least a ring takes.
constexpr std::size_t kTopicBytes = 1024;

}  // namespace

std::size_t Topic::bytes() const {
  return ring_.empty() ? 0 : event_bytes_ + kTopicBytes + 2 * name_.size();
}

void Topic::Append(std::shared_ptr<Event> event, const TopicLimits& limits) {
  event->SetSequence(++last_);
  event_bytes_ += event->cost();
  ring_.push_back(std::move(event));
  while (ring_.size() > 1 && (ring_.size() > limits.ring_events_max ||
                              event_bytes_ > limits.ring_bytes_max)) {
    EvictOldest();
  }
  while (!waiting_.empty()) Wake(waiting_.back());
}

void Topic::EvictOldest() {
  event_bytes_ -= ring_.front()->cost();
  ring_.pop_front();
  if (ring_.empty()) std::deque<EventPtr>().swap(ring_);
  while (!paused_.empty() && paused_.begin()->first < first()) {
    Wake(paused_.begin()->second);
  }
}

void Topic::Add(Reader* reader) {
  const bool added = readers_.emplace(reader->id, reader).second;
  COFFER_ASSERT(added && "ids are never used twice");
}

void Topic::Remove(Reader* reader) {
  StopWaiting(reader);
  readers_.erase(reader->id);
}

Topic::Item Topic::Next(Reader* reader) {
  StopWaiting(reader);
  Item item;
  if (reader->last.has_value() && reader->next > *reader->last) {
    item.kind = Item::Kind::kEnded;
  } else if (reader->next < first()) {
    item.kind = Item::Kind::kLost;
    item.lost_to = std::min(first() - 1, reader->last.value_or(UINT64_MAX));
    reader->next = first();
  } else if (reader->next <= last_) {
    item.kind = Item::Kind::kEvent;
    item.event = ring_[reader->next - first()];
    ++reader->next;
  } else {
    reader->state = State::kWaiting;
    reader->waiting_at = waiting_.size();
    waiting_.push_back(reader);
  }
  return item;
}

void Topic::Pause(Reader* reader, bool until_lost) {
  StopWaiting(reader);
  reader->state = until_lost ? State::kPausedUntilLost : State::kPaused;
  if (until_lost) reader->paused_at = paused_.emplace(reader->next, reader);
  const bool lost = until_lost && reader->next < first();
  if (lost || reader->last.has_value()) Wake(reader);
}

bool Topic::End(std::uint64_t id) {
  const auto found = readers_.find(id);
  if (found == readers_.end() || found->second->last.has_value()) return false;
  found->second->last = last_;
  if (found->second->state != State::kReading) Wake(found->second);
  return true;
}

void Topic::Wake(Reader* reader) {
  StopWaiting(reader);
  reader->waker->Wake(reader->id);
}

void Topic::StopWaiting(Reader* reader) {
  switch (std::exchange(reader->state, State::kReading)) {
    case State::kWaiting:
      waiting_[reader->waiting_at] = waiting_.back();
      waiting_[reader->waiting_at]->waiting_at = reader->waiting_at;
      waiting_.pop_back();
      break;
    case State::kPausedUntilLost:
      paused_.erase(reader->paused_at);
      break;
    case State::kReading:
    case State::kPaused:
      break;
  }
}

}  // namespace coffer::server
