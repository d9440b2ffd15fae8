// Writes that are sent again, against the window of retries of a server.

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <cstdint>
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
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using coffer_testing::FakeServer;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::StatusIs;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

// Always so long, so that a test knows when the next attempt comes.
class Fixed final : public BackoffPolicy {
 public:
  Clock::Duration Wait(int, std::uint64_t) const override { return seconds(1); }
};

class ClientRetryTest : public ClientFixture {
 protected:
  ConnectionOptions Retrying() {
    ConnectionOptions options = Options();
    options.backoff = std::make_shared<Fixed>();
    options.reconnect_backoff = std::make_shared<ExponentialBackoff>(
        milliseconds(10), milliseconds(10));
    return options;
  }
};

TEST_F(ClientRetryTest, WriteWhoseAnswerIsLostIsAppliedOnce) {
  Client client = Connect(Retrying());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.DropAnswer();
  // Applied twice, the value before would be its own.
  EXPECT_THAT(Swap(client, "k", 2), IsOkAndHolds(Optional(1)));
  EXPECT_THAT(Get(client, "k"), IsOkAndHolds(2));
  const auto& calls = fake_.Calls();
  ASSERT_GE(calls.size(), 3u);
  EXPECT_EQ(calls[1].request.request_id(), calls[2].request.request_id());
  EXPECT_EQ(calls[1].request.attempt(), 0u);
  EXPECT_EQ(calls[2].request.attempt(), 1u);
}

TEST_F(ClientRetryTest, WriteThatNeverArrivedIsAppliedByItsRetry) {
  Client client = Connect(Retrying());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.DropRequest();
  EXPECT_THAT(Swap(client, "k", 2), IsOkAndHolds(Optional(1)));
}

// Its request has its number before the server is first told which numbers were
// used.
TEST_F(ClientRetryTest, CallThatWaitedForTheFirstConnectionIsRetriedToo) {
  fake_.DropRequest();
  Client client = Connect(Retrying());
  EXPECT_THAT(Swap(client, "k", 1), IsOkAndHolds(std::nullopt));
  fake_.DropConnections();
  fake_.DropAnswer();
  EXPECT_THAT(Swap(client, "k", 2), IsOkAndHolds(Optional(1)));
}

TEST_F(ClientRetryTest, LaterWriteIsNotUndoneByARetry) {
  Client client = Connect(Retrying());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.DropAnswer();
  std::optional<absl::Status> first;
  client.Set("t", "k", 2, [&](absl::Status status) { first = status; });
  ASSERT_TRUE(time_.RunUntil([&] { return fake_.connections() == 0; }));
  // Before the retry, by another client.
  Client other = Connect(Retrying());
  ASSERT_THAT(Set(other, "k", 3), IsOk());
  ASSERT_FALSE(first.has_value());
  ASSERT_TRUE(time_.RunUntil([&] { return first.has_value(); }));
  EXPECT_THAT(*first, IsOk());
  EXPECT_THAT(Get(client, "k"), IsOkAndHolds(3));
}

TEST_F(ClientRetryTest, ServerWithoutItsMemoryLeavesTheOutcomeUnknown) {
  Client client = Connect(Retrying());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.DropAnswer();
  std::optional<absl::Status> result;
  client.Set("t", "k", 2, [&](absl::Status status) { result = status; });
  ASSERT_TRUE(time_.RunUntil([&] { return fake_.connections() == 0; }));
  fake_.Restart(FakeServer::Data::kKeepStored);
  Client other = Connect(Retrying());
  ASSERT_THAT(Set(other, "k", 3), IsOk());
  ASSERT_TRUE(time_.RunUntil([&] { return result.has_value(); }));
  EXPECT_FALSE(result->ok());
  EXPECT_EQ(OutcomeOf(*result), v1::UNKNOWN) << *result;
  EXPECT_THAT(Get(client, "k"), IsOkAndHolds(3)) << "applied twice";
  EXPECT_THAT(Set(client, "k", 4), IsOk()) << "new calls are not concerned";
}

