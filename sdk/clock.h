// Clock: where time comes from. Everything that reads the time or waits for it
// is given a Clock, so that a test can replace it (testing/manual_clock.h) and
// no test ever sleeps. Clock::System() is the real one, and clock.cc the only
// file of this repository that touches it.
//
// Threads: a Clock may be used from any thread; a Timer from one at a time.

#ifndef COFFER_SDK_CLOCK_H_
#define COFFER_SDK_CLOCK_H_

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include "absl/time/time.h"

namespace coffer {

class Timer;

class Clock {
 public:
  using Duration = std::chrono::nanoseconds;
  // Steady: never set back. Only differences mean anything.
  using TimePoint =
      std::chrono::time_point<std::chrono::steady_clock, Duration>;

  virtual ~Clock() = default;

  virtual TimePoint Now() const = 0;

  // The time of day, which may jump either way: for people and for what
  // outlives the process, never for measuring.
  virtual absl::Time WallNow() const = 0;

  // A timer whose waits complete on `executor` unless their handler has an
  // executor of its own. The clock must outlive it.
  virtual std::unique_ptr<Timer> MakeTimer(
      boost::asio::any_io_executor executor) = 0;

  // The machine's clock. Never destroyed.
  static Clock& System();
};

// Waits for a point in time, one wait at a time: starting another, like
// destroying the timer, makes the one before complete with operation_aborted.
class Timer {
 public:
  using WaitSignature = void(boost::system::error_code);
  using WaitHandler = boost::asio::any_completion_handler<WaitSignature>;

  virtual ~Timer() = default;

  // Completes once, never inside this call: with success at or after `deadline`
  // (soon, if that has passed), or with operation_aborted if cancelled before.
  // Counts as work of its executor until then. Per-operation cancellation of
  // every type is supported. If the execution context is destroyed first, the
  // handler is destroyed with it, uninvoked.
  virtual void WaitUntil(Clock::TimePoint deadline, WaitHandler handler) = 0;

  // Cancels the wait, if there is one and its time has not come.
  virtual void Cancel() = 0;

  // WaitUntil with any completion token.
  template <boost::asio::completion_token_for<WaitSignature> Token>
  auto AsyncWaitUntil(Clock::TimePoint deadline, Token&& token) {
    return boost::asio::async_initiate<Token, WaitSignature>(
        [this](auto handler, Clock::TimePoint until) {
          WaitUntil(until, WaitHandler(std::move(handler)));
        },
        token, deadline);
  }
};

}  // namespace coffer

#endif  // COFFER_SDK_CLOCK_H_
