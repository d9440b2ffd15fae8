#include "coffer/sdk/connection/reconnect_machine.h"

#include <chrono>
#include <memory>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = ConnectAction::Kind;
using ::testing::ElementsAre;

constexpr Clock::TimePoint kStart;

// The attempt's number in seconds.
class Counting final : public BackoffPolicy {
 public:
  Clock::Duration Wait(int attempt, std::uint64_t) const override {
    return seconds(attempt);
  }
};

ReconnectMachine Machine(std::size_t endpoints) {
  return ReconnectMachine(endpoints, std::make_shared<Counting>(), seconds(10),
                          1);
}

ConnectAction DialOf(std::size_t endpoint) {
  ConnectAction action;
  action.kind = Kind::kDial;
  action.endpoint = endpoint;
  return action;
}

ConnectAction WaitOf(Clock::Duration wait) {
  ConnectAction action;
  action.kind = Kind::kWait;
  action.wait = wait;
  return action;
}

TEST(ReconnectMachine, WaitsLongerAfterEachFailedRound) {
  auto machine = Machine(1);
  EXPECT_EQ(machine.Start(), DialOf(0));
  for (int round = 1; round < 5; ++round) {
    EXPECT_EQ(machine.Failed(), WaitOf(seconds(round)));
    EXPECT_TRUE(machine.failing());
    EXPECT_EQ(machine.Waited(), DialOf(0));
  }
}

TEST(ReconnectMachine, TriesAllEndpointsBeforeItWaits) {
  auto machine = Machine(3);
  EXPECT_EQ(machine.Start(), DialOf(0));
  EXPECT_EQ(machine.Failed(), DialOf(1));
  EXPECT_EQ(machine.Failed(), DialOf(2));
  EXPECT_EQ(machine.Failed(), WaitOf(seconds(1)));
  EXPECT_EQ(machine.Waited(), DialOf(0));
}

TEST(ReconnectMachine, ComesBackToTheEndpointThatWasGood) {
  auto machine = Machine(3);
  machine.Start();
  EXPECT_EQ(machine.Failed(), DialOf(1));
  EXPECT_EQ(machine.Connected(kStart).kind, Kind::kNothing);
  EXPECT_FALSE(machine.failing());
  EXPECT_EQ(machine.Lost(kStart + seconds(60), false), WaitOf(seconds(1)));
  EXPECT_EQ(machine.Waited(), DialOf(1));
  EXPECT_EQ(machine.Failed(), DialOf(2));
  EXPECT_EQ(machine.Failed(), DialOf(0));
  EXPECT_EQ(machine.Failed(), WaitOf(seconds(2)));
}

TEST(ReconnectMachine, ConnectionThatDoesNotLastIsAFailedRound) {
  auto machine = Machine(1);
  machine.Start();
  for (int i = 1; i < 5; ++i) {
    machine.Connected(kStart + seconds(i));
    EXPECT_EQ(machine.Lost(kStart + seconds(i + 9), false), WaitOf(seconds(i)));
    EXPECT_EQ(machine.Waited(), DialOf(0));
  }
  machine.Connected(kStart);
  EXPECT_EQ(machine.Lost(kStart + seconds(10), false), WaitOf(seconds(1)));
}

TEST(ReconnectMachine, ConnectionThatDoesNotLastIsTriedElsewhere) {
  auto machine = Machine(2);
  EXPECT_EQ(machine.Start(), DialOf(0));
  // Both accept and hang up: each in its turn, ever more slowly.
  for (int i = 1; i < 6; ++i) {
    machine.Connected(kStart);
    EXPECT_EQ(machine.Lost(kStart + seconds(1), false), WaitOf(seconds(i)));
    EXPECT_EQ(machine.Waited(), DialOf(i % 2));
  }
  // One that lasts is come back to.
  machine.Connected(kStart);
  EXPECT_EQ(machine.Lost(kStart + seconds(10), false), WaitOf(seconds(1)));
  EXPECT_EQ(machine.Waited(), DialOf(1));
}

TEST(ReconnectMachine, ServerThatAnswersNothingIsLeftHoweverLongItStayed) {
  auto machine = Machine(2);
  machine.Start();
  machine.Connected(kStart);
  EXPECT_EQ(machine.Lost(kStart + seconds(60), true), WaitOf(seconds(1)));
  EXPECT_EQ(machine.Waited(), DialOf(1));
  machine.Connected(kStart);
  EXPECT_EQ(machine.Lost(kStart + seconds(60), true), WaitOf(seconds(2)));
}

// A round that begins after a connection that did not last is a whole one.
TEST(ReconnectMachine, AllEndpointsAreTriedAfterOneThatDidNotLast) {
  auto machine = Machine(2);
  machine.Start();
  machine.Connected(kStart);
  EXPECT_EQ(machine.Lost(kStart, false), WaitOf(seconds(1)));
  EXPECT_EQ(machine.Waited(), DialOf(1));
  EXPECT_EQ(machine.Failed(), DialOf(0));
  EXPECT_EQ(machine.Failed(), WaitOf(seconds(2)));
}

TEST(ReconnectMachine, IsFailingAfterAFailedAttemptAndNotAfterALoss) {
  auto machine = Machine(2);
  machine.Start();
  EXPECT_FALSE(machine.failing()) << "not tried yet";
  machine.Connected(kStart);
  machine.Lost(kStart, false);
  EXPECT_FALSE(machine.failing()) << "lost at once";
  machine.Waited();
  machine.Failed();
  EXPECT_FALSE(machine.failing()) << "one endpoint is left";
  machine.Failed();
  EXPECT_TRUE(machine.failing());
  machine.Waited();
  EXPECT_TRUE(machine.failing()) << "while it tries again";
  machine.Connected(kStart);
  EXPECT_FALSE(machine.failing());
  machine.Lost(kStart + seconds(60), false);
  EXPECT_FALSE(machine.failing()) << "lost after a while";
}

TEST(ExponentialBackoff, FullJitterUpToACap) {
  const ExponentialBackoff backoff(milliseconds(100), seconds(1), 2);
  const std::uint64_t most = ~std::uint64_t{0};
  std::vector<std::int64_t> most_ms;
  for (int attempt = 1; attempt <= 6; ++attempt) {
    EXPECT_EQ(backoff.Wait(attempt, 0), Clock::Duration::zero());
    EXPECT_EQ(backoff.Wait(attempt, most / 2 + 1),
              backoff.Wait(attempt, most / 2 + 1));
    most_ms.push_back(
        std::chrono::ceil<milliseconds>(backoff.Wait(attempt, most)).count());
  }
  EXPECT_THAT(most_ms, ElementsAre(100, 200, 400, 800, 1000, 1000));
  EXPECT_LE(backoff.Wait(1 << 30, most), seconds(1));
}

TEST(ReconnectMachine, SameSeedSameWaits) {
  const auto waits = [](std::uint64_t seed) {
    ReconnectMachine machine(1, std::make_shared<ExponentialBackoff>(),
                             seconds(10), seed);
    machine.Start();
    std::vector<Clock::Duration> all;
    for (int i = 0; i < 20; ++i) {
      all.push_back(machine.Failed().wait);
      machine.Waited();
    }
    return all;
  };
  EXPECT_EQ(waits(7), waits(7));
  EXPECT_NE(waits(7), waits(8));
  const auto seven = waits(7);
  EXPECT_GT(std::set<Clock::Duration>(seven.begin(), seven.end()).size(), 15u);
}

}  // namespace
}  // namespace coffer::internal