TEST_F(ClientRetryTest, OlderServerIsNotSentAWriteAgain) {
  ConnectionOptions options = Retrying();
  options.say_hello = false;
  Client client = Connect(options);
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.DropAnswer();
  const absl::Status lost = Set(client, "k", 2);
  EXPECT_THAT(lost, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(OutcomeOf(lost), v1::UNKNOWN);
  EXPECT_EQ(fake_.Calls().size(), 2u);
  fake_.DropAnswer();
  EXPECT_THAT(Get(client, "k"), IsOkAndHolds(2)) << "a read is";
}

TEST_F(ClientRetryTest, AlwaysIdempotentIsTheUsersWord) {
  ConnectionOptions options = Retrying();
  options.say_hello = false;
  Client client = Connect(options);
  fake_.DropAnswer();
  CallOptions call;
  call.idempotency = std::make_shared<AlwaysIdempotent>();
  EXPECT_THAT(Set(client, "k", 2, call), IsOk());
  ASSERT_EQ(fake_.Calls().size(), 2u);
  EXPECT_EQ(fake_.Calls()[1].request.SerializeAsString(),
            fake_.Calls()[0].request.SerializeAsString())
      << "nothing that an older server does not know";
}

// What the last attempt says of itself is not what is known of the call.
TEST_F(ClientRetryTest, RefusalAfterALostAnswerLeavesTheOutcomeUnknown) {
  ConnectionOptions options = Retrying();
  options.retry = std::make_shared<LimitedAttempts>(2);
  Client client = Connect(options);
  fake_.DropAnswer();
  fake_.FailNext(absl::UnavailableError("busy"));
  const auto answer =
      Wait<absl::StatusOr<v1::CommandResponse>>([&](auto handler) {
        client.Execute(MakeHset("t", "k", 2), std::move(handler));
      });
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->status(), 503u);
  EXPECT_EQ(answer->outcome(), v1::UNKNOWN);
}

