// Topic: the latest events of one topic, and who reads them.
//
// A reader has no queue: it is a position in the ring. One that has read
// everything waits, and is told of the next event; one that cannot go on now
// pauses, and can be told when the ring gives up the event it stands at. Each
// is told once, then nothing until it has waited or paused again: a burst of
// events costs one wake-up. One that wants only some of the events passes by
// the others without a wake-up, and is told now and then how far it has come.
//
// Not thread-safe: Topics guards it. Readers are the subscriptions', which
// remove them before they go.

#ifndef COFFER_SERVER_SERVICE_TOPICS_TOPIC_H_
#define COFFER_SERVER_SERVICE_TOPICS_TOPIC_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "coffer/server/service/topics/event.h"
#include "coffer/server/service/topics/topic_limits.h"

namespace coffer::server {

// Is told that a subscription has something to say: called on any thread,
// inside Topics, which it must not call back.
class TopicWaker {
 public:
  virtual ~TopicWaker() = default;
  virtual void Wake(std::uint64_t subscription_id) = 0;
};

class Topic {
 public:
  struct Reader {
    enum class State { kReading, kWaiting, kPaused };

    std::uint64_t id = 0;
    std::shared_ptr<TopicWaker> waker;
    std::uint64_t next = 0;  // the sequence of the event it reads next
    // The last one that it is given; none while it goes on.
    absl::optional<std::uint64_t> last;
    // It wants the events that concern keys with this prefix; none: all.
    absl::optional<std::string> prefix;
    // Up to here it has been told; and it is told anew when so many more have
    // passed by.
    std::uint64_t told = 0;
    std::uint64_t tell_every = 0;  // with a prefix
    State state = State::kReading;
    std::size_t waiting_at = 0;  // in waiting_
    // Paused, or reading with a prefix, and its next event is not gone: in
    // standing_.
    bool stands = false;
    bool wake_when_lost = false;
    std::multimap<std::uint64_t, Reader*>::iterator stands_at;
  };

  // What a reader is given next.
  struct Item {
    enum class Kind {
      kNothing,  // it is up to date, and waits
      kEvent,
      kLost,    // events up to and including lost_to are gone
      kPassed,  // up to and including passed_to there was nothing for it
      kEnded,   // there will be no more
    };
    Kind kind = Kind::kNothing;
    EventPtr event;
    std::uint64_t lost_to = 0;
    std::uint64_t passed_to = 0;
  };

  Topic(std::string name, std::uint64_t last_sequence)
      : name_(std::move(name)), last_(last_sequence) {}
  Topic(const Topic&) = delete;
  Topic& operator=(const Topic&) = delete;

  const std::string& name() const { return name_; }
  // The sequence of the latest event, and of the oldest in the ring; the next
  // one's while the ring is empty.
  std::uint64_t last() const { return last_; }
  std::uint64_t first() const { return last_ + 1 - ring_.size(); }

  std::size_t events() const { return ring_.size(); }
  // What it costs to keep its events; 0 without any.
  std::size_t bytes() const;
  bool unused() const { return ring_.empty() && readers_.empty() && !kept_; }

  // While it is kept it is in use.
  void set_kept(bool kept) { kept_ = kept; }
  // Its events go, and one more that never was: whoever reads it has lost some.
  void LoseEvents();

  // Gives the event its sequence and tells those who wait.
  void Append(std::shared_ptr<Event> event, const TopicLimits& limits);
  void EvictOldest();

  void Add(Reader* reader);
  void Remove(Reader* reader);
  Item Next(Reader* reader);
  // The reader will not ask for some time. With `until_lost` it is woken when
  // its next event is gone, which it may be already.
  void Pause(Reader* reader, bool until_lost);
  // The reader with this id is given what there is now and no more. False if
  // there is none, or it was ended before.
  bool End(std::uint64_t id);

 private:
  static bool Wants(const Reader& reader, const Event& event);
  static bool PassedEnough(const Reader& reader);
  void PassUnwanted(Reader* reader) const;
  void NextInRing(Reader* reader, Item* item);
  void Stand(Reader* reader, bool wake_when_lost);
  void StandWhileReading(Reader* reader);
  // Those at the latest event, which is new.
  void MoveWaiting();
  void MoveStanding();
  // Those whose next event is gone.
  void DropLostStanding();
  void Wake(Reader* reader);
  void StopWaiting(Reader* reader);

  const std::string name_;
  std::uint64_t last_;
  std::deque<EventPtr> ring_;
  std::size_t event_bytes_ = 0;
  std::map<std::uint64_t, Reader*> readers_;  // by id
  std::vector<Reader*> waiting_;
  // By the event that they stand at: one that they want, or the next.
  std::multimap<std::uint64_t, Reader*> standing_;
  bool kept_ = false;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_TOPICS_TOPIC_H_
