// Client over a real Connection to a FakeServer, on virtual time.

#include "coffer/sdk/client.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/client_test_util.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/status/outcome.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::FakeServer;
using coffer_testing::FaultInjector;
using coffer_testing::FaultOp;
using coffer_testing::FaultPlan;
using coffer_testing::FaultStream;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::MemoryPipe;
using coffer_testing::StatusIs;
using coffer_testing::VirtualTime;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::ResultOf;

auto Is(v1::CommandRequest::RequestDataCase command) {
  return ResultOf(
      [](const v1::CommandRequest& request) {
        return request.request_data_case();
      },
      command);
}

using ClientTest = ClientFixture;

asio::awaitable<void> UseEveryCommand(Client client, bool* done) {
  EXPECT_THAT(co_await client.Set("t", "a", 1), IsOk());
  EXPECT_THAT(co_await client.Get<std::int64_t>("t", "a"), IsOkAndHolds(1));
  auto text = co_await client.Get<std::string>("t", "a");
  EXPECT_THAT(text, StatusIs(absl::StatusCode::kInvalidArgument));
  auto none = co_await client.Get("t", "none");
  EXPECT_THAT(none, StatusIs(absl::StatusCode::kNotFound));
  auto before = co_await client.GetAndSet<std::int64_t>("t", "a", 2);
  EXPECT_THAT(before, IsOkAndHolds(Optional(1)));
  before = co_await client.GetAndSet<std::int64_t>("t", "b", 3);
  EXPECT_THAT(before, IsOkAndHolds(std::nullopt));
  EXPECT_THAT(co_await client.Exists("t", "b"), IsOkAndHolds(true));
  const std::vector<std::string> keys = {"a", "none", "b"};
  auto values = co_await client.MultiGet<std::int64_t>("t", keys);
  EXPECT_THAT(values, IsOkAndHolds(
                          ElementsAre(Optional(2), std::nullopt, Optional(3))));
  auto exist = co_await client.MultiExists("t", keys);
  EXPECT_THAT(exist, IsOkAndHolds(ElementsAre(true, false, true)));
  const std::map<std::string, int> pairs = {{"c", 4}, {"d", 5}};
  EXPECT_THAT(co_await client.MultiSet("t", pairs), IsOk());
  auto deleted = co_await client.GetAndDelete<std::int64_t>("t", "c");
  EXPECT_THAT(deleted, IsOkAndHolds(Optional(4)));
  EXPECT_THAT(co_await client.Delete("t", "c"), IsOk());
  const std::vector<std::string> gone = {"d", "none"};
  EXPECT_THAT(co_await client.MultiDelete("t", gone), IsOk());
  auto all = co_await client.GetAll<std::int64_t>("t");
  EXPECT_THAT(all, IsOkAndHolds(ElementsAre(Pair("a", 2), Pair("b", 3))));
  EXPECT_THAT(co_await client.Ping(), IsOk());
  EXPECT_THAT(co_await client.Close(), IsOk());
  auto late = co_await client.Get("t", "a");
  EXPECT_THAT(late, StatusIs(absl::StatusCode::kCancelled));
  *done = true;
}

TEST_F(ClientTest, EveryCommandByCoroutine) {
  bool done = false;
  asio::co_spawn(time_.io(), UseEveryCommand(Connect(Options()), &done),
                 asio::detached);
  EXPECT_TRUE(time_.RunUntil([&] { return done; }));
  time_.RunReady();
  EXPECT_EQ(fake_.connections(), 0u);
}

