// A client with several connections, and with several servers: which of them
// its calls take, and what it does about those that are of no use.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/client_test_util.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/dialer.h"
#include "coffer/sdk/internal/pending_handler.h"
#include "coffer/sdk/observer.h"
#include "coffer/sdk/server_info.h"
#include "coffer/sdk/stream/any_stream.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::FakeServer;
using coffer_testing::FaultOp;
using coffer_testing::FaultPlan;
using coffer_testing::FaultStream;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::MemoryPipe;
using coffer_testing::StatusIs;
using std::chrono::seconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ResultOf;
using ::testing::UnorderedElementsAre;

// Lets only some dials through to the fake; the others are refused, each after
// a while.
class Gate final : public Dialer {
 public:
  Gate(FakeServer* fake, Clock* clock, std::function<bool(int dial)> lets,
       Clock::Duration refused_after = {})
      : fake_(*fake),
        clock_(*clock),
        lets_(std::move(lets)),
        refused_after_(refused_after) {}

  std::string target() const override { return "the gate"; }

  void Dial(asio::any_io_executor executor, Clock::Duration timeout,
            DialHandler handler) override {
    timeouts_.push_back(timeout);
    if (lets_(static_cast<int>(timeouts_.size()) - 1)) {
      return fake_.dialer().Dial(executor, timeout, std::move(handler));
    }
    const std::shared_ptr<Timer> timer = clock_.MakeTimer(executor);
    auto refuse = [timer, pending = Pending(std::move(handler), executor)](
                      boost::system::error_code) mutable {
      pending.Dispatch(absl::UnavailableError("the gate is shut"));
    };
    timer->AsyncWaitUntil(clock_.Now() + refused_after_, std::move(refuse));
  }

  // One for each dial.
  const std::vector<Clock::Duration>& timeouts() const { return timeouts_; }

 private:
  using Pending = internal::PendingHandler<absl::StatusOr<AnyStream>>;

  FakeServer& fake_;
  Clock& clock_;
  const std::function<bool(int)> lets_;
  const Clock::Duration refused_after_;
  std::vector<Clock::Duration> timeouts_;
};

auto IsWriteOf(std::string key) {
  return ResultOf(
      [](const v1::CommandRequest& call) { return call.hset().pair().key(); },
      std::move(key));
}

class ClientFailoverTest : public ClientFixture {
 protected:
  std::shared_ptr<Gate> MakeGate(std::function<bool(int)> lets,
                                 Clock::Duration refused_after = {}) {
    return std::make_shared<Gate>(&fake_, &time_.clock(), std::move(lets),
                                  refused_after);
  }

  ConnectionOptions Several(int connections) {
    ConnectionOptions options = OneAttempt();
    options.connections = connections;
    return options;
  }

  // Calls at the same time, of which all are to succeed, and within `limit`.
  void SetAtOnce(Client& client, int calls, Clock::Duration limit) {
    int done = 0;
    for (int i = 0; i < calls; ++i) {
      client.Set("t", absl::StrCat("k", i), i, [&](const absl::Status& status) {
        EXPECT_THAT(status, IsOk());
        ++done;
      });
    }
    EXPECT_TRUE(time_.RunUntil([&] { return done == calls; }, limit));
  }

  // Of each call, from the n-th on.
  std::vector<int> ConnectionsUsed(std::size_t n = 0) {
    std::vector<int> used;
    for (const auto& call : fake_.Calls()) {
      if (n > 0) {
        --n;
      } else {
        used.push_back(call.connection);
      }
    }
    return used;
  }

  // Where it does not outlive what it refers to.
  void Destroy(Client& client) {
    client = Client(nullptr);
    time_.RunFor(seconds(2));
  }
};

// --- Several connections

TEST_F(ClientFailoverTest, CallTakesTheConnectionWithTheFewestCalls) {
  Client client = Connect(Several(3));
  ASSERT_TRUE(time_.RunUntil([&] { return fake_.connections() == 3; }));
  time_.RunReady();
  SetAtOnce(client, 9, seconds(1));
  EXPECT_THAT(ConnectionsUsed(),
              UnorderedElementsAre(1, 1, 1, 2, 2, 2, 3, 3, 3));
  // One is busy: those that come one by one find another idle.
  fake_.DelayNext(seconds(30));
  std::optional<absl::Status> slow;
  client.Set("t", "slow", 1, Within(seconds(60)),
             [&](absl::Status status) { slow = status; });
  time_.RunReady();
  const int busy = fake_.Calls().back().connection;
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Set(client, "k", i), IsOk());
    EXPECT_NE(fake_.Calls().back().connection, busy);
  }
  ASSERT_FALSE(slow.has_value());
  ASSERT_TRUE(time_.RunUntil([&] { return slow.has_value(); }));
  EXPECT_THAT(*slow, IsOk());
}

