// VirtualTime: an io_context and a clock that run together: handlers that are
// ready run first, and when none is, time jumps to the next timer. Minutes of
// backoff and keepalive take as long as their handlers do:
//
//   VirtualTime time;
//   auto [near, far] = MakeMemoryPipe(time.get_executor());
//   Session session(std::move(near), time.clock());
//   time.RunFor(std::chrono::minutes(5));
//   EXPECT_TRUE(time.RunUntil([&] { return session.closed(); }));
//
// Timers go off in the order of their deadlines, and of their start where
// deadlines are equal; each one's handlers run before time moves on, so a timer
// that starts again sees the time it went off at.
//
// Time jumps over what it does not know of: no sockets and no other threads
// with work under way, but for a test that runs them to their end in between.
//
// Errors are test failures in the name of the line that called, with what is
// pending: operations with the lines that started them, timers with their
// deadlines. Nothing here waits or hangs: a loop of handlers at one instant, or
// a timer that starts again for ever, is ended by the limits of the options.
//
// Threads: one. Ownership: owns both, or refers to both.

#ifndef COFFER_TESTING_TIME_VIRTUAL_TIME_H_
#define COFFER_TESTING_TIME_VIRTUAL_TIME_H_

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/clock.h"
#include "coffer/testing/manual_clock.h"

namespace coffer_testing {

struct VirtualTimeOptions {
  // One handler more without time moving on is taken for an endless loop.
  uint64_t handlers_per_instant_max = 1'000'000;
  // RunUntilIdle and RunUntil without a limit go no further in one call.
  coffer::Clock::Duration time_max = std::chrono::hours(24 * 30);
};

class VirtualTime {
 public:
  using Duration = coffer::Clock::Duration;
  using TimePoint = coffer::Clock::TimePoint;
  using Where = std::source_location;

  explicit VirtualTime(VirtualTimeOptions options = {});
  VirtualTime(boost::asio::io_context& io, ManualClock& clock,
              VirtualTimeOptions options = {});
  VirtualTime(const VirtualTime&) = delete;
  VirtualTime& operator=(const VirtualTime&) = delete;
  ~VirtualTime();

  boost::asio::io_context& io() { return io_; }
  boost::asio::io_context::executor_type get_executor() {
    return io_.get_executor();
  }
  ManualClock& clock() { return clock_; }
  TimePoint Now() const { return clock_.Now(); }

  // Each returns the number of handlers it ran.

  // What is ready now; time stays.
  size_t RunReady(Where where = Where::current());

  // Until nothing is ready and no timer waits. Operations may be pending then.
  size_t RunUntilIdle(Where where = Where::current());

  // All that happens within `duration`, which has passed at the end.
  size_t RunFor(Duration duration, Where where = Where::current());
  size_t AdvanceBy(Duration duration, Where where = Where::current()) {
    return RunFor(duration, where);
  }

  // Runs until `done`, which is asked before each handler and at the end. False
  // if it is not to be: nothing is left to happen, or nothing within `limit`
  // that would do; then it has failed the test, and said what is pending.
  bool RunUntil(absl::FunctionRef<bool()> done,
                std::optional<Duration> limit = std::nullopt,
                Where where = Where::current());

  // What is pending, a line each.
  std::string Pending() const;

 private:
  // Under what limits a call runs, and on whose behalf.
  struct Call {
    TimePoint until;  // time does not pass it
    absl::FunctionRef<bool()> done;
    Where where;
    size_t handlers = 0;
    bool gave_up = false;
  };

  // Until done, or nothing is left to happen up to call.until.
  void Run(Call& call);
  bool RunOne(Call& call);
  TimePoint After(Duration duration) const;
  void Fail(const Where& where, absl::string_view what) const;

  struct Owned;
  const std::unique_ptr<Owned> owned_;
  const VirtualTimeOptions options_;
  boost::asio::io_context& io_;
  ManualClock& clock_;
  uint64_t handlers_at_instant_ = 0;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_TIME_VIRTUAL_TIME_H_
