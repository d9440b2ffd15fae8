// Watchdog: decides when a connection has stood still for too long.
//
// Pure: it is shown a session's progress from time to time and says whether to
// go on; it has no clock and no timer. The session pays nothing for it between
// two looks, one each Period: a connection is closed at most two periods later
// than its timeout says.

#ifndef COFFER_SERVER_SESSION_WATCHDOG_H_
#define COFFER_SERVER_SESSION_WATCHDOG_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/limits.h"

namespace coffer::server {

// Where a session is in its work.
struct SessionProgress {
  enum class Phase {
    kReceiving,  // waiting for the peer's bytes
    kExecuting,  // waiting for the storage
    kSending,    // waiting for the peer to take its answers
    kEnding,     // an error was sent; input is thrown away
  };
  Phase phase = Phase::kReceiving;
  std::uint64_t requests_received = 0;
  std::uint64_t bytes_written = 0;
  std::size_t unread_bytes = 0;  // of a frame that is not complete
  bool subscribed = false;       // it waits for events, and is not idle
};

class Watchdog {
 public:
  enum class Verdict { kGoOn, kIdle, kHalfFrame, kPeerNotReading, kLingered };

  explicit Watchdog(const ServerLimits& limits) : limits_(limits) {}

  Verdict Look(const SessionProgress& now_at, Clock::TimePoint now);

  // How often to look; zero when nothing is limited.
  static Clock::Duration Period(const ServerLimits& limits);

  // For the log.
  static absl::string_view Reason(Verdict verdict);

 private:
  bool Moved(const SessionProgress& now_at) const;

  const ServerLimits limits_;
  // Where the session was, and when, as it last moved on.
  SessionProgress mark_;
  Clock::TimePoint since_ = Clock::TimePoint::min();
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_WATCHDOG_H_