TEST_F(ClientFailoverTest, CloseWaitsForTheCallsOfEveryConnection) {
  Client client = Connect(Several(3));
  ASSERT_TRUE(time_.RunUntil([&] { return fake_.connections() == 3; }));
  time_.RunReady();
  fake_.DelayNext(seconds(5));
  std::optional<absl::Status> set, closed;
  client.Set("t", "k", 1, [&](absl::Status status) { set = status; });
  client.Close([&](absl::Status status) {
    EXPECT_TRUE(set.has_value()) << "the other connections are closed before";
    EXPECT_FALSE(closed.has_value());
    closed = status;
  });
  ASSERT_TRUE(time_.RunUntil([&] { return closed.has_value(); }));
  EXPECT_THAT(*closed, IsOk());
  ASSERT_TRUE(set.has_value());
  EXPECT_THAT(*set, IsOk());
  time_.RunFor(seconds(2));
  EXPECT_EQ(fake_.connections(), 0u);
}

TEST_F(ClientFailoverTest, CallsAvoidAConnectionThatCannotBeMade) {
  for (const bool fail_fast : {false, true}) {
    for (const int made : {0, 1}) {
      SCOPED_TRACE(absl::StrCat("fail_fast ", fail_fast, ", made ", made));
      const auto gate = MakeGate([made](int dial) { return dial == made; });
      ConnectionOptions options = Several(2);
      options.fail_fast = fail_fast;
      Client client(MakeConnection(time_.get_executor(), gate, options));
      time_.RunReady();
      EXPECT_EQ(fake_.connections(), 1u);
      for (int i = 0; i < 5; ++i) {
        SetAtOnce(client, 10, seconds(1));
        time_.RunFor(seconds(3));
      }
      EXPECT_GT(gate->timeouts().size(), 3u) << "it does try";
      Destroy(client);
    }
  }
}

TEST_F(ClientFailoverTest, CallsThatWaitGoWhereThereIsAConnection) {
  // The last is a dial that hangs beside a connection that is there.
  for (const Clock::Duration refused_after :
       {seconds(0), seconds(1), seconds(10)}) {
    for (const int made : {0, 1}) {
      SCOPED_TRACE(
          absl::StrCat("after ", refused_after / seconds(1), " s, ", made));
      const std::size_t before = fake_.Calls().size();
      const auto gate =
          MakeGate([made](int dial) { return dial == made; }, refused_after);
      // Both have tried nothing yet, and are given half of the calls.
      Client client(MakeConnection(time_.get_executor(), gate, Several(2)));
      SetAtOnce(client, 10, seconds(2));
      const std::vector<int> used = ConnectionsUsed(before);
      ASSERT_EQ(used.size(), 10u);
      EXPECT_THAT(used, Each(used[0]));
      Destroy(client);
    }
  }
}

TEST_F(ClientFailoverTest, CallThatWasHandedOverIsCancelled) {
  const auto gate = MakeGate([](int dial) { return dial == 0; });
  Client client(MakeConnection(time_.get_executor(), gate, Several(2)));
  fake_.DelayNext(seconds(5), IsWriteOf("second"));
  std::optional<absl::Status> first, second;
  asio::cancellation_signal cancel;
  client.Set("t", "first", 1, [&](absl::Status status) { first = status; });
  client.Set("t", "second", 2,
             asio::bind_cancellation_slot(
                 cancel.slot(), [&](absl::Status status) { second = status; }));
  ASSERT_TRUE(
      time_.RunUntil([&] { return fake_.Calls().size() == 2; }, seconds(2)));
  ASSERT_FALSE(second.has_value());
  cancel.emit(asio::cancellation_type::total);
  time_.RunReady();
  ASSERT_TRUE(second.has_value());
  EXPECT_THAT(*second, StatusIs(absl::StatusCode::kCancelled));
  ASSERT_TRUE(time_.RunUntil([&] { return first.has_value(); }));
  EXPECT_THAT(*first, IsOk());
}

TEST_F(ClientFailoverTest, FailsFastWhenNoConnectionCanBeMade) {
  fake_.Refuse(true);
  ConnectionOptions options = Several(2);
  options.fail_fast = true;
  Client client = Connect(options);
  const auto start = time_.Now();
  for (int i = 0; i < 4; ++i) {
    EXPECT_THAT(Set(client, "k", 1), StatusIs(absl::StatusCode::kUnavailable,
                                              HasSubstr("not connected")));
  }
  EXPECT_LT(time_.Now() - start, seconds(1));
}

// --- What a connection that is lost costs

TEST_F(ClientFailoverTest, FailFastIsForAttemptsThatFailed) {
  ConnectionOptions options = OneAttempt();
  options.fail_fast = true;
  Client client = Connect(options);
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  time_.RunFor(seconds(60));
  for (int i = 0; i < 2; ++i) {
    fake_.DropConnections();
    time_.RunReady();
    ASSERT_EQ(fake_.connections(), 0u);
    EXPECT_THAT(Get(client, "k"), IsOkAndHolds(1))
        << (i == 0 ? "lost after a while" : "lost at once");
  }
  fake_.Refuse(true);
  fake_.DropConnections();
  time_.RunFor(seconds(1));
  EXPECT_THAT(Get(client, "k"), StatusIs(absl::StatusCode::kUnavailable,
                                         HasSubstr("not connected")));
}

