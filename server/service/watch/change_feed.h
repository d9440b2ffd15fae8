// ChangeFeed: the changes of keys, as the engine tells them, for all who watch
// in a process.
//
// What is watched, a key or the keys of a table with a prefix, is a topic
// (topics/topics.h): its latest changes are in a ring, and a watch is a
// position in it. A key that is watched has a ring of its own, so that those of
// a busy table do not push its changes out. Nothing is kept of what nobody
// watches. As long as somebody does, and for kReturnTime afterwards, whoever
// comes back goes on where he was; after that he is told that changes are
// missing, as he is when the ring has gone round.
//
// Threads: any. It outlives the engine that it is attached to, and its watches.

#ifndef COFFER_SERVER_SERVICE_WATCH_CHANGE_FEED_H_
#define COFFER_SERVER_SERVICE_WATCH_CHANGE_FEED_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "absl/container/node_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/service/topics/subscription.h"
#include "coffer/server/service/topics/topic.h"
#include "coffer/server/service/topics/topic_limits.h"
#include "coffer/server/service/topics/topics.h"
#include "coffer/server/storage/storage.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

class ChangeFeed final : public ChangeSink {
 public:
  // How long changes are kept for one who may come back.
  static constexpr std::chrono::seconds kReturnTime{60};
  // Of so many that were watched and are not any more, at most, and of one
  // table a sixteenth of that; those that were left the longest ago go.
  static constexpr std::size_t kReturnsMax = 4096;
  // Of a table and a key, or a prefix, in bytes: so that what is kept of those
  // is bounded, too.
  static constexpr std::size_t kNameBytesMax = std::size_t{16} << 10;

  class Watch;

  // As those of Topics. `clock` outlives it.
  ChangeFeed(const TopicLimits& limits, std::uint64_t epoch,
             std::shared_ptr<Topics::Ids> ids, Clock* clock);
  ~ChangeFeed() override;
  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;

  // The storage tells its changes here from now on, if it tells any. Before the
  // storage is used.
  void Attach(Storage* storage);
  // Whether there is one that tells.
  bool attached() const { return attached_; }

  // What is changed after this is told; what a read finds that begins later was
  // changed before, or is told. InvalidArgument: `open` does not say what is to
  // be watched, or is to start in the future.
  // ResourceExhausted: its names are longer than kNameBytesMax.
  absl::StatusOr<std::unique_ptr<Watch>> Open(
      const v1::OpenWatch& open, std::shared_ptr<TopicWaker> waker);

  Topics& topics() { return topics_; }
  // What is watched, and what was of late.
  std::size_t feeds() const { return feeds_; }

  bool Wants(absl::string_view table) override;
  void OnChanges(absl::Span<const KeyChange> changes) override;
  void OnChangesLost() override;

 private:
  struct Place {  // of what is watched
    std::string table;
    absl::optional<std::string> key;  // none: the table's keys
  };
  struct Feed {
    std::string topic;
    std::size_t watches = 0;
    // While there are none: since when, and its place in `left`.
    Clock::TimePoint since = {};
    std::list<Place>::iterator left_at = {};
  };
  struct Table {
    absl::optional<Feed> all;
    absl::node_hash_map<std::string, Feed> keys;
    bool empty() const { return !all.has_value() && keys.empty(); }
  };
  struct Shard {
    std::mutex mutex;
    absl::node_hash_map<std::string, Table> tables;
    std::list<Place> left;  // without watches, the longest ago first
  };

  Shard& ShardOf(absl::string_view table);
  // With the shard locked:
  Feed& FindOrAdd(Shard& shard, const Place& place);
  Feed& Find(Shard& shard, const Place& place);
  void Leave(Shard& shard, const Place& place, Feed& feed);
  void DropLeft(Shard& shard);
  void Tell(Table& table, const KeyChange& change);
  void Close(const Place& place);

  Clock& clock_;
  bool attached_ = false;
  Topics topics_;
  std::array<Shard, 16> shards_;
  std::atomic<std::size_t> feeds_{0};
};

// One who watches. It ends when it is destroyed.
class ChangeFeed::Watch {
 public:
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // What it is told next.
  Subscription& place() { return *place_; }
  // It may be taken away; what it is of is kept up as long as the watch lives.
  std::unique_ptr<Subscription> TakePlace() { return std::move(place_); }

 private:
  friend class ChangeFeed;
  Watch(ChangeFeed* feed, Place what) : feed_(*feed), what_(std::move(what)) {}

  ChangeFeed& feed_;
  const Place what_;
  std::unique_ptr<Subscription> place_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_WATCH_CHANGE_FEED_H_
