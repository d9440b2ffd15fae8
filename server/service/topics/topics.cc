#include "coffer/server/service/topics/topics.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer::server {

Topics::Topics(const TopicLimits& limits, std::uint64_t epoch,
               std::shared_ptr<Ids> ids)
    : limits_(limits),
      epoch_(epoch),
      ids_(ids != nullptr ? std::move(ids) : std::make_shared<Ids>()) {
  COFFER_ASSERT(epoch != 0);
}

Topics::~Topics() {
  COFFER_ASSERT(subscriptions_ == 0 && "subscriptions end before their topics");
}

void Topics::Publish(const v1::Publish& publish) {
  // Encoded before the lock is taken.
  Publish(publish.topic(), std::make_shared<Event>(publish));
}

void Topics::Publish(const std::string& topic, std::shared_ptr<Event> event) {
  const std::uint64_t stamp = ++last_stamp_;
  Shard& shard = ShardOf(topic);
  {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    Entry& entry = FindOrAdd(shard, topic);
    const std::size_t before = entry.topic.bytes();
    entry.topic.Append(std::move(event), limits_);
    bytes_ += entry.topic.bytes() - before;
    LeaveByAge(shard, entry);
    entry.stamp = stamp;
    entry.place = shard.by_age.insert(shard.by_age.end(), &entry);
    NoteOldest(shard);
  }
  ++published_;
  while (bytes_ > limits_.total_bytes_max && EvictFor(stamp)) {
  }
}

absl::StatusOr<std::unique_ptr<Subscription>> Topics::Subscribe(
    const std::string& topic, const Start& start,
    std::shared_ptr<TopicWaker> waker, absl::optional<std::string> prefix) {
  // Before the lock: where memory is exhausted its destructor takes it.
  std::unique_ptr<Subscription> made;
  Shard& shard = ShardOf(topic);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  Topic& found = FindOrAdd(shard, topic).topic;
  if (start.epoch == epoch_ && start.after_sequence > found.last()) {
    absl::Status error = absl::InvalidArgumentError(
        absl::StrCat("after_sequence ", start.after_sequence,
                     " is above the topic's last, ", found.last()));
    DropIfUnused(shard, found);
    return error;
  }
  made.reset(new Subscription(this, &shard.mutex, &found));
  ++subscriptions_;
  Topic::Reader& reader = made->reader_;
  reader.id = ++*ids_;
  reader.waker = std::move(waker);
  reader.next = found.last() + 1;
  if (start.epoch == epoch_ && start.after_sequence + 1 >= found.first()) {
    reader.next = start.after_sequence + 1;
  } else if (start.epoch != 0) {
    reader.next = found.first();
    made->start_gap_ =
        start.epoch == epoch_ ? v1::Gap::EVICTED : v1::Gap::NEW_EPOCH;
  }
  made->start_sequence_ = reader.told = reader.next - 1;
  reader.prefix = std::move(prefix);
  reader.tell_every = std::max<std::size_t>(1, limits_.ring_events_max / 4);
  found.Add(&reader);
  return made;
}

void Topics::Keep(const std::string& topic) {
  Shard& shard = ShardOf(topic);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  FindOrAdd(shard, topic).topic.set_kept(true);
}

void Topics::Forget(const std::string& topic) {
  Shard& shard = ShardOf(topic);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  Entry& entry = FindOrAdd(shard, topic);
  LoseEvents(shard, entry);
  entry.topic.set_kept(false);
  DropIfUnused(shard, entry.topic);
}

void Topics::Lose(const std::string& topic) {
  Shard& shard = ShardOf(topic);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  LoseEvents(shard, FindOrAdd(shard, topic));
}

void Topics::LoseEvents(Shard& shard, Entry& entry) {
  bytes_ -= entry.topic.bytes();
  entry.topic.LoseEvents();
  LeaveByAge(shard, entry);
  NoteOldest(shard);
}

bool Topics::End(const std::string& topic, std::uint64_t id) {
  Shard& shard = ShardOf(topic);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const auto found = shard.entries.find(topic);
  return found != shard.entries.end() && found->second->topic.End(id);
}

TopicCounts Topics::counts() const {
  TopicCounts counts;
  for (const Shard& shard : shards_) {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    counts.topics += shard.entries.size();
  }
  counts.subscriptions = subscriptions_;
  counts.bytes = bytes_;
  counts.published = published_;
  counts.fell_behind = fell_behind_;
  return counts;
}

Topics::Shard& Topics::ShardOf(const std::string& topic) {
  return shards_[std::hash<std::string>()(topic) % shards_.size()];
}

Topics::Entry& Topics::FindOrAdd(Shard& shard, const std::string& topic) {
  const auto found = shard.entries.find(topic);
  if (found != shard.entries.end()) return *found->second;
  auto entry = std::make_unique<Entry>(topic, floor_);
  return *shard.entries.emplace(topic, std::move(entry)).first->second;
}

void Topics::DropIfUnused(Shard& shard, Topic& topic) {
  if (!topic.unused()) return;
  std::uint64_t floor = floor_;
  while (floor < topic.last() &&
         !floor_.compare_exchange_weak(floor, topic.last())) {
  }
  // The key would go with its topic.
  const std::string name = topic.name();
  shard.entries.erase(name);
}

void Topics::LeaveByAge(Shard& shard, Entry& entry) {
  if (entry.stamp != 0) shard.by_age.erase(entry.place);
  entry.stamp = 0;
}

void Topics::NoteOldest(Shard& shard) {
  shard.oldest =
      shard.by_age.empty() ? UINT64_MAX : shard.by_age.front()->stamp;
}

bool Topics::EvictFor(std::uint64_t stamp) {
  Shard* oldest = nullptr;
  std::uint64_t least = UINT64_MAX;
  for (Shard& shard : shards_) {
    const std::uint64_t its = shard.oldest;
    if (its < least) {
      least = its;
      oldest = &shard;
    }
  }
  if (oldest == nullptr) return false;
  const std::lock_guard<std::mutex> lock(oldest->mutex);
  if (oldest->by_age.empty()) return true;  // gone meanwhile: look again
  Entry& entry = *oldest->by_age.front();
  Topic& topic = entry.topic;
  if (entry.stamp >= stamp && topic.events() == 1) return false;
  const std::size_t before = topic.bytes();
  topic.EvictOldest();
  bytes_ -= before - topic.bytes();
  if (topic.events() == 0) {
    LeaveByAge(*oldest, entry);
    NoteOldest(*oldest);
    DropIfUnused(*oldest, topic);
  }
  return true;
}

void Topics::Remove(Shard& shard, Topic& topic, Topic::Reader* reader) {
  const std::lock_guard<std::mutex> lock(shard.mutex);
  topic.Remove(reader);
  --subscriptions_;
  DropIfUnused(shard, topic);
}

Subscription::~Subscription() {
  topics_.Remove(topics_.ShardOf(topic_.name()), topic_, &reader_);
}

Subscription::Item Subscription::Next() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return topic_.Next(&reader_);
}

void Subscription::Pause(bool until_lost) {
  const std::lock_guard<std::mutex> lock(mutex_);
  topic_.Pause(&reader_, until_lost);
}

bool Subscription::ending() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return reader_.last.has_value();
}

bool Subscription::lost() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return reader_.next < topic_.first();
}

}  // namespace coffer::server