TEST_F(ClientTest, BatchHasAResultPerItem) {
  Client client = Connect(Options());
  Batch batch;
  batch.Set("t", "a", 1).Get("t", "none").Get("t", "a").Delete("t", "a");
  fake_.FailNext(absl::ResourceExhaustedError("no"),
                 Is(v1::CommandRequest::kHdel));
  std::optional<std::vector<absl::StatusOr<Value>>> results;
  client.Run(std::move(batch), [&](auto given) { results = std::move(given); });
  ASSERT_TRUE(time_.RunUntil([&] { return results.has_value(); }));
  ASSERT_EQ(results->size(), 4u);
  EXPECT_THAT((*results)[0], IsOk());
  EXPECT_THAT((*results)[1], StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ((*results)[2]->integer(), 1);
  EXPECT_THAT((*results)[3], StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(ClientTest, CallsOfOneTurnLeaveInOneWrite) {
  const auto counting = std::make_shared<FaultInjector>(FaultPlan());
  fake_.WrapDialed([&](MemoryPipe pipe) {
    return AnyStream(FaultStream(std::move(pipe), counting));
  });
  Client client = Connect(Options());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  const std::uint64_t before = counting->operations(FaultOp::kWrite);
  int answered = 0;
  for (int i = 0; i < 100; ++i) {
    client.Get("t", "k", [&](const absl::StatusOr<Value>& value) {
      EXPECT_THAT(value, IsOk());
      ++answered;
    });
  }
  EXPECT_TRUE(time_.RunUntil([&] { return answered == 100; }));
  EXPECT_EQ(counting->operations(FaultOp::kWrite), before + 1);
  EXPECT_EQ(fake_.connections(), 1u);
}

TEST_F(ClientTest, DeadlineEndsTheCallAndNotTheConnection) {
  Client client = Connect(Options());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.DelayNext(seconds(30));
  const auto start = time_.Now();
  const absl::Status late = Set(client, "k", 2, Within(seconds(3)));
  EXPECT_THAT(late, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(OutcomeOf(late), v1::UNKNOWN);
  EXPECT_EQ(time_.Now() - start, seconds(3));
  // Its answer, when it comes, is nobody's.
  time_.RunFor(seconds(60));
  EXPECT_THAT(Get(client, "k"), IsOkAndHolds(2));
  EXPECT_EQ(fake_.connections(), 1u);
  EXPECT_EQ(fake_.Calls().back().connection, 1);
}

TEST_F(ClientTest, DeadlineIsSentAlong) {
  Client client = Connect(Options());
  ASSERT_THAT(Set(client, "k", 1, Within(milliseconds(1500))), IsOk());
  EXPECT_LE(fake_.Calls().back().request.deadline_ms(), 1500u);
  EXPECT_GT(fake_.Calls().back().request.deadline_ms(), 1000u);
}

TEST_F(ClientTest, CancelledCallCostsNobodyElseAnything) {
  Client client = Connect(Options());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.DelayNext(seconds(5));
  asio::cancellation_signal cancel;
  std::optional<absl::Status> first;
  client.Set("t", "k", 2,
             asio::bind_cancellation_slot(
                 cancel.slot(), [&](absl::Status status) { first = status; }));
  time_.RunReady();
  std::optional<absl::StatusOr<Value>> second;
  client.Get("t", "other",
             [&](absl::StatusOr<Value> given) { second = std::move(given); });
  time_.RunReady();
  cancel.emit(asio::cancellation_type::total);
  time_.RunReady();
  ASSERT_TRUE(first.has_value());
  EXPECT_THAT(*first, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(OutcomeOf(*first), v1::UNKNOWN);
  ASSERT_TRUE(time_.RunUntil([&] { return second.has_value(); }));
  EXPECT_THAT(*second, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(fake_.connections(), 1u);
}

TEST_F(ClientTest, CancelledBeforeItWasSentIsNotSent) {
  Client client = Connect(Options());
  asio::cancellation_signal cancel;
  std::optional<absl::Status> result;
  client.Set("t", "k", 1,
             asio::bind_cancellation_slot(
                 cancel.slot(), [&](absl::Status status) { result = status; }));
  cancel.emit(asio::cancellation_type::terminal);
  ASSERT_TRUE(time_.RunUntil([&] { return result.has_value(); }));
  EXPECT_THAT(*result, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(OutcomeOf(*result), v1::NOT_EXECUTED);
  time_.RunFor(seconds(1));
  EXPECT_TRUE(fake_.Calls().empty());
}

// The server has it wait for the call before it, and has not started it when it
// is told that nobody wants it: its place among the calls in flight is free
// again, however often that happens.
TEST_F(ClientTest, CancelledAtTheServerItIsNotExecutedAndFreesItsPlace) {
  ConnectionOptions options = OneAttempt();
  options.calls_in_flight_max = 2;
  Client client = Connect(options);
  for (int i = 1; i <= 3; ++i) {
    fake_.DelayNext(seconds(1));
    std::optional<absl::Status> slow;
    client.Set("t", "k", i, [&](absl::Status status) { slow = status; });
    time_.RunReady();
    asio::cancellation_signal cancel;
    std::optional<absl::Status> cancelled;
    client.Set(
        "t", "k", 100,
        asio::bind_cancellation_slot(
            cancel.slot(), [&](absl::Status status) { cancelled = status; }));
    time_.RunReady();
    cancel.emit(asio::cancellation_type::terminal);
    time_.RunReady();
    ASSERT_TRUE(cancelled.has_value());
    EXPECT_THAT(*cancelled, StatusIs(absl::StatusCode::kCancelled));
    EXPECT_EQ(OutcomeOf(*cancelled), v1::UNKNOWN);
    ASSERT_TRUE(time_.RunUntil([&] { return slow.has_value(); }));
    EXPECT_THAT(*slow, IsOk());
    time_.RunFor(seconds(1));
    EXPECT_EQ(fake_.Contents()["t"]["k"].integer(), i);
  }
  EXPECT_THAT(Set(client, "k", 4), IsOk());
  EXPECT_EQ(fake_.connections(), 1u);
}

TEST_F(ClientTest, RequestOfTooManyKeysCostsNoConnection) {
  Client client = Connect(OneAttempt());
  const std::vector<std::string> keys((1 << 17) + 1, "k");
  const auto refused = Wait<absl::Status>(
      [&](auto handler) { client.MultiDelete("t", keys, std::move(handler)); });
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted,
                                HasSubstr("request of 131073 keys: the limit "
                                          "of the server is 131072")));
  EXPECT_EQ(OutcomeOf(refused), v1::NOT_EXECUTED);
  v1::CommandRequest publish;
  publish.mutable_publish()->set_topic("news");
  for (int i = 0; i < 600'000; ++i) publish.mutable_publish()->add_data();
  const auto publishing = Wait<absl::StatusOr<v1::CommandResponse>>(
      [&](auto handler) { client.Execute(publish, std::move(handler)); });
  EXPECT_THAT(publishing, StatusIs(absl::StatusCode::kResourceExhausted,
                                   HasSubstr("600000 values")));
  EXPECT_THAT(Set(client, "k", 1), IsOk());
  EXPECT_EQ(fake_.Calls().back().connection, 1);
}

// A request that was read from a log, say.
TEST_F(ClientTest, NumbersThatTheCallerHasSetAreNotUsed) {
  for (const bool retries : {false, true}) {
    Client client = Connect(retries ? Options() : OneAttempt());
    v1::CommandRequest request = MakeHset("t", "k", 1);
    request.set_request_id(5);
    request.set_attempt(3);
    int ok = 0;
    for (int i = 0; i < 2; ++i) {
      client.Execute(request,
                     [&](const absl::StatusOr<v1::CommandResponse>& answer) {
                       EXPECT_THAT(answer, IsOk());
                       ++ok;
                     });
    }
    ASSERT_TRUE(time_.RunUntil([&] { return ok == 2; }));
    const auto& calls = fake_.Calls();
    EXPECT_NE(calls[calls.size() - 2].request.request_id(),
              calls.back().request.request_id());
    EXPECT_EQ(calls.back().request.attempt(), 0u);
  }
}

TEST_F(ClientTest, WhatHasNoAnswerIsNoCall) {
  Client client = Connect(Options());
  v1::CommandRequest cancel, credit;
  cancel.mutable_cancel()->set_request_id(1);
  credit.mutable_grant_credit()->set_credit(1);
  for (const auto& request : {cancel, credit}) {
    const auto refused = Wait<absl::StatusOr<v1::CommandResponse>>(
        [&](auto handler) { client.Execute(request, std::move(handler)); });
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST_F(ClientTest, ServerThatIsDownIsWaitedForAndNamed) {
  fake_.Refuse(true);
  Client client = Connect(Options());
  const auto start = time_.Now();
  const absl::Status status = Set(client, "k", 1, Within(seconds(2)));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDeadlineExceeded,
                               HasSubstr("not connected")));
  EXPECT_EQ(OutcomeOf(status), v1::NOT_EXECUTED);
  EXPECT_EQ(time_.Now() - start, seconds(2));

  std::optional<absl::Status> later;
  client.Set("t", "k", 2, Within(seconds(60)),
             [&](absl::Status given) { later = given; });
  time_.RunFor(seconds(5));
  EXPECT_FALSE(later.has_value());
  fake_.Refuse(false);
  ASSERT_TRUE(time_.RunUntil([&] { return later.has_value(); }));
  EXPECT_THAT(*later, IsOk());
}

TEST_F(ClientTest, FailsFastIfTold) {
  fake_.Refuse(true);
  ConnectionOptions options = OneAttempt();
  options.fail_fast = true;
  Client client = Connect(options);
  const auto start = time_.Now();
  EXPECT_THAT(Set(client, "k", 1), StatusIs(absl::StatusCode::kUnavailable,
                                            HasSubstr("not connected")));
  EXPECT_THAT(Set(client, "k", 1), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_LT(time_.Now() - start, seconds(1));
}

TEST_F(ClientTest, ComesBackAfterTheConnectionIsLost) {
  Client client = Connect(OneAttempt());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  for (int i = 0; i < 5; ++i) {
    fake_.DropConnections();
    ASSERT_THAT(Get(client, "k"), IsOkAndHolds(1)) << i;
  }
  EXPECT_EQ(fake_.connections(), 1u);
}

TEST_F(ClientTest, LostAnswerOfAWriteIsUnknownWithoutRetries) {
  Client client = Connect(OneAttempt());
  fake_.DropAnswer();
  const absl::Status lost = Set(client, "k", 1);
  EXPECT_THAT(lost, StatusIs(absl::StatusCode::kUnavailable,
                             HasSubstr("connection lost")));
  EXPECT_EQ(OutcomeOf(lost), v1::UNKNOWN);
  fake_.DropAnswer();
  const auto read = Get(client, "k");
  EXPECT_THAT(read, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(OutcomeOf(read.status()), v1::NOT_EXECUTED) << "a read";
}

TEST_F(ClientTest, RetriedReadAfterLostConnection) {
  Client client = Connect(Options());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.DropRequest();
  EXPECT_THAT(Get(client, "k"), IsOkAndHolds(1));
}

TEST_F(ClientTest, RefusedCallIsRetriedUnlessItCannotHelp) {
  Client client = Connect(Options());
  fake_.FailNext(absl::UnavailableError("busy"));
  fake_.FailNext(absl::UnavailableError("busy"));
  EXPECT_THAT(Set(client, "k", 1), IsOk());
  EXPECT_EQ(fake_.Calls().size(), 3u);
  fake_.FailNext(absl::InvalidArgumentError("never"));
  EXPECT_THAT(Set(client, "k", 1),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(fake_.Calls().size(), 4u);
}

TEST_F(ClientTest, RetriesEndWithTheLastAnswer) {
  Client client = Connect(Options());
  for (int i = 0; i < 3; ++i) fake_.FailNext(absl::UnavailableError("busy"));
  EXPECT_THAT(Set(client, "k", 1),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("busy")));
  EXPECT_EQ(fake_.Calls().size(), 3u);
}

TEST_F(ClientTest, RetriesDoNotPassTheDeadline) {
  ConnectionOptions options = Options();
  options.retry = std::make_shared<UntilDeadline>();
  options.backoff =
      std::make_shared<ExponentialBackoff>(seconds(1), seconds(1));
  Client client = Connect(options);
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  for (int i = 0; i < 50; ++i) {
    fake_.FailNext(absl::UnavailableError("busy"),
                   Is(v1::CommandRequest::kHget));
  }
  const auto start = time_.Now();
  EXPECT_THAT(Get(client, "k", Within(seconds(5))),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_LE(time_.Now() - start, seconds(5));
  EXPECT_GT(fake_.Calls().size(), 4u);
  // Those that were not called for.
  while (Get(client, "k").status().code() == absl::StatusCode::kUnavailable) {
  }
}

TEST_F(ClientTest, SlowAnswerIsNoDeadServer) {
  ConnectionOptions options = OneAttempt();
  options.ping_interval = seconds(2);
  options.call_timeout = seconds(60);
  Client client = Connect(options);
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.DelayNext(seconds(10));
  EXPECT_THAT(Get(client, "k"), IsOkAndHolds(1));
  EXPECT_EQ(fake_.Calls().back().connection, 1);
  time_.RunFor(seconds(60));
  EXPECT_EQ(fake_.connections(), 1u);
}

TEST_F(ClientTest, SilentServerIsFoundWithinTwoIntervals) {
  std::shared_ptr<FaultInjector> silent;
  fake_.WrapDialed([&](MemoryPipe pipe) {
    FaultPlan plan;
    // Hello, and its answer; after that nothing is heard of the server.
    if (silent == nullptr) plan.StallAt(FaultOp::kRead, 2);
    auto injector = std::make_shared<FaultInjector>(plan);
    if (silent == nullptr) silent = injector;
    return AnyStream(FaultStream(std::move(pipe), injector));
  });
  ConnectionOptions options = OneAttempt();
  options.ping_interval = seconds(2);
  options.call_timeout = seconds(60);
  Client client = Connect(options);
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  time_.RunReady();
  const auto start = time_.Now();
  const auto read = Get(client, "k");
  EXPECT_THAT(read, StatusIs(absl::StatusCode::kUnavailable,
                             HasSubstr("no answer to a ping")));
  EXPECT_LE(time_.Now() - start, seconds(4));
  EXPECT_THAT(Get(client, "k"), IsOkAndHolds(1)) << "on a new connection";
}

TEST_F(ClientTest, FailsOverToTheServerThatIsThere) {
  FakeServer other(time_.get_executor(), {.clock = &time_.clock()});
  fake_.Refuse(true);
  Client client(MakeConnection(
      time_.get_executor(), {DialerOf(fake_), DialerOf(other)}, OneAttempt()));
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  EXPECT_EQ(other.connections(), 1u);
  fake_.Refuse(false);
  other.Refuse(true);
  other.DropConnections();
  EXPECT_THAT(Set(client, "k", 2), IsOk());
  EXPECT_EQ(fake_.connections(), 1u);
  client = Connect(OneAttempt());
  time_.RunFor(seconds(2));
}

TEST_F(ClientTest, OlderServerIsSpokenToInItsProtocol) {
  ConnectionOptions options = OneAttempt();
  options.say_hello = false;
  Client client = Connect(options);
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) {
    client.Set("t", absl::StrCat(i), i,
               [&order, i](const absl::Status& status) {
                 EXPECT_THAT(status, IsOk());
                 order.push_back(i);
               });
  }
  ASSERT_TRUE(time_.RunUntil([&] { return order.size() == 5; }));
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4));
  for (const auto& call : fake_.Calls()) {
    EXPECT_EQ(call.request.request_id(), 0u);
    EXPECT_EQ(call.request.deadline_ms(), 0u);
  }
}

TEST_F(ClientTest, BeyondTheFlightCallsWaitOrAreRefused) {
  for (const bool refuse : {false, true}) {
    ConnectionOptions options = OneAttempt();
    options.calls_in_flight_max = 3;
    if (refuse) options.when_full = ConnectionOptions::WhenFull::kRefuse;
    Client client = Connect(options);
    int ok = 0, refused = 0;
    for (int i = 0; i < 10; ++i) {
      client.Set("t", "k", i, [&](const absl::Status& status) {
        ++(status.ok() ? ok : refused);
        if (!status.ok()) {
          EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                                       HasSubstr("limit of the connection")));
          EXPECT_EQ(OutcomeOf(status), v1::NOT_EXECUTED);
        }
      });
    }
    ASSERT_TRUE(time_.RunUntil([&] { return ok + refused == 10; }));
    EXPECT_EQ(ok, refuse ? 3 : 10);
  }
}

TEST_F(ClientTest, DestroyedItCancelsWhatIsPending) {
  std::vector<absl::Status> results;
  {
    Client client = Connect(Options());
    ASSERT_THAT(Set(client, "k", 1), IsOk());
    fake_.DelayNext(seconds(5));
    for (int i = 0; i < 3; ++i) {
      client.Set("t", "k", i, [&](absl::Status status) {
        results.push_back(std::move(status));
      });
      if (i == 0) time_.RunReady();
    }
  }
  time_.RunReady();
  ASSERT_EQ(results.size(), 3u);
  for (const absl::Status& status : results) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kCancelled));
  }
  time_.RunFor(seconds(10));
  EXPECT_EQ(fake_.connections(), 0u);
}

TEST_F(ClientTest, CloseWaitsForTheCallsUnderWay) {
  Client client = Connect(Options());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.DelayNext(seconds(5));
  std::optional<absl::Status> set, closed;
  client.Set("t", "k", 2, [&](absl::Status status) { set = status; });
  client.Close([&](absl::Status status) {
    EXPECT_TRUE(set.has_value());
    closed = status;
  });
  EXPECT_TRUE(time_.RunUntil([&] { return closed.has_value(); }));
  EXPECT_THAT(*set, IsOk());
  time_.RunFor(seconds(2));
  EXPECT_EQ(fake_.connections(), 0u);
}

TEST_F(ClientTest, NamesThatAreNotUtf8AreRefusedAndCostNothing) {
  Client client = Connect(Options());
  EXPECT_THAT(Set(client, "\xff", 1),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Set(client, "k", 1), IsOk());
  EXPECT_EQ(fake_.connections(), 1u);
}

// A call of the user's coroutine, which keeps the client, is pending when the
// context goes: nothing is left behind, which the address sanitizer sees.
TEST(ClientAndContextTest, GoTogether) {
  VirtualTime time;
  auto fake = std::make_unique<FakeServer>(
      time.get_executor(),
      coffer_testing::FakeServerOptions{.clock = &time.clock(),
                                        .pipe = {.fail_if_abandoned = false}});
  ConnectionOptions options;
  options.clock = &time.clock();
  Client client(MakeConnection(time.get_executor(), DialerOf(*fake), options));
  const auto call = [](Client mine) -> asio::awaitable<void> {
    co_await mine.Get("t", "k");
    ADD_FAILURE() << "completed";
  };
  fake->DelayNext(seconds(5));
  asio::co_spawn(time.io(), call(client), asio::detached);
  time.RunReady();
  client = Client(nullptr);
}

}  // namespace
}  // namespace coffer
