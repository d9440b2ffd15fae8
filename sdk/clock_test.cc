// The system clock, without waiting for it: deadlines have passed already, or
// are an hour away and cancelled.

#include "coffer/sdk/clock.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <ctime>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::hours;
using std::chrono::seconds;

class SystemClockTest : public ::testing::Test {
 protected:
  Clock& clock_ = Clock::System();
  asio::io_context io_;
  std::unique_ptr<Timer> timer_ = clock_.MakeTimer(io_.get_executor());
  std::vector<error_code> results_;

  auto Record() {
    return [this](error_code error) { results_.push_back(error); };
  }
  Clock::TimePoint Past() { return clock_.Now() - seconds(1); }
  Clock::TimePoint Future() { return clock_.Now() + hours(1); }
};

TEST_F(SystemClockTest, NowNeverGoesBack) {
  const Clock::TimePoint first = clock_.Now();
  EXPECT_LE(first, clock_.Now());
}

TEST_F(SystemClockTest, WallNowIsTheTimeOfDay) {
  const absl::Time before = absl::FromTimeT(std::time(nullptr));
  const absl::Time wall = clock_.WallNow();
  EXPECT_LE(before, wall);
  // Whole seconds, of a clock that may be a tick behind.
  EXPECT_LE(wall, absl::FromTimeT(std::time(nullptr)) + absl::Seconds(2));
}

TEST_F(SystemClockTest, SystemIsOneObject) {
  EXPECT_EQ(&clock_, &Clock::System());
}

TEST_F(SystemClockTest, PassedDeadlineCompletesButNotInsideTheCall) {
  timer_->WaitUntil(Past(), Record());
  EXPECT_TRUE(results_.empty());
  io_.run();
  EXPECT_EQ(results_, std::vector<error_code>{error_code()});
}

TEST_F(SystemClockTest, CompletesNoEarlierThanTheDeadline) {
  const Clock::TimePoint deadline =
      clock_.Now() + std::chrono::microseconds(300);
  Clock::TimePoint completed{};
  timer_->WaitUntil(deadline, [&](error_code) { completed = clock_.Now(); });
  io_.run();
  EXPECT_GE(completed, deadline);
}

TEST_F(SystemClockTest, PendingWaitIsWork) {
  timer_->WaitUntil(Future(), Record());
  EXPECT_EQ(io_.poll(), 0u);
  EXPECT_FALSE(io_.stopped());
  timer_->Cancel();
  io_.run();
  EXPECT_EQ(results_, std::vector<error_code>{asio::error::operation_aborted});
}

TEST_F(SystemClockTest, CancelWithoutWaitDoesNothing) {
  timer_->Cancel();
  EXPECT_EQ(io_.run(), 0u);
}

TEST_F(SystemClockTest, AnotherWaitAbortsTheFirst) {
  timer_->WaitUntil(Future(), Record());
  timer_->WaitUntil(Past(), Record());
  io_.run();
  EXPECT_EQ(results_, (std::vector<error_code>{asio::error::operation_aborted,
                                               error_code()}));
}

TEST_F(SystemClockTest, DestroyedTimerAbortsItsWait) {
  timer_->WaitUntil(Future(), Record());
  timer_.reset();
  EXPECT_TRUE(results_.empty());
  io_.run();
  EXPECT_EQ(results_, std::vector<error_code>{asio::error::operation_aborted});
}

TEST_F(SystemClockTest, EveryCancellationTypeAbortsOneWait) {
  for (const asio::cancellation_type type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial,
        asio::cancellation_type::total}) {
    asio::cancellation_signal signal;
    results_.clear();
    timer_->WaitUntil(Future(),
                      asio::bind_cancellation_slot(signal.slot(), Record()));
    signal.emit(type);
    EXPECT_TRUE(results_.empty());
    io_.restart();
    io_.run();
    EXPECT_EQ(results_,
              std::vector<error_code>{asio::error::operation_aborted});
  }
}

TEST_F(SystemClockTest, CompletesOnTheHandlersExecutor) {
  auto strand = asio::make_strand(io_);
  bool inside = false;
  timer_->WaitUntil(Past(), asio::bind_executor(strand, [&](error_code) {
                      inside = strand.running_in_this_thread();
                    }));
  io_.run();
  EXPECT_TRUE(inside);
}

TEST_F(SystemClockTest, TokenMayBeAFuture) {
  std::future<void> done = timer_->AsyncWaitUntil(Past(), asio::use_future);
  io_.run();
  EXPECT_NO_THROW(done.get());
}

TEST_F(SystemClockTest, TokenMayBeAnAwaitable) {
  bool done = false;
  auto wait = [&]() -> asio::awaitable<void> {
    co_await timer_->AsyncWaitUntil(Past(), asio::use_awaitable);
    done = true;
  };
  asio::co_spawn(io_, wait, asio::detached);
  io_.run();
  EXPECT_TRUE(done);
}

// The awaiting frame owns the timer that its wait belongs to.
TEST_F(SystemClockTest, DestroyedContextDestroysWaitingCoroutines) {
  auto witness = std::make_shared<int>(0);
  {
    asio::io_context io;
    auto wait = [&clock = clock_,
                 &io](std::shared_ptr<int>) -> asio::awaitable<void> {
      std::unique_ptr<Timer> timer = clock.MakeTimer(io.get_executor());
      co_await timer->AsyncWaitUntil(clock.Now() + hours(1),
                                     asio::use_awaitable);
    };
    asio::co_spawn(io, wait(witness), asio::detached);
    io.poll();
    EXPECT_GT(witness.use_count(), 1);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
}  // namespace coffer