TEST_F(ClientFailoverTest, ServerThatHangsUpIsNotStayedWith) {
  FakeServer other(time_.get_executor(), {.clock = &time_.clock()});
  fake_.WrapDialed([](MemoryPipe pipe) {
    // Behind the answer to Hello.
    const FaultPlan hangs_up =
        FaultPlan().FailAt(FaultOp::kRead, 1, asio::error::connection_reset);
    return AnyStream(FaultStream(std::move(pipe), hangs_up));
  });
  Client client(MakeConnection(
      time_.get_executor(), {DialerOf(fake_), DialerOf(other)}, OneAttempt()));
  ASSERT_TRUE(
      time_.RunUntil([&] { return other.connections() == 1; }, seconds(2)));
  EXPECT_THAT(Set(client, "k", 1), IsOk());
  EXPECT_EQ(other.Calls().size(), 1u);
  // It was good, and is come back to.
  time_.RunFor(seconds(60));
  other.DropConnections();
  EXPECT_THAT(Get(client, "k"), IsOkAndHolds(1));
  EXPECT_EQ(other.Calls().size(), 2u);
  Destroy(client);
}

// It takes calls for as long as it likes, and answers none.
TEST_F(ClientFailoverTest, ServerThatAnswersNothingIsNotStayedWith) {
  FakeServer other(time_.get_executor(), {.clock = &time_.clock()});
  fake_.WrapDialed([](MemoryPipe pipe) {
    const FaultPlan silent = FaultPlan().StallAt(FaultOp::kRead, 1);
    return AnyStream(FaultStream(std::move(pipe), silent));
  });
  ConnectionOptions options = OneAttempt();
  options.ping_interval = seconds(10);
  options.connect_timeout = seconds(5);
  Client client(MakeConnection(time_.get_executor(),
                               {DialerOf(fake_), DialerOf(other)}, options));
  EXPECT_THAT(Set(client, "k", 1, Within(seconds(60))),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("no answer to a ping")));
  EXPECT_THAT(Set(client, "k", 2), IsOk());
  EXPECT_EQ(other.connections(), 1u);
  EXPECT_EQ(other.Calls().size(), 1u);
  Destroy(client);
}

TEST_F(ClientFailoverTest, DialerIsToldTheTimeOfTheAttempt) {
  const auto gate = MakeGate([](int dial) { return dial == 1; });
  ConnectionOptions options = OneAttempt();
  options.connect_timeout = seconds(3);
  Client client(MakeConnection(time_.get_executor(), gate, options));
  EXPECT_THAT(Set(client, "k", 1), IsOk());
  EXPECT_THAT(gate->timeouts(), ElementsAre(seconds(3), seconds(3)));
}

// --- What is known of the server

TEST_F(ClientFailoverTest, ServerInfoIsThatOfTheServerThatIsConnected) {
  ConnectionOptions options = Options();
  options.observer = std::make_shared<Observer>();  // all layers
  Client client = Connect(options);
  EXPECT_FALSE(client.server_info().has_value()) << "not connected yet";
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  std::optional<ServerInfo> server = client.server_info();
  ASSERT_TRUE(server.has_value());
  EXPECT_EQ(server->protocol_version, 1u);
  EXPECT_EQ(server->epoch, 1u);
  EXPECT_FALSE(server->version.empty());
  EXPECT_TRUE(server->features.retries);
  EXPECT_GT(server->subscriptions_max, 0u);
  fake_.Restart(FakeServer::Data::kKeepStored);
  time_.RunReady();
  EXPECT_FALSE(client.server_info().has_value()) << "lost";
  ASSERT_THAT(Get(client, "k"), IsOkAndHolds(1));
  server = client.server_info();
  ASSERT_TRUE(server.has_value());
  EXPECT_EQ(server->epoch, 2u);
}

TEST_F(ClientFailoverTest, ServerInfoOfTheOlderProtocolIsOfDefaults) {
  ConnectionOptions options = Options();
  options.say_hello = false;
  Client client = Connect(options);
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  const std::optional<ServerInfo> server = client.server_info();
  ASSERT_TRUE(server.has_value());
  EXPECT_EQ(server->protocol_version, 0u);
  EXPECT_EQ(server->features, ServerFeatures());
}

TEST_F(ClientFailoverTest, ServerInfoIsOfAnyConnectionThatThereIs) {
  const auto gate = MakeGate([](int dial) { return dial == 1; });
  Client client(MakeConnection(time_.get_executor(), gate, Several(2)));
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  const std::optional<ServerInfo> server = client.server_info();
  ASSERT_TRUE(server.has_value());
  EXPECT_EQ(server->epoch, 1u);
}

}  // namespace
}  // namespace coffer
