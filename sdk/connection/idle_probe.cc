#include "coffer/sdk/connection/idle_probe.h"

namespace coffer::internal {

void IdleProbe::Start(Clock::TimePoint now) {
  state_ = State::kHeard;
  since_ = now;
  received_ = 0;
  written_ = 0;
}

IdleProbe::Action IdleProbe::Look(Clock::TimePoint now,
                                  const ConnectionProgress& at) {
  if (!enabled()) return Action::kNothing;
  if (at.received != received_) {
    received_ = at.received;
    state_ = State::kHeard;
    since_ = now;
  } else if (state_ == State::kPingUnwritten && at.written != written_) {
    since_ = now;
    if (at.written >= ping_end_) state_ = State::kPingWritten;
  }
  written_ = at.written;
  if (now < next_look()) return Action::kNothing;
  return state_ == State::kHeard ? Action::kPing : Action::kDead;
}

void IdleProbe::Pinged(Clock::TimePoint now, const ConnectionProgress& at) {
  state_ = State::kPingUnwritten;
  since_ = now;
  ping_end_ = at.fed;
}

}  // namespace coffer::internal