TEST_F(ClientRetryTest, DestroyedBetweenAttemptsItIsCancelledAtOnce) {
  std::optional<absl::Status> result;
  const auto start = time_.Now();
  {
    Client client = Connect(Retrying());
    ASSERT_THAT(Set(client, "k", 1), IsOk());
    fake_.FailNext(absl::UnavailableError("busy"));
    client.Set("t", "k", 2, [&](absl::Status status) { result = status; });
    time_.RunReady();
    EXPECT_FALSE(result.has_value());
  }
  time_.RunReady();
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(*result, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_LT(time_.Now() - start, seconds(1));
}

TEST_F(ClientRetryTest, CancelledBetweenAttempts) {
  Client client = Connect(Retrying());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.FailNext(absl::UnavailableError("busy"));
  boost::asio::cancellation_signal cancel;
  std::optional<absl::Status> result;
  client.Set("t", "k", 2,
             boost::asio::bind_cancellation_slot(
                 cancel.slot(), [&](absl::Status status) { result = status; }));
  time_.RunReady();
  cancel.emit(boost::asio::cancellation_type::partial);
  time_.RunReady();
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(*result, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(fake_.Calls().size(), 2u);
}

// As if the connection had never been lost.
TEST_F(ClientRetryTest, LostWritesKeepTheirOrder) {
  Client client = Connect(Retrying());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.DropRequest();
  std::vector<std::int64_t> before;
  const auto swap = [&](std::int64_t value) {
    client.GetAndSet<std::int64_t>(
        "t", "k", value,
        [&](const absl::StatusOr<std::optional<std::int64_t>>& given) {
          ASSERT_THAT(given, IsOkAndHolds(Optional(::testing::_)));
          before.push_back(**given);
        });
  };
  swap(2);
  swap(3);
  swap(4);
  ASSERT_TRUE(time_.RunUntil([&] { return fake_.connections() == 0; }));
  swap(5);  // waits for a connection, and was never sent
  ASSERT_TRUE(time_.RunUntil([&] { return before.size() == 4; }));
  EXPECT_THAT(before, ElementsAre(1, 2, 3, 4));
}

// Each server knows what itself has executed.
TEST_F(ClientRetryTest, AnotherServerIsNotSentAWriteAgain) {
  FakeServer other(time_.get_executor(), {.clock = &time_.clock()});
  other.Restart(FakeServer::Data::kLose);  // an epoch of its own
  Client client(MakeConnection(time_.get_executor(),
                               {DialerOf(fake_), DialerOf(other)}, Retrying()));
  ASSERT_THAT(Set(client, "k", 1), IsOk());  // so that it knows the client
  fake_.Refuse(true);
  fake_.DropConnections();
  ASSERT_THAT(Set(client, "k", 2), IsOk());
  ASSERT_EQ(other.Contents()["t"]["k"].integer(), 2);
  other.DropAnswer();
  std::optional<absl::Status> result;
  client.Set("t", "k", 3, [&](absl::Status status) { result = status; });
  ASSERT_TRUE(time_.RunUntil([&] { return other.connections() == 0; }));
  other.Refuse(true);
  fake_.Refuse(false);
  ASSERT_TRUE(time_.RunUntil([&] { return result.has_value(); }));
  EXPECT_THAT(*result, StatusIs(absl::StatusCode::kUnavailable,
                                HasSubstr("not sent again")));
  EXPECT_EQ(OutcomeOf(*result), v1::UNKNOWN);
  EXPECT_EQ(fake_.Contents()["t"]["k"].integer(), 1);
  client = Client(nullptr);
  time_.RunFor(seconds(2));
}

TEST_F(ClientRetryTest, CloseWaitsForACallBetweenAttempts) {
  Client client = Connect(Retrying());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.FailNext(absl::UnavailableError("busy"));
  std::optional<absl::Status> set, late, closed;
  client.Set("t", "k", 2, [&](absl::Status status) { set = status; });
  time_.RunReady();
  client.Close([&](absl::Status status) { closed = status; });
  time_.RunReady();
  client.Set("t", "k", 3, [&](absl::Status status) { late = status; });
  time_.RunReady();
  ASSERT_TRUE(late.has_value());
  EXPECT_THAT(*late, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_FALSE(set.has_value());
  EXPECT_FALSE(closed.has_value());
  ASSERT_TRUE(time_.RunUntil([&] { return closed.has_value(); }));
  EXPECT_THAT(*closed, IsOk());
  ASSERT_TRUE(set.has_value());
  EXPECT_THAT(*set, IsOk());
  EXPECT_EQ(fake_.Contents()["t"]["k"].integer(), 2);
}

TEST_F(ClientRetryTest, CloseThatIsCancelledGivesUpWhatIsBetweenAttempts) {
  Client client = Connect(Retrying());
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.FailNext(absl::UnavailableError("busy"));
  std::optional<absl::Status> set, closed;
  client.Set("t", "k", 2, [&](absl::Status status) { set = status; });
  time_.RunReady();
  boost::asio::cancellation_signal cancel;
  client.Close(boost::asio::bind_cancellation_slot(
      cancel.slot(), [&](absl::Status status) { closed = status; }));
  time_.RunReady();
  ASSERT_FALSE(closed.has_value());
  cancel.emit(boost::asio::cancellation_type::terminal);
  time_.RunReady();
  ASSERT_TRUE(set.has_value());
  EXPECT_THAT(*set, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_TRUE(closed.has_value());
  EXPECT_EQ(fake_.Contents()["t"]["k"].integer(), 1);
}

TEST_F(ClientRetryTest, CallsBetweenAttemptsAreBoundedToo) {
  ConnectionOptions options = Retrying();
  options.calls_in_flight_max = 1;
  options.calls_queued_max = 2;
  Client client = Connect(options);
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  for (int i = 0; i < 3; ++i) fake_.FailNext(absl::UnavailableError("busy"));
  int ok = 0;
  for (int i = 0; i < 3; ++i) {
    client.Set("t", "k", i, [&](const absl::Status& status) {
      EXPECT_THAT(status, IsOk());
      ++ok;
    });
    time_.RunReady();
  }
  EXPECT_EQ(fake_.Calls().size(), 4u) << "none is queued now, or in flight";
  const absl::Status refused = Set(client, "k", 3);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted,
                                HasSubstr("limit of the client is 3")));
  EXPECT_EQ(OutcomeOf(refused), v1::NOT_EXECUTED);
  ASSERT_TRUE(time_.RunUntil([&] { return ok == 3; }));
  EXPECT_THAT(Set(client, "k", 4), IsOk());

  options.bytes_queued_max = 1000;
  client = Connect(options);
  fake_.DelayNext(seconds(1));
  client.Set("t", "k", std::string(600, 'x'),
             [&](const absl::Status& status) { EXPECT_THAT(status, IsOk()); });
  const absl::Status large = Wait<absl::Status>([&](auto handler) {
    client.Set("t", "k", std::string(600, 'y'), std::move(handler));
  });
  EXPECT_THAT(large, StatusIs(absl::StatusCode::kResourceExhausted,
                              HasSubstr("limit of the client is 1000")));
  EXPECT_THAT(Wait<absl::Status>([&](auto handler) {
                client.Set("t", "other", 1, std::move(handler));
              }),
              IsOk());
}

}  // namespace
}  // namespace coffer
