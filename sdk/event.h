// Event and EventSource: what subscriptions and watches are made of.

#ifndef COFFER_SDK_EVENT_H_
#define COFFER_SDK_EVENT_H_

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

// A place among the events of a topic, among the changes of a key, or among
// those of a table, also for whoever watches a prefix: of the same topic, key
// or table only.
struct EventPosition {
  // The server's epoch: sequences of different ones have nothing to do with
  // each other. 0: no place.
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;

  friend bool operator==(const EventPosition&, const EventPosition&) = default;
};

// Data that was published, a change of a key, or the word that some are
// missing. Its `sequence`:
//   kData    its number in its topic; the next one has the next number
//   kChange  its number among the changes of its key or table: the next one
//            has a higher number
//   kGap     the number of the last event that is missing, or the one before
//            the first that follows when the epoch is a new one
struct Event : EventPosition {
  enum class Kind { kData, kGap, kChange };

  Kind kind = Kind::kData;

  // kData: what was published.
  std::vector<v1::Value> data;

  // kChange; Watcher (watch.h) makes a Change of it.
  v1::Change change;

  // kGap: the server kept no more, or an event is over this client's limits
  // (false); or the server has forgotten all (true): how many events are
  // missing is not known then.
  bool new_epoch = false;
};

// Of Client::Subscribe, and of Client::Watch, for which a change is an event.
struct SubscribeOptions {
  SubscribeOptions() {}

  // Events that may be on their way or wait for Next; the server sends no more
  // before they are taken. At least 1.
  std::size_t events_max = 64;

  // What becomes of a subscription whose user is so slow that the server does
  // not keep what it has to see next: it loses the oldest events, and is told
  // so by a gap; or it ends with ResourceExhausted.
  enum class SlowPolicy { kDropOldest, kDisconnect };
  SlowPolicy slow_policy = SlowPolicy::kDropOldest;

  // Where to go on: after this event of this epoch, as an earlier subscription
  // gave them. Epoch 0: from now on.
  std::uint64_t epoch = 0;
  std::uint64_t after_sequence = 0;

  // The same, by an event, or by what a position() gave.
  void GoOnAfter(const EventPosition& position) {
    epoch = position.epoch;
    after_sequence = position.sequence;
  }
};

// The pure interface under a Subscription and a Watcher, which is what tests
// replace.
class EventSource {
 public:
  using NextSignature = void(absl::StatusOr<Event>);
  using NextHandler = boost::asio::any_completion_handler<NextSignature>;

  // Ends the subscription.
  virtual ~EventSource() = default;

  virtual boost::asio::any_io_executor get_executor() = 0;

  // The next event, when there is one. One at a time. Completes once, never
  // inside the call; every type of cancellation, and then no event is lost.
  // After an error every further call gives the same error.
  virtual void Next(NextHandler handler) = 0;

  // Up to where nothing is left to be given: at first, where it began; then
  // that of the last event that Next gave, or a later one if what came since is
  // of no interest here. Any thread; while a Next waits, it may be ahead of
  // what that one gives.
  virtual EventPosition position() const = 0;
};

}  // namespace coffer

#endif  // COFFER_SDK_EVENT_H_
