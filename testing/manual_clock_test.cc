#include "coffer/testing/manual_clock.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "coffer/testing/internal/captured_failures.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::hours;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ManualClockTest : public ::testing::Test {
 protected:
  std::unique_ptr<coffer::Timer> MakeTimer() {
    return clock_.MakeTimer(io_.get_executor());
  }

  // Appends "name" or "name aborted" when the wait is over.
  auto Log(std::string name) {
    return [this, name](error_code error) {
      log_.push_back(error == asio::error::operation_aborted ? name + " aborted"
                     : error                                 ? error.message()
                                                             : name);
    };
  }

  void Run() {
    io_.restart();
    io_.poll();
  }

  ManualClock clock_;
  asio::io_context io_;
  std::vector<std::string> log_;
};

TEST_F(ManualClockTest, TimeMovesOnlyWhenTold) {
  const auto start = clock_.Now();
  const absl::Time wall = clock_.WallNow();
  EXPECT_EQ(clock_.Now(), start);
  clock_.AdvanceBy(seconds(5));
  EXPECT_EQ(clock_.Now(), start + seconds(5));
  EXPECT_EQ(clock_.WallNow(), wall + absl::Seconds(5));
  clock_.AdvanceTo(start + seconds(7));
  EXPECT_EQ(clock_.Now(), start + seconds(7));
  EXPECT_EQ(clock_.WallNow(), wall + absl::Seconds(7));
}

TEST_F(ManualClockTest, AdvanceByStopsAtTheEndOfTime) {
  using TimePoint = ManualClock::TimePoint;
  clock_.AdvanceBy(ManualClock::Duration::max());
  EXPECT_EQ(clock_.Now(), TimePoint::max());
  clock_.AdvanceBy(seconds(1));  // not taken for going back
  EXPECT_EQ(clock_.Now(), TimePoint::max());
}

TEST_F(ManualClockTest, GoingBackFailsTheTestAndDoesNothing) {
  const auto start = clock_.Now();
  {
    internal::CapturedFailures captured;
    clock_.AdvanceBy(-seconds(1));
    clock_.AdvanceTo(start - nanoseconds(1));
    EXPECT_EQ(captured.Get().size(), 2u);
  }
  EXPECT_EQ(clock_.Now(), start);
}

TEST_F(ManualClockTest, WallMayBeSetEitherWay) {
  const auto start = clock_.Now();
  const absl::Time wall = clock_.WallNow();
  clock_.SetWall(wall - absl::Hours(1));
  EXPECT_EQ(clock_.WallNow(), wall - absl::Hours(1));
  EXPECT_EQ(clock_.Now(), start);
}

TEST_F(ManualClockTest, WaitCompletesAtItsDeadlineAndNotBefore) {
  auto timer = MakeTimer();
  timer->WaitUntil(clock_.Now() + seconds(10), Log("a"));
  EXPECT_EQ(clock_.pending_timers(), 1u);
  EXPECT_EQ(clock_.NextDeadline(), clock_.Now() + seconds(10));
  clock_.AdvanceBy(seconds(10) - nanoseconds(1));
  Run();
  EXPECT_THAT(log_, IsEmpty());
  clock_.AdvanceBy(nanoseconds(1));
  EXPECT_THAT(log_, IsEmpty()) << "completed inside AdvanceBy";
  EXPECT_EQ(clock_.pending_timers(), 0u);
  EXPECT_EQ(clock_.NextDeadline(), std::nullopt);
  Run();
  EXPECT_THAT(log_, ElementsAre("a"));
}

TEST_F(ManualClockTest, PassedDeadlineCompletesButNotInsideTheCall) {
  auto timer = MakeTimer();
  timer->WaitUntil(clock_.Now(), Log("now"));
  EXPECT_THAT(log_, IsEmpty());
  EXPECT_EQ(clock_.pending_timers(), 0u);
  Run();
  EXPECT_THAT(log_, ElementsAre("now"));
}

TEST_F(ManualClockTest, WaitsCompleteInOrderOfDeadlineThenOfStart) {
  std::vector<std::unique_ptr<coffer::Timer>> timers;
  const auto start = [&](int after, const char* name) {
    timers.push_back(MakeTimer());
    timers.back()->WaitUntil(clock_.Now() + seconds(after), Log(name));
  };
  start(3, "3");
  start(2, "2 first");
  start(1, "1");
  start(2, "2 second");
  clock_.AdvanceBy(seconds(5));
  Run();
  EXPECT_THAT(log_, ElementsAre("1", "2 first", "2 second", "3"));
}

