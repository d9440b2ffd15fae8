#include "coffer/server/session/watchdog.h"

#include <algorithm>

namespace coffer::server {
namespace {

using Phase = SessionProgress::Phase;

}  // namespace

// Whether enough has happened since the mark to restart the timeout. A trickle
// is not enough: a peer must not hold a connection and its buffers for ever
// with a byte now and then.
bool Watchdog::Moved(const SessionProgress& now_at) const {
  if (mark_.phase != now_at.phase) return true;
  const auto enough = static_cast<std::uint64_t>(
      limits_.stall_bytes_per_second_min *
      std::chrono::duration<double>(limits_.stall_timeout).count());
  switch (now_at.phase) {
    case Phase::kReceiving:
      return mark_.requests_received != now_at.requests_received ||
             mark_.subscribed != now_at.subscribed ||
             (mark_.unread_bytes == 0) != (now_at.unread_bytes == 0) ||
             (now_at.unread_bytes > 0 &&
              now_at.unread_bytes >= mark_.unread_bytes + enough);
    case Phase::kSending:
      return now_at.bytes_written >= mark_.bytes_written + enough;
    case Phase::kExecuting:
    case Phase::kEnding:
      return false;
  }
  return false;
}

Watchdog::Verdict Watchdog::Look(const SessionProgress& now_at,
                                 Clock::TimePoint now) {
  if (since_ == Clock::TimePoint::min() || Moved(now_at)) {
    mark_ = now_at;
    since_ = now;
    return Verdict::kGoOn;
  }
  Clock::Duration limit = Clock::Duration::zero();
  Verdict verdict = Verdict::kGoOn;
  switch (now_at.phase) {
    case Phase::kReceiving:
      if (now_at.unread_bytes == 0 && now_at.subscribed) return Verdict::kGoOn;
      limit = now_at.unread_bytes == 0 ? limits_.idle_timeout
                                       : limits_.stall_timeout;
      verdict = now_at.unread_bytes == 0 ? Verdict::kIdle : Verdict::kHalfFrame;
      break;
    case Phase::kSending:
      limit = limits_.stall_timeout;
      verdict = Verdict::kPeerNotReading;
      break;
    case Phase::kEnding:
      limit = limits_.linger_timeout;
      verdict = Verdict::kLingered;
      break;
    case Phase::kExecuting:
      return Verdict::kGoOn;  // the storage's time, not the peer's
  }
  if (limit == Clock::Duration::zero() || now - since_ < limit) {
    return Verdict::kGoOn;
  }
  return verdict;
}

Clock::Duration Watchdog::Period(const ServerLimits& limits) {
  Clock::Duration least = Clock::Duration::zero();
  for (Clock::Duration limit : {Clock::Duration(limits.idle_timeout),
                                Clock::Duration(limits.stall_timeout),
                                Clock::Duration(limits.linger_timeout)}) {
    if (limit == Clock::Duration::zero()) continue;
    least = least == Clock::Duration::zero() ? limit : std::min(least, limit);
  }
  return least / 2;
}

absl::string_view Watchdog::Reason(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGoOn:
      break;
    case Verdict::kIdle:
      return "idle past its time";
    case Verdict::kHalfFrame:
      return "half a frame for too long";
    case Verdict::kPeerNotReading:
      return "the peer does not read its answers";
    case Verdict::kLingered:
      return "went on sending after an error";
  }
  return "";
}

}  // namespace coffer::server
