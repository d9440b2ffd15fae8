// IdleProbe: finds out that a peer is gone which has not said so. It has no
// clock and does no I/O: it is told of bytes and of time, and says what to do.
//
// A connection over which nothing was received for `interval` is asked with a
// Ping. It is dead if then for another `interval` nothing is received, once the
// Ping is written, or nothing can be written before. A Ping is answered while
// calls run, so a slow answer is no dead peer; nor is a large one that is still
// arriving, or a large request that is still being sent.

#ifndef COFFER_SDK_CONNECTION_IDLE_PROBE_H_
#define COFFER_SDK_CONNECTION_IDLE_PROBE_H_

#include <cstdint>

#include "coffer/sdk/clock.h"

namespace coffer::internal {

// Where a connection is: bytes since it began.
struct ConnectionProgress {
  std::uint64_t received = 0;
  std::uint64_t fed = 0;      // to be written
  std::uint64_t written = 0;  // of those
};

class IdleProbe {
 public:
  enum class Action { kNothing, kPing, kDead };

  // An interval of 0 or less: never anything to do.
  explicit IdleProbe(Clock::Duration interval) : interval_(interval) {}

  bool enabled() const { return interval_ > Clock::Duration::zero(); }

  // A connection begins.
  void Start(Clock::TimePoint now);

  // kPing: a Ping is to be fed now, and Pinged called with what is fed then.
  Action Look(Clock::TimePoint now, const ConnectionProgress& at);
  void Pinged(Clock::TimePoint now, const ConnectionProgress& at);

  // When to look again at the latest.
  Clock::TimePoint next_look() const { return since_ + interval_; }
  // The Ping is not written yet: worth a look when something was.
  bool ping_unwritten() const { return state_ == State::kPingUnwritten; }

 private:
  enum class State { kHeard, kPingUnwritten, kPingWritten };

  const Clock::Duration interval_;
  State state_ = State::kHeard;
  // When it came to this state, or the last byte moved in it.
  Clock::TimePoint since_;
  std::uint64_t received_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t ping_end_ = 0;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_IDLE_PROBE_H_
