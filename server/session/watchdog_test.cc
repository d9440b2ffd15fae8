#include "coffer/server/session/watchdog.h"

#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using std::chrono::seconds;
using Phase = SessionProgress::Phase;
using Verdict = Watchdog::Verdict;

ServerLimits Limits() {
  ServerLimits limits;
  limits.idle_timeout = seconds(100);
  limits.stall_timeout = seconds(20);
  limits.linger_timeout = seconds(5);
  limits.stall_bytes_per_second_min = 50;
  return limits;
}

Clock::TimePoint At(int second) {
  return Clock::TimePoint() + seconds(1000 + second);
}

SessionProgress Receiving(std::uint64_t requests, std::size_t unread) {
  SessionProgress progress;
  progress.requests_received = requests;
  progress.unread_bytes = unread;
  return progress;
}

SessionProgress Sending(std::uint64_t written) {
  SessionProgress progress;
  progress.phase = Phase::kSending;
  progress.bytes_written = written;
  return progress;
}

TEST(Watchdog, IdleConnectionIsClosedWhenItsTimeHasPassedAndNotBefore) {
  Watchdog watchdog(Limits());
  EXPECT_EQ(watchdog.Look(Receiving(3, 0), At(0)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(3, 0), At(99)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(3, 0), At(100)), Verdict::kIdle);
}

TEST(Watchdog, EachRequestRestartsTheIdleTime) {
  Watchdog watchdog(Limits());
  EXPECT_EQ(watchdog.Look(Receiving(3, 0), At(0)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(4, 0), At(90)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(4, 0), At(150)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(4, 0), At(190)), Verdict::kIdle);
}

TEST(Watchdog, HalfAFrameIsClosedThoughBytesTrickleIn) {
  Watchdog watchdog(Limits());
  EXPECT_EQ(watchdog.Look(Receiving(0, 1), At(0)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(0, 2), At(10)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(0, 3), At(20)), Verdict::kHalfFrame);
}

TEST(Watchdog, FramesThatAreCompletedInTimeGoOn) {
  Watchdog watchdog(Limits());
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(watchdog.Look(Receiving(i, 7), At(10 * i)), Verdict::kGoOn);
  }
}

TEST(Watchdog, HalfAFrameAfterALongIdleTimeHasItsOwnTime) {
  Watchdog watchdog(Limits());
  EXPECT_EQ(watchdog.Look(Receiving(1, 0), At(0)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(1, 5), At(90)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(1, 5), At(109)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(1, 5), At(110)), Verdict::kHalfFrame);
}

TEST(Watchdog, LargeFrameThatGoesOnArrivingHasItsTime) {
  Watchdog watchdog(Limits());
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(watchdog.Look(Receiving(0, 1 + 1000 * i), At(19 * i)),
              Verdict::kGoOn);
  }
}

TEST(Watchdog, PeerThatReadsSlowlyGoesOnAndOneThatTricklesIsClosed) {
  Watchdog watchdog(Limits());
  EXPECT_EQ(watchdog.Look(Sending(0), At(0)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Sending(1000), At(19)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Sending(2000), At(38)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Sending(2400), At(57)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Sending(2999), At(58)), Verdict::kPeerNotReading);
}

TEST(Watchdog, ExecutingIsTheStoragesTime) {
  Watchdog watchdog(Limits());
  SessionProgress executing;
  executing.phase = Phase::kExecuting;
  EXPECT_EQ(watchdog.Look(executing, At(0)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(executing, At(100000)), Verdict::kGoOn);
}

TEST(Watchdog, SubscriberIsNotIdleUntilItsLastSubscriptionHasEnded) {
  Watchdog watchdog(Limits());
  SessionProgress subscribed = Receiving(1, 0);
  subscribed.subscribed = true;
  EXPECT_EQ(watchdog.Look(subscribed, At(0)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(subscribed, At(100000)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(1, 0), At(100010)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(1, 0), At(100109)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(1, 0), At(100110)), Verdict::kIdle);
}

TEST(Watchdog, SubscribersHalfAFrameIsClosedAllTheSame) {
  Watchdog watchdog(Limits());
  SessionProgress half = Receiving(1, 5);
  half.subscribed = true;
  EXPECT_EQ(watchdog.Look(half, At(0)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(half, At(20)), Verdict::kHalfFrame);
}

TEST(Watchdog, LingeringEnds) {
  Watchdog watchdog(Limits());
  SessionProgress ending;
  ending.phase = Phase::kEnding;
  EXPECT_EQ(watchdog.Look(ending, At(0)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(ending, At(5)), Verdict::kLingered);
}

TEST(Watchdog, ZeroIsNoLimit) {
  ServerLimits limits = Limits();
  limits.idle_timeout = seconds(0);
  Watchdog watchdog(limits);
  EXPECT_EQ(watchdog.Look(Receiving(0, 0), At(0)), Verdict::kGoOn);
  EXPECT_EQ(watchdog.Look(Receiving(0, 0), At(1000000)), Verdict::kGoOn);
}

TEST(Watchdog, PeriodIsHalfTheShortestLimit) {
  EXPECT_EQ(Watchdog::Period(Limits()), std::chrono::milliseconds(2500));
  ServerLimits none;
  none.idle_timeout = none.stall_timeout = none.linger_timeout = seconds(0);
  EXPECT_EQ(Watchdog::Period(none), Clock::Duration::zero());
}

}  // namespace
}  // namespace coffer::server