TEST_F(ManualClockTest, StepsShowEachDeadlineItsOwnTime) {
  auto timer = MakeTimer();
  const auto start = clock_.Now();
  std::vector<coffer::Clock::Duration> ticks;
  std::function<void(error_code)> tick = [&](error_code error) {
    if (error) return;
    ticks.push_back(clock_.Now() - start);
    if (ticks.size() < 3) timer->WaitUntil(clock_.Now() + seconds(2), tick);
  };
  timer->WaitUntil(start + seconds(2), tick);
  while (clock_.AdvanceToNextDeadline()) Run();
  EXPECT_THAT(ticks, ElementsAre(seconds(2), seconds(4), seconds(6)));
}

TEST_F(ManualClockTest, PendingWaitIsWork) {
  auto timer = MakeTimer();
  timer->WaitUntil(clock_.Now() + seconds(1), Log("a"));
  Run();
  EXPECT_FALSE(io_.stopped());
  timer->Cancel();
  io_.run();
  EXPECT_THAT(log_, ElementsAre("a aborted"));
}

TEST_F(ManualClockTest, CancelAbortsTheWaitOnce) {
  auto timer = MakeTimer();
  timer->Cancel();
  timer->WaitUntil(clock_.Now() + seconds(1), Log("a"));
  timer->Cancel();
  timer->Cancel();
  EXPECT_EQ(clock_.pending_timers(), 0u);
  clock_.AdvanceBy(seconds(2));
  Run();
  EXPECT_THAT(log_, ElementsAre("a aborted"));
}

TEST_F(ManualClockTest, CancelAfterTheDeadlineIsTooLate) {
  auto timer = MakeTimer();
  timer->WaitUntil(clock_.Now() + seconds(1), Log("a"));
  clock_.AdvanceBy(seconds(1));
  timer->Cancel();
  Run();
  EXPECT_THAT(log_, ElementsAre("a"));
}

TEST_F(ManualClockTest, AnotherWaitAbortsTheFirst) {
  auto timer = MakeTimer();
  timer->WaitUntil(clock_.Now() + seconds(1), Log("a"));
  timer->WaitUntil(clock_.Now() + seconds(2), Log("b"));
  EXPECT_EQ(clock_.pending_timers(), 1u);
  clock_.AdvanceBy(seconds(2));
  Run();
  EXPECT_THAT(log_, ElementsAre("a aborted", "b"));
}

TEST_F(ManualClockTest, DestroyedTimerAbortsItsWait) {
  auto timer = MakeTimer();
  timer->WaitUntil(clock_.Now() + seconds(1), Log("a"));
  timer.reset();
  EXPECT_THAT(log_, IsEmpty());
  Run();
  EXPECT_THAT(log_, ElementsAre("a aborted"));
}

TEST_F(ManualClockTest, EveryCancellationTypeAbortsOneWait) {
  auto timer = MakeTimer();
  for (const auto type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial,
        asio::cancellation_type::total}) {
    asio::cancellation_signal signal;
    log_.clear();
    timer->WaitUntil(clock_.Now() + seconds(1),
                     asio::bind_cancellation_slot(signal.slot(), Log("a")));
    signal.emit(type);
    EXPECT_THAT(log_, IsEmpty());
    Run();
    EXPECT_THAT(log_, ElementsAre("a aborted"));
  }
}

TEST_F(ManualClockTest, CompletesOnTheHandlersExecutor) {
  auto timer = MakeTimer();
  auto strand = asio::make_strand(io_);
  bool inside = false;
  timer->WaitUntil(clock_.Now(), asio::bind_executor(strand, [&](error_code) {
                     inside = strand.running_in_this_thread();
                   }));
  Run();
  EXPECT_TRUE(inside);
}

TEST_F(ManualClockTest, TokenMayBeAnAwaitableOrAFuture) {
  auto timer = MakeTimer();
  auto other = MakeTimer();
  const auto wait = [&]() -> asio::awaitable<void> {
    co_await timer->AsyncWaitUntil(clock_.Now() + hours(1),
                                   asio::use_awaitable);
    log_.push_back("awaited");
  };
  asio::co_spawn(io_, wait, asio::detached);
  std::future<void> future =
      other->AsyncWaitUntil(clock_.Now() + hours(1), asio::use_future);
  Run();
  clock_.AdvanceBy(hours(1));
  Run();
  EXPECT_THAT(log_, ElementsAre("awaited"));
  EXPECT_NO_THROW(future.get());
}

