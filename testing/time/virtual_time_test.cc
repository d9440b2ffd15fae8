#include "coffer/testing/time/virtual_time.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "coffer/sdk/clock.h"
#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/memory_pipe.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using boost::system::error_code;
using internal::CapturedFailures;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// Calls `then` at `deadline`.
std::unique_ptr<coffer::Timer> At(VirtualTime& time,
                                  coffer::Clock::TimePoint deadline,
                                  std::function<void()> then) {
  auto timer = time.clock().MakeTimer(time.get_executor());
  timer->WaitUntil(deadline, [then = std::move(then)](error_code error) {
    if (!error) then();
  });
  return timer;
}

// Notes its time every `period`, for ever.
awaitable<void> Tick(VirtualTime& time, seconds period,
                     std::vector<nanoseconds>& ticks) {
  const auto start = time.Now();
  const auto timer = time.clock().MakeTimer(time.get_executor());
  while (true) {
    co_await timer->AsyncWaitUntil(time.Now() + period, kTuple);
    ticks.push_back(time.Now() - start);
  }
}

TEST(VirtualTimeTest, RunsWhatIsReadyBeforeTimeMoves) {
  VirtualTime time;
  const auto start = time.Now();
  std::vector<std::string> order;
  const auto timer = At(time, start + seconds(1), [&] {
    order.push_back("timer");
    asio::post(time.io(), [&] { order.push_back("posted by timer"); });
  });
  const auto later =
      At(time, start + seconds(2), [&] { order.push_back("later"); });
  asio::post(time.io(), [&] { order.push_back("posted"); });
  EXPECT_EQ(time.RunReady(), 1u);
  EXPECT_EQ(time.Now(), start);
  EXPECT_EQ(time.RunUntilIdle(), 3u);
  EXPECT_THAT(order,
              ElementsAre("posted", "timer", "posted by timer", "later"));
  EXPECT_EQ(time.Now(), start + seconds(2));
}

TEST(VirtualTimeTest, TiesGoInTheOrderOfTheirStart) {
  VirtualTime time;
  std::vector<int> order;
  std::vector<std::unique_ptr<coffer::Timer>> timers;
  for (int i = 0; i < 4; ++i) {
    timers.push_back(
        At(time, time.Now() + seconds(1), [&, i] { order.push_back(i); }));
  }
  time.RunUntilIdle();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
}

TEST(VirtualTimeTest, TimersThatStartAgainSeeTheirOwnTime) {
  VirtualTime time;
  std::vector<nanoseconds> ticks;
  const auto start = time.Now();
  asio::co_spawn(time.io(), Tick(time, seconds(3), ticks), asio::detached);
  time.RunFor(seconds(10));
  EXPECT_THAT(ticks, ElementsAre(seconds(3), seconds(6), seconds(9)));
  EXPECT_EQ(time.Now(), start + seconds(10));
  time.AdvanceBy(seconds(2));
  EXPECT_THAT(ticks, SizeIs(4));
}

TEST(VirtualTimeTest, RunForIncludesItsLastInstant) {
  VirtualTime time;
  int fired = 0;
  const auto timer = At(time, time.Now() + seconds(1), [&] { ++fired; });
  time.RunFor(seconds(1) - nanoseconds(1));
  EXPECT_EQ(fired, 0);
  time.RunFor(nanoseconds(1));
  EXPECT_EQ(fired, 1);
}

TEST(VirtualTimeTest, RunUntilStopsAtOnce) {
  VirtualTime time;
  const auto start = time.Now();
  std::vector<nanoseconds> ticks;
  asio::co_spawn(time.io(), Tick(time, seconds(3), ticks), asio::detached);
  EXPECT_TRUE(time.RunUntil([&] { return ticks.size() == 2; }));
  EXPECT_EQ(time.Now(), start + seconds(6));
}

TEST(VirtualTimeTest, HoursTakeNoTime) {
  VirtualTime time;
  std::vector<nanoseconds> ticks;
  asio::co_spawn(time.io(), Tick(time, seconds(30), ticks), asio::detached);
  time.RunFor(hours(24));
  EXPECT_THAT(ticks, SizeIs(24 * 120));
}

