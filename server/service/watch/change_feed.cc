#include "coffer/server/service/watch/change_feed.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer::server {

ChangeFeed::ChangeFeed(const TopicLimits& limits, std::uint64_t epoch,
                       std::shared_ptr<Topics::Ids> ids, Clock* clock)
    : clock_(*clock), topics_(limits, epoch, std::move(ids)) {}

ChangeFeed::~ChangeFeed() = default;

void ChangeFeed::Attach(Storage* storage) {
  attached_ = storage->capabilities().tells_changes;
  if (attached_) storage->SetChangeSink(this);
}

absl::StatusOr<std::unique_ptr<ChangeFeed::Watch>> ChangeFeed::Open(
    const v1::OpenWatch& open, std::shared_ptr<TopicWaker> waker) {
  const std::size_t names =
      open.table().size() + open.key().size() + open.prefix().size();
  if (names > kNameBytesMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the names of a watch are ", names,
                     " bytes long; the limit is ", kNameBytesMax));
  }
  Place what{open.table(), absl::nullopt};
  absl::optional<std::string> prefix;
  switch (open.keys_case()) {
    case v1::OpenWatch::kKey:
      what.key = open.key();
      break;
    case v1::OpenWatch::kPrefix:
      prefix = open.prefix();
      break;
    case v1::OpenWatch::kAll:
      if (open.all()) break;
      [[fallthrough]];
    case v1::OpenWatch::KEYS_NOT_SET:
      return absl::InvalidArgumentError(
          "which keys are to be watched is not set");
  }
  // Before the lock: its destructor takes it.
  std::unique_ptr<Watch> watch(new Watch(this, std::move(what)));
  Shard& shard = ShardOf(open.table());
  {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    Feed& feed = FindOrAdd(shard, watch->what_);
    if (feed.watches++ == 0) shard.left.erase(feed.left_at);
    DropLeft(shard);
    auto place =
        topics_.Subscribe(feed.topic, {open.epoch(), open.after_sequence()},
                          std::move(waker), std::move(prefix));
    if (place.ok()) {
      watch->place_ = *std::move(place);
      return watch;
    }
    // `watch` ends behind the lock.
    return place.status();
  }
}

ChangeFeed::Watch::~Watch() {
  place_.reset();
  feed_.Close(what_);
}

void ChangeFeed::Close(const Place& place) {
  Shard& shard = ShardOf(place.table);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  Feed& feed = Find(shard, place);
  if (--feed.watches == 0) Leave(shard, place, feed);
  DropLeft(shard);
}

bool ChangeFeed::Wants(absl::string_view table) {
  // Who reads after he has opened a watch reads behind the same lock of the
  // engine's that a write holds here: it sees the feed.
  if (feeds_.load(std::memory_order_relaxed) == 0) return false;
  Shard& shard = ShardOf(table);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  return shard.tables.contains(table);
}

void ChangeFeed::OnChanges(absl::Span<const KeyChange> changes) {
  // Those of a group stand together in a table's ring: a table's are told under
  // its lock at once, though others stood between them.
  std::vector<const KeyChange*> by_table;
  by_table.reserve(changes.size());
  for (const KeyChange& change : changes) by_table.push_back(&change);
  std::stable_sort(by_table.begin(), by_table.end(),
                   [](const KeyChange* a, const KeyChange* b) {
                     return a->table < b->table;
                   });
  for (auto at = by_table.begin(); at != by_table.end();) {
    const absl::string_view table = (*at)->table;
    Shard& shard = ShardOf(table);
    const std::lock_guard<std::mutex> lock(shard.mutex);
    DropLeft(shard);
    const auto found = shard.tables.find(table);
    for (; at != by_table.end() && (*at)->table == table; ++at) {
      if (found != shard.tables.end()) Tell(found->second, **at);
    }
  }
}

void ChangeFeed::OnChangesLost() {
  for (Shard& shard : shards_) {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    for (const auto& [name, table] : shard.tables) {
      if (table.all.has_value()) topics_.Lose(table.all->topic);
      for (const auto& [key, feed] : table.keys) topics_.Lose(feed.topic);
    }
  }
}

void ChangeFeed::Tell(Table& table, const KeyChange& change) {
  if (table.all.has_value()) {
    topics_.Publish(table.all->topic, std::make_shared<Event>(change));
  }
  if (table.keys.empty()) return;
  if (change.kind == KeyChange::Kind::kTableGone ||
      change.kind == KeyChange::Kind::kTableCame) {
    for (const auto& [key, feed] : table.keys) {
      topics_.Publish(feed.topic, std::make_shared<Event>(change));
    }
    return;
  }
  const auto found = table.keys.find(change.key);
  if (found == table.keys.end()) return;
  topics_.Publish(found->second.topic, std::make_shared<Event>(change));
}

ChangeFeed::Shard& ChangeFeed::ShardOf(absl::string_view table) {
  return shards_[absl::Hash<absl::string_view>()(table) % shards_.size()];
}

// A new one is among those without watches.
ChangeFeed::Feed& ChangeFeed::FindOrAdd(Shard& shard, const Place& place) {
  Table& table = shard.tables[place.table];
  Feed* feed = nullptr;
  if (!place.key.has_value()) {
    if (!table.all.has_value()) table.all.emplace();
    feed = &*table.all;
  } else {
    feed = &table.keys[*place.key];
  }
  if (!feed->topic.empty()) return *feed;
  // No two are the same, whatever is in the names.
  feed->topic =
      place.key.has_value()
          ? absl::StrCat("k", place.table.size(), ":", place.table, *place.key)
          : absl::StrCat("t", place.table);
  ++feeds_;
  topics_.Keep(feed->topic);
  Leave(shard, place, *feed);
  return *feed;
}

ChangeFeed::Feed& ChangeFeed::Find(Shard& shard, const Place& place) {
  const auto table = shard.tables.find(place.table);
  COFFER_ASSERT(table != shard.tables.end() && "kept while it is watched");
  if (!place.key.has_value()) {
    COFFER_ASSERT(table->second.all.has_value() && "kept while it is watched");
    return *table->second.all;
  }
  const auto key = table->second.keys.find(*place.key);
  COFFER_ASSERT(key != table->second.keys.end() && "kept while it is watched");
  return key->second;
}

void ChangeFeed::Leave(Shard& shard, const Place& place, Feed& feed) {
  feed.since = clock_.Now();
  feed.left_at = shard.left.insert(shard.left.end(), place);
}

// Those whose time is up, and those that are too many.
void ChangeFeed::DropLeft(Shard& shard) {
  if (shard.left.empty()) return;
  const Clock::TimePoint now = clock_.Now();
  while (!shard.left.empty()) {
    const Place& place = shard.left.front();
    Feed& feed = Find(shard, place);
    if (now - feed.since < kReturnTime &&
        shard.left.size() <= kReturnsMax / shards_.size()) {
      return;
    }
    topics_.Forget(feed.topic);
    const auto table = shard.tables.find(place.table);
    if (place.key.has_value()) {
      table->second.keys.erase(*place.key);
    } else {
      table->second.all.reset();
    }
    if (table->second.empty()) shard.tables.erase(table);
    shard.left.pop_front();
    --feeds_;
  }
}

}  // namespace coffer::server
