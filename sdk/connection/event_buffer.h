// EventBuffer: what one subscription has received and its user has not taken,
// and where it is in its topic, or in its table. Pure: no I/O, no clock, no
// handler.

#ifndef COFFER_SDK_CONNECTION_EVENT_BUFFER_H_
#define COFFER_SDK_CONNECTION_EVENT_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "absl/status/status.h"
#include "coffer/sdk/event.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::internal {

class EventBuffer {
 public:
  enum class Of {
    kTopic,  // each event has the next number
    // Changes that are not for this subscription have numbers too: only the
    // server knows whether one is missing.
    kTable,
  };

  // Resumes after `after_sequence` of `epoch`, if that is not 0.
  EventBuffer(std::size_t events_max, std::uint64_t epoch,
              std::uint64_t after_sequence, Of of = Of::kTopic)
      : of_(of),
        events_max_(events_max),
        epoch_(epoch),
        sequence_(after_sequence) {}

  // The server has answered where it begins. Only the first time: from then on
  // the subscription knows where it is.
  void Begin(std::uint64_t epoch, std::uint64_t sequence);

  // A message of the server with `event` set: data, a change, a gap, or of a
  // table the word that all up to a number has passed. ResourceExhausted: more
  // data or changes than were granted. What was received before is dropped;
  // what is missing becomes a gap.
  absl::Status Add(v1::CommandResponse message);

  std::optional<Event> Take();
  bool empty() const { return events_.empty(); }

  // What to grant a server that knows of nothing granted yet: room for events.
  std::uint64_t InitialCredit();
  // What to grant on top now, 0 for not yet: what was taken, in portions of
  // half of the room. It counts as granted: to be asked for only where there is
  // a server to tell.
  std::uint64_t CreditToGrant();

  // Where a new session is to go on; epoch 0: from now on.
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t sequence() const { return sequence_; }

  // Where its user is.
  EventPosition position() const {
    return events_.empty() ? EventPosition{epoch_, sequence_} : user_at_;
  }

 private:
  void AddGap(std::uint64_t epoch, std::uint64_t sequence, bool new_epoch);
  // One that takes credit.
  void AddCounted(v1::CommandResponse message);

  const Of of_;
  const std::size_t events_max_;
  std::uint64_t epoch_;
  // Of the last event that was received or lost, or has passed.
  std::uint64_t sequence_;
  // Where its user is while there are events that were not taken.
  EventPosition user_at_;
  std::deque<Event> events_;
  std::size_t counted_events_ = 0;  // of those: no gaps
  std::uint64_t granted_ = 0;       // and not used by the server
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_EVENT_BUFFER_H_
