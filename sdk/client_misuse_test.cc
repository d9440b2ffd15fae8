// What a client makes of what its user got wrong: options that make no sense,
// and observers, handlers, policies and clocks that throw.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coffer/sdk/client_test_util.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/observer.h"
#include "coffer/sdk/status/outcome.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::StatusIs;
using std::chrono::seconds;
using ::testing::HasSubstr;

class ClientMisuseTest : public ClientFixture {
 protected:
  // Where it does not outlive what it refers to.
  void Destroy(Client& client) {
    client = Client(nullptr);
    time_.RunFor(seconds(2));
  }
};

class EndCounter final : public Observer {
 public:
  void OnEnd(const CallInfo&, const absl::Status& status) override {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    ++ended;
  }

  int ended = 0;
};

TEST_F(ClientMisuseTest, OptionsThatMakeNoSenseAreToldByEveryCall) {
  const auto counter = std::make_shared<EndCounter>();
  ConnectionOptions options = Options();
  // The server's 400 to it would pass for that of one of the older protocol.
  options.client_name = std::string(257, 'n');
  options.observer = counter;
  Client client = Connect(options);
  for (int i = 0; i < 2; ++i) {
    const absl::Status refused = Set(client, "k", 1);
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument,
                                  HasSubstr("client_name of 257 bytes")));
    EXPECT_EQ(OutcomeOf(refused), v1::NOT_EXECUTED);
  }
  EXPECT_EQ(counter->ended, 2);
  const auto news = Wait<absl::StatusOr<Subscription>>([&](auto handler) {
    client.Subscribe("news", SubscribeOptions(), std::move(handler));
  });
  EXPECT_THAT(news.status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                      HasSubstr("client_name of 257 bytes")));
  EXPECT_FALSE(client.server_info().has_value());
  EXPECT_THAT(Wait<absl::Status>(
                  [&](auto handler) { client.Close(std::move(handler)); }),
              IsOk());
  EXPECT_TRUE(fake_.Calls().empty());
  EXPECT_EQ(fake_.connections(), 0u);
}

class ThrowingObserver final : public Observer {
 public:
  void OnStart(const CallInfo&) override { Throw(); }
  void OnAttempt(const CallInfo&) override { Throw(); }
  void OnSent(const CallInfo&, std::size_t) override { Throw(); }
  void OnReceived(const CallInfo&, std::uint32_t, std::size_t) override {
    Throw();
  }
  void OnEnd(const CallInfo&, const absl::Status&) override { Throw(); }

  int thrown = 0;

 private:
  void Throw() {
    ++thrown;
    throw std::runtime_error("the observer's");
  }
};

TEST_F(ClientMisuseTest, WhatAnObserverThrowsCostsNoCallAnything) {
  const auto observer = std::make_shared<ThrowingObserver>();
  ConnectionOptions options = Options();
  options.observer = observer;
  Client client = Connect(options);
  EXPECT_THAT(Set(client, "k", 1), IsOk());
  EXPECT_EQ(observer->thrown, 5) << "each was called";
  EXPECT_THAT(Get(client, "k"), IsOkAndHolds(1));
  EXPECT_EQ(fake_.Calls().back().connection, 1);
}

// A strand calls it inside the session, an io_context too.
TEST_F(ClientMisuseTest, WhatAHandlerThrowsLeavesTheLoopAndCostsNothingElse) {
  for (const asio::any_io_executor& executor :
       {asio::any_io_executor(time_.get_executor()),
        asio::any_io_executor(asio::make_strand(time_.io()))}) {
    Client client(MakeConnection(executor, DialerOf(fake_), Options()));
    ASSERT_THAT(Set(client, "k", 1), IsOk());
    const int connection = fake_.Calls().back().connection;
    std::optional<absl::Status> behind;
    client.Set("t", "a", 2, [](const absl::Status&) {
      throw std::runtime_error("the user's");
    });
    client.Set("t", "b", 3, [&](absl::Status status) { behind = status; });
    EXPECT_THROW(time_.RunFor(seconds(1)), std::runtime_error);
    ASSERT_TRUE(time_.RunUntil([&] { return behind.has_value(); }));
    EXPECT_THAT(*behind, IsOk());
    EXPECT_THAT(Get(client, "k"), IsOkAndHolds(1));
    EXPECT_EQ(fake_.Calls().back().connection, connection);
  }
}

// Throws as if there were no memory, once, when it is told to.
class FaultyClock final : public Clock {
 public:
  explicit FaultyClock(Clock* next) : next_(*next) {}

  TimePoint Now() const override {
    if (std::exchange(throws_, false)) throw std::bad_alloc();
    return next_.Now();
  }
  absl::Time WallNow() const override { return next_.WallNow(); }
  std::unique_ptr<Timer> MakeTimer(asio::any_io_executor executor) override {
    return next_.MakeTimer(std::move(executor));
  }

