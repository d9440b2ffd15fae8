// ManualClock: a coffer::Clock whose time stands still until the test moves it.
// Waits whose time has come are queued on their executors, in the order of
// their deadlines, and of their start where deadlines are equal; run the
// io_context to see them complete:
//
//   ManualClock clock;
//   auto session = StartSession(clock, ...);  // waits 30 s for a keepalive
//   clock.AdvanceBy(std::chrono::seconds(30));
//   io.poll();
//
// A handler sees Now() as it is after the whole step. To let each timer that
// starts again see its own time, step with AdvanceToNextDeadline().
//
// A wait that is queued can no longer be cancelled. One that waits when its
// execution context is destroyed is destroyed with it, which is no failure:
// unlike I/O, idle timers may be left.
//
// Threads: thread-safe; a timer from one thread at a time. Timers may outlive
// the clock, though nothing wakes them then.

#ifndef COFFER_TESTING_MANUAL_CLOCK_H_
#define COFFER_TESTING_MANUAL_CLOCK_H_

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "coffer/sdk/clock.h"

namespace coffer_testing {

class ManualClock final : public coffer::Clock {
 public:
  // Starts an hour after the epoch of TimePoint, so that there is a past, and
  // on 1 January 2020 on the wall.
  ManualClock();
  ~ManualClock() override;
  ManualClock(const ManualClock&) = delete;
  ManualClock& operator=(const ManualClock&) = delete;

  TimePoint Now() const override;
  absl::Time WallNow() const override;
  std::unique_ptr<coffer::Timer> MakeTimer(
      boost::asio::any_io_executor executor) override;

  // Move both times on. Going back is a test failure, and does nothing.
  // AdvanceBy stops at TimePoint::max().
  void AdvanceBy(Duration duration);
  void AdvanceTo(TimePoint time);
  // False if nothing waits.
  bool AdvanceToNextDeadline();

  // Sets the wall, either way, without touching the steady time.
  void SetWall(absl::Time time);

  // Waits whose time has not come.
  size_t pending_timers() const;
  std::optional<TimePoint> NextDeadline() const;
  // Of all of them, in order.
  std::vector<TimePoint> Deadlines() const;

  class State;  // shared with the timers

 private:
  const std::shared_ptr<State> state_;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_MANUAL_CLOCK_H_
