// Writes that are sent again, against the window of retries of a server.

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/client_test_util.h"
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

}  // namespace
}  // namespace coffer