  void Throw() { throws_ = true; }
  bool has_thrown() const { return !throws_; }

 private:
  Clock& next_;
  mutable bool throws_ = false;
};

// Has the clock throw when the first answer comes.
class Saboteur final : public Observer {
 public:
  explicit Saboteur(FaultyClock* clock) : clock_(*clock) {}

  void OnSent(const CallInfo&, std::size_t) override {
    if (sent_++ == 0) clock_.Throw();
  }

 private:
  FaultyClock& clock_;
  int sent_ = 0;
};

TEST_F(ClientMisuseTest, WhatIsThrownInASessionCostsThatSession) {
  FaultyClock clock(&time_.clock());
  ConnectionOptions options = Options();
  options.clock = &clock;
  // With which it looks at the clock when an answer comes.
  options.ping_interval = seconds(10);
  options.observer = std::make_shared<Saboteur>(&clock);
  Client client = Connect(options);
  EXPECT_THAT(Set(client, "k", 1), IsOk()) << "sent again";
  EXPECT_TRUE(clock.has_thrown());
  ASSERT_EQ(fake_.Calls().size(), 2u);
  EXPECT_EQ(fake_.Calls()[0].connection, 1);
  EXPECT_EQ(fake_.Calls()[1].connection, 2);
  EXPECT_EQ(fake_.connections(), 1u) << "the first one is closed";
  Destroy(client);
}

class ThrowingBackoff final : public BackoffPolicy {
 public:
  Clock::Duration Wait(int, std::uint64_t) const override {
    throw std::runtime_error("the policy's");
  }
};

class ThrowingRetry final : public RetryPolicy {
 public:
  bool Again(int, const absl::Status&) const override {
    throw std::runtime_error("again?");
  }
};

TEST_F(ClientMisuseTest, PolicyOfACallThatThrowsHasNothingToSay) {
  Client client = Connect(Options());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  CallOptions retry, backoff;
  retry.retry = std::make_shared<ThrowingRetry>();
  backoff.backoff = std::make_shared<ThrowingBackoff>();
  for (const CallOptions& options : {retry, backoff}) {
    fake_.FailNext(absl::UnavailableError("busy"));
    EXPECT_THAT(Set(client, "k", 2, options),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr("busy")));
  }
  EXPECT_THAT(Wait<absl::Status>(
                  [&](auto handler) { client.Close(std::move(handler)); }),
              IsOk());
}

TEST_F(ClientMisuseTest, LimitsAsLargeAsTheyGetAreNone) {
  ConnectionOptions options = Options();
  options.connections = 2;
  options.calls_in_flight_max = 1;
  options.calls_queued_max = std::numeric_limits<std::size_t>::max();
  options.bytes_queued_max = std::numeric_limits<std::size_t>::max() / 2 + 1;
  Client client = Connect(options);
  EXPECT_THAT(Set(client, "k", 1), IsOk());
}

// Up to the connection's end.
class AlwaysRetry final : public RetryPolicy {
 public:
  bool Again(int, const absl::Status&) const override { return true; }
};

TEST_F(ClientMisuseTest, CloseThatIsCancelledEndsACallThatWouldGoOnForEver) {
  Client client = Connect(Options());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  CallOptions options = Within(seconds(50));
  options.retry = std::make_shared<AlwaysRetry>();
  fake_.DelayNext(seconds(20));
  std::optional<absl::Status> set, closed;
  client.Set("t", "k", 2, options,
             [&](absl::Status status) { set = std::move(status); });
  time_.RunReady();
  asio::cancellation_signal cancel;
  client.Close(asio::bind_cancellation_slot(
      cancel.slot(), [&](absl::Status status) { closed = std::move(status); }));
  time_.RunReady();
  cancel.emit(asio::cancellation_type::total);
  time_.RunReady();
  EXPECT_TRUE(closed.has_value());
  ASSERT_TRUE(set.has_value());
  EXPECT_THAT(*set, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(OutcomeOf(*set), v1::UNKNOWN);
}

// It cannot go on, and says so to all that wait for it.
TEST_F(ClientMisuseTest, WhatThePolicyOfTheLoopThrowsIsToldByEveryCall) {
  fake_.Refuse(true);
  ConnectionOptions options = Options();
  options.reconnect_backoff = std::make_shared<ThrowingBackoff>();
  Client client = Connect(options);
  const auto start = time_.Now();
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Set(client, "k", 1), StatusIs(absl::StatusCode::kInternal,
                                              HasSubstr("the policy's")));
  }
  EXPECT_LT(time_.Now() - start, seconds(1));
}

}  // namespace
}  // namespace coffer
