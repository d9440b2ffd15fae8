#include "coffer/sdk/clock.h"

#include <boost/asio/steady_timer.hpp>

#include "absl/time/clock.h"

namespace coffer {
namespace {

// asio::steady_timer as it is: setting the expiry cancels the wait before, its
// destructor cancels, and its waits take per-operation cancellation.
class SystemTimer final : public Timer {
 public:
  explicit SystemTimer(boost::asio::any_io_executor executor)
      : timer_(std::move(executor)) {}

  void WaitUntil(Clock::TimePoint deadline, WaitHandler handler) override {
    timer_.expires_at(
        std::chrono::time_point_cast<std::chrono::steady_clock::duration>(
            deadline));
    timer_.async_wait(std::move(handler));
  }

  void Cancel() override { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
};

class SystemClock final : public Clock {
 public:
  TimePoint Now() const override { return std::chrono::steady_clock::now(); }

  absl::Time WallNow() const override { return absl::Now(); }

  std::unique_ptr<Timer> MakeTimer(
      boost::asio::any_io_executor executor) override {
    return std::make_unique<SystemTimer>(std::move(executor));
  }
};

}  // namespace

Clock& Clock::System() {
  // Never destroyed: timers may outlive static destruction.
  static Clock* const clock = new SystemClock;
  return *clock;
}

}  // namespace coffer
