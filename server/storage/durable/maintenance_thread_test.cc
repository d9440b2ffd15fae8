#include "coffer/server/storage/durable/maintenance_thread.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "coffer/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using coffer_testing::ManualClock;
using std::chrono::seconds;

// Once a timer waits, and not before.
void AdvanceToTimer(ManualClock& clock) {
  while (!clock.AdvanceToNextDeadline()) std::this_thread::yield();
}

TEST(MaintenanceThread, RunsEveryPeriodAndNotBefore) {
  ManualClock clock;
  const Clock::TimePoint start = clock.Now();
  MaintenanceThread thread(&clock);
  std::atomic<int> runs{0};
  thread.RunEvery(seconds(2), [&runs] { ++runs; });
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(runs, i - 1);
    AdvanceToTimer(clock);
    while (runs < i) std::this_thread::yield();
    EXPECT_EQ(clock.Now(), start + i * seconds(2));
  }
}

TEST(MaintenanceThread, RunsAtOnceAndUntilItIsDone) {
  ManualClock clock;
  const Clock::TimePoint start = clock.Now();
  MaintenanceThread thread(&clock);
  int runs = 0;
  std::promise<std::thread::id> done;
  thread.RunUntilDone(seconds(2), [&] {
    if (++runs < 3) return false;
    done.set_value(std::this_thread::get_id());
    return true;
  });
  AdvanceToTimer(clock);
  AdvanceToTimer(clock);
  EXPECT_NE(done.get_future().get(), std::this_thread::get_id());
  EXPECT_EQ(clock.Now(), start + 2 * seconds(2));
}

TEST(MaintenanceThread, WhatWaitsIsDroppedWithIt) {
  ManualClock clock;
  auto token = std::make_shared<int>(0);
  {
    MaintenanceThread thread(&clock);
    thread.RunEvery(seconds(2), [token] { ADD_FAILURE(); });
    while (clock.pending_timers() == 0) std::this_thread::yield();
  }
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace coffer::server