// The awaiting frame owns the timer that its wait belongs to; and an idle timer
// is no failure.
TEST_F(ManualClockTest, DestroyedContextDestroysWaitingCoroutines) {
  auto witness = std::make_shared<int>(0);
  {
    asio::io_context io;
    const auto wait = [this,
                       &io](std::shared_ptr<int>) -> asio::awaitable<void> {
      auto timer = clock_.MakeTimer(io.get_executor());
      co_await timer->AsyncWaitUntil(clock_.Now() + hours(1),
                                     asio::use_awaitable);
    };
    asio::co_spawn(io, wait(witness), asio::detached);
    io.poll();
    EXPECT_EQ(clock_.pending_timers(), 1u);
  }
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_EQ(clock_.pending_timers(), 0u);
  clock_.AdvanceBy(hours(2));
}

TEST_F(ManualClockTest, TimerMayOutliveTheClock) {
  auto clock = std::make_unique<ManualClock>();
  auto timer = clock->MakeTimer(io_.get_executor());
  timer->WaitUntil(clock->Now() + seconds(1), Log("a"));
  clock.reset();
  timer.reset();
  Run();
  EXPECT_THAT(log_, ElementsAre("a aborted"));
}

// The test's thread moves the time while another starts and cancels waits.
TEST_F(ManualClockTest, TimeMayMoveWhileAnotherThreadWaits) {
  asio::io_context io;
  int completed = 0;
  const auto waits = [&]() -> asio::awaitable<void> {
    auto timer = clock_.MakeTimer(io.get_executor());
    auto cancelled = clock_.MakeTimer(io.get_executor());
    for (int i = 0; i < 1000; ++i) {
      cancelled->WaitUntil(clock_.Now() + hours(1), [](error_code) {});
      co_await timer->AsyncWaitUntil(clock_.Now() + seconds(1),
                                     asio::use_awaitable);
      cancelled->Cancel();
      ++completed;
    }
  };
  std::promise<void> done;
  std::future<void> finished = done.get_future();
  asio::co_spawn(io, waits, [&](std::exception_ptr) { done.set_value(); });
  std::thread thread([&] { io.run(); });
  while (finished.wait_for(seconds(0)) != std::future_status::ready) {
    clock_.AdvanceBy(seconds(1));
    std::this_thread::yield();
  }
  thread.join();
  EXPECT_EQ(completed, 1000);
}

// A deliberately wrong program: hangs up on a peer that is silent for thirty
// seconds, but forgets that a word begins them anew. In real time its test
// would take a minute, or not be written.
class Listener {
 public:
  Listener(coffer::Clock& clock,
           const asio::io_context::executor_type& executor, bool right)
      : clock_(clock), timer_(clock.MakeTimer(executor)), right_(right) {
    Wait();
  }

  void Hear() {
    if (right_) Wait();
  }
  bool hung_up() const { return hung_up_; }

 private:
  void Wait() {
    timer_->WaitUntil(clock_.Now() + seconds(30), [this](error_code error) {
      if (!error) hung_up_ = true;
    });
  }

  coffer::Clock& clock_;
  const std::unique_ptr<coffer::Timer> timer_;
  const bool right_;
  bool hung_up_ = false;
};

TEST_F(ManualClockTest, ExposesATimeoutThatIsNotBegunAnew) {
  for (const bool right : {true, false}) {
    Listener listener(clock_, io_.get_executor(), right);
    internal::CapturedFailures captured;
    for (int i = 0; i < 2; ++i) {
      clock_.AdvanceBy(seconds(29));
      Run();
      EXPECT_FALSE(listener.hung_up()) << "within 30 s of a word";
      listener.Hear();
    }
    const auto failures = captured.Get();
    ASSERT_EQ(failures.size(), right ? 0u : 1u);
    if (!right) {
      EXPECT_THAT(failures[0].message,
                  ::testing::HasSubstr("within 30 s of a word"));
    }
  }
  Run();
}

}  // namespace
}  // namespace coffer_testing
