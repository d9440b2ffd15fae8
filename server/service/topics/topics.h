// Topics: publish and subscribe, for all sessions of a process.
//
// Publishing never waits for a subscriber. Each topic keeps its latest events
// in a ring, bounded by TopicLimits, and a subscription is a position in it.
// When all topics together are over their bound, the oldest events of the topic
// that was published to least recently go first.
//
// Sequences: the events of a topic count up by one, so that a subscriber sees
// whether it has missed any. A topic that has neither events nor subscribers is
// dropped and costs nothing. Of all that were dropped one number is remembered,
// the floor: the highest sequence of any of them. A topic that is made anew
// goes on behind the floor. So a subscriber that comes back with the sequence s
// of the last event it has seen has missed nothing if s is the last before the
// new topic's first: the floor is not below the last sequence its topic had,
// which is not below s. With any other s it may have missed some, and is told
// so; at worst needlessly.
//
// The epoch says which process this is: with another one all sequences are new.
//
// A topic may be kept (Keep) while it is unused: then its sequences go on, and
// who comes back to it has missed nothing as long as its events are there.
//
// Thread-safe, sharded by topic. Events of one publisher to one topic keep
// their order. It outlives its subscriptions.

#ifndef COFFER_SERVER_SERVICE_TOPICS_TOPICS_H_
#define COFFER_SERVER_SERVICE_TOPICS_TOPICS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "coffer/server/service/topics/subscription.h"
#include "coffer/server/service/topics/topic.h"
#include "coffer/server/service/topics/topic_limits.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

struct TopicCounts {
  std::uint64_t topics = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t bytes = 0;      // of the events in all rings
  std::uint64_t published = 0;  // since the start
  // Subscriptions that were ended because they fell behind, since the start.
  std::uint64_t fell_behind = 0;
};

class Topics {
 public:
  // Where a subscription starts: behind the event `after_sequence` of `epoch`,
  // or, without an epoch, with the next that is published.
  struct Start {
    std::uint64_t epoch = 0;
    std::uint64_t after_sequence = 0;
  };

  // From which each subscription takes its id.
  using Ids = std::atomic<std::uint64_t>;

  // `epoch` is not 0, and another one in each process. Topics whose
  // subscriptions one session may have share `ids`; null: its own.
  Topics(const TopicLimits& limits, std::uint64_t epoch,
         std::shared_ptr<Ids> ids = nullptr);
  ~Topics();
  Topics(const Topics&) = delete;
  Topics& operator=(const Topics&) = delete;

  std::uint64_t epoch() const { return epoch_; }

  void Publish(const v1::Publish& publish);
  // The event is not used by anybody yet.
  void Publish(const std::string& topic, std::shared_ptr<Event> event);

  // `waker` is told when Subscription::Next has something new to give. Nothing
  // that is published after this is missed. With a prefix it is given the
  // events that concern keys with it. InvalidArgument: `start` is of this epoch
  // and of an event that was not published yet.
  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(
      const std::string& topic, const Start& start,
      std::shared_ptr<TopicWaker> waker,
      absl::optional<std::string> prefix = absl::nullopt);

  // The topic is in use from now on, until Forget: whoever comes back then is
  // told that events are missing. Forget: it has no subscriptions.
  void Keep(const std::string& topic);
  void Forget(const std::string& topic);
  // Events are missing: each subscription is told so next, and whoever comes
  // back. The topic is kept.
  void Lose(const std::string& topic);

  // Ends the subscription, whoever has it, behind the latest event. False if it
  // is not on that topic, or over.
  bool End(const std::string& topic, std::uint64_t id);

  void CountFellBehind() { ++fell_behind_; }
  // Exact while nothing moves.
  TopicCounts counts() const;

 private:
  friend class Subscription;

  struct Entry {
    Entry(const std::string& name, std::uint64_t last) : topic(name, last) {}
    Topic topic;
    // When it was published to last, while it has events, and its place then.
    std::uint64_t stamp = 0;
    std::list<Entry*>::iterator place;
  };

  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, std::unique_ptr<Entry>> entries;
    std::list<Entry*> by_age;  // those with events, least recent first
    // The stamp of the first of these.
    std::atomic<std::uint64_t> oldest{UINT64_MAX};
  };

  Shard& ShardOf(const std::string& topic);
  // With the shard locked:
  Entry& FindOrAdd(Shard& shard, const std::string& topic);
  void DropIfUnused(Shard& shard, Topic& topic);
  void LoseEvents(Shard& shard, Entry& entry);
  static void LeaveByAge(Shard& shard, Entry& entry);
  static void NoteOldest(Shard& shard);
  void Remove(Shard& shard, Topic& topic, Topic::Reader* reader);

  // Evicts one event for the sake of the one that was published at `stamp`.
  // False if that is the only one left.
  bool EvictFor(std::uint64_t stamp);

  const TopicLimits limits_;
  const std::uint64_t epoch_;
  std::array<Shard, 16> shards_;
  std::atomic<std::uint64_t> floor_{0};
  std::atomic<std::uint64_t> last_stamp_{0};
  const std::shared_ptr<Ids> ids_;
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::uint64_t> subscriptions_{0};
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> fell_behind_{0};
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_TOPICS_TOPICS_H_