TEST(VirtualTimeTest, RunsAContextAndClockOfTheTest) {
  asio::io_context io;
  ManualClock clock;
  VirtualTime time(io, clock);
  int fired = 0;
  const auto timer = At(time, clock.Now() + seconds(1), [&] { ++fired; });
  io.poll();
  EXPECT_EQ(time.RunUntilIdle(), 1u) << "stopped contexts are restarted";
  EXPECT_EQ(fired, 1);
}

// Deliberately wrong programs, and what VirtualTime says of them.

// Reconnects without a pause.
void TryAgainAtOnce(asio::io_context& io) {
  asio::post(io, [&io] { TryAgainAtOnce(io); });
}

TEST(VirtualTimeExposesTest, ARetryWithoutAPause) {
  VirtualTime time({.handlers_per_instant_max = 1000});
  TryAgainAtOnce(time.io());
  CapturedFailures captured;
  const int line = __LINE__ + 1;
  time.RunFor(seconds(1));
  ASSERT_THAT(captured.Get(), SizeIs(1));
  EXPECT_THAT(captured.Get()[0].message,
              HasSubstr("more than 1000 handlers ran without time moving on: "
                        "an endless loop?"));
  EXPECT_EQ(captured.Get()[0].line, line);
}

// Hangs up after five seconds of silence, unless the timer is forgotten.
awaitable<void> WaitsForAnAnswer(MemoryPipe& pipe, coffer::Clock& clock,
                                 bool has_deadline) {
  const auto timer = clock.MakeTimer(pipe.get_executor());
  if (has_deadline) {
    timer->WaitUntil(clock.Now() + seconds(5), [&pipe](error_code error) {
      if (!error) pipe.close();
    });
  }
  std::array<char, 4> answer;
  co_await pipe.async_read_some(asio::buffer(answer), kTuple);
}

TEST(VirtualTimeExposesTest, AWaitWithoutADeadline) {
  for (const bool right : {true, false}) {
    VirtualTime time;
    auto ends = MakeMemoryPipe(time.get_executor());
    bool done = false;
    asio::co_spawn(time.io(), WaitsForAnAnswer(ends.first, time.clock(), right),
                   [&](std::exception_ptr) { done = true; });
    {
      CapturedFailures captured;
      EXPECT_EQ(time.RunUntil([&] { return done; }), right);
      if (right) {
        EXPECT_THAT(captured.Get(), IsEmpty());
      } else {
        EXPECT_THAT(
            captured.Get(),
            ElementsAre(Field(&CapturedFailures::Failure::message,
                              AllOf(HasSubstr("not done, and nothing is left "
                                              "to happen, after 0"),
                                    HasSubstr("async_read_some started at "),
                                    HasSubstr("virtual_time_test.cc:")))));
      }
    }
    ends.first.close();
    time.RunUntilIdle();
  }
}

// A keepalive that nobody ends.
TEST(VirtualTimeExposesTest, ATimerThatIsNeverEnded) {
  VirtualTime time({.time_max = hours(1)});
  std::vector<nanoseconds> ticks;
  asio::co_spawn(time.io(), Tick(time, seconds(7), ticks), asio::detached);
  CapturedFailures captured;
  time.RunUntilIdle();
  EXPECT_THAT(
      captured.Get(),
      ElementsAre(Field(&CapturedFailures::Failure::message,
                        AllOf(HasSubstr("RunUntilIdle: not idle after 1h"),
                              HasSubstr("a timer that goes off in 5s")))));
}

TEST(VirtualTimeExposesTest, ATimeoutThatComesTooLate) {
  VirtualTime time;
  bool closed = false;
  const auto timer =
      At(time, time.Now() + milliseconds(5001), [&] { closed = true; });
  CapturedFailures captured;
  EXPECT_FALSE(time.RunUntil([&] { return closed; }, seconds(5)));
  EXPECT_THAT(
      captured.Get(),
      ElementsAre(Field(&CapturedFailures::Failure::message,
                        AllOf(HasSubstr("RunUntil: not done within 5s"),
                              HasSubstr("a timer that goes off in 5.001s")))));
}

TEST(VirtualTimeTest, TimeDoesNotGoBack) {
  VirtualTime time;
  CapturedFailures captured;
  time.RunFor(seconds(-1));
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                AllOf(HasSubstr("RunFor(-1s) goes back"),
                                      HasSubstr("nothing")))));
}

}  // namespace
}  // namespace coffer_testing
