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
  MoveWaiting();
  MoveStanding();
}

void Topic::MoveWaiting() {
  // Who is woken gives its place to the last, which has been looked at.
  for (std::size_t i = waiting_.size(); i-- > 0;) {
    Reader* const reader = waiting_[i];
    if (Wants(*reader, *ring_.back())) {
      Wake(reader);
      continue;
    }
    reader->next = last_ + 1;
    if (PassedEnough(*reader)) Wake(reader);
  }
}

void Topic::MoveStanding() {
  // One that goes on comes to stand behind all of these, where it is not to be
  // met again.
  auto at = standing_.lower_bound(last_);
  while (at != standing_.end() && at->first == last_) {
    const auto here = at++;
    Reader* const reader = here->second;
    if (Wants(*reader, *ring_.back())) continue;
    auto place = standing_.extract(here);
    place.key() = ++reader->next;
    reader->stands_at = standing_.insert(std::move(place));
  }
}

void Topic::EvictOldest() {
  event_bytes_ -= ring_.front()->cost();
  ring_.pop_front();
  if (ring_.empty()) std::deque<EventPtr>().swap(ring_);
  DropLostStanding();
}

void Topic::DropLostStanding() {
  while (!standing_.empty() && standing_.begin()->first < first()) {
    Reader* const reader = standing_.begin()->second;
    standing_.erase(standing_.begin());
    reader->stands = false;
    if (reader->wake_when_lost) Wake(reader);
  }
}

void Topic::LoseEvents() {
  while (!ring_.empty()) EvictOldest();
  ++last_;
  DropLostStanding();
  while (!waiting_.empty()) Wake(waiting_.back());
}

void Topic::Add(Reader* reader) {
  const bool added = readers_.emplace(reader->id, reader).second;
  COFFER_ASSERT(added && "ids are never used twice");
  StandWhileReading(reader);
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
    reader->told = item.lost_to;
  } else {
    NextInRing(reader, &item);
  }
  if (reader->state == State::kReading) StandWhileReading(reader);
  return item;
}

void Topic::NextInRing(Reader* reader, Item* item) {
  PassUnwanted(reader);
  if (reader->next <= last_) {
    item->kind = Item::Kind::kEvent;
    item->event = ring_[reader->next - first()];
    reader->told = reader->next;
    ++reader->next;
  } else if (PassedEnough(*reader)) {
    item->kind = Item::Kind::kPassed;
    item->passed_to = reader->told = last_;
  } else {
    reader->state = State::kWaiting;
    reader->waiting_at = waiting_.size();
    waiting_.push_back(reader);
  }
}

bool Topic::Wants(const Reader& reader, const Event& event) {
  return !reader.prefix.has_value() || event.Concerns(*reader.prefix);
}

bool Topic::PassedEnough(const Reader& reader) {
  return reader.prefix.has_value() &&
         reader.next - 1 - reader.told >= reader.tell_every;
}

void Topic::PassUnwanted(Reader* reader) const {
  if (!reader->prefix.has_value() || reader->next < first()) return;
  while (reader->next <= last_ &&
         !Wants(*reader, *ring_[reader->next - first()])) {
    ++reader->next;
  }
}

void Topic::Pause(Reader* reader, bool until_lost) {
  StopWaiting(reader);
  PassUnwanted(reader);
  reader->state = State::kPaused;
  const bool lost = reader->next < first();
  if ((until_lost && lost) || reader->last.has_value()) return Wake(reader);
  Stand(reader, until_lost);
}

void Topic::Stand(Reader* reader, bool wake_when_lost) {
  PassUnwanted(reader);
  if (reader->next < first()) return;
  reader->stands = true;
  reader->wake_when_lost = wake_when_lost;
  reader->stands_at = standing_.emplace(reader->next, reader);
}

// One that wants only some of the events must not lose its place to others
// before it asks.
void Topic::StandWhileReading(Reader* reader) {
  if (reader->prefix.has_value()) Stand(reader, /*wake_when_lost=*/false);
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
  StandWhileReading(reader);
  reader->waker->Wake(reader->id);
}

void Topic::StopWaiting(Reader* reader) {
  if (std::exchange(reader->state, State::kReading) == State::kWaiting) {
    waiting_[reader->waiting_at] = waiting_.back();
    waiting_[reader->waiting_at]->waiting_at = reader->waiting_at;
    waiting_.pop_back();
  }
  if (std::exchange(reader->stands, false)) standing_.erase(reader->stands_at);
}

}  // namespace coffer::server
