// How to test code that takes a coffer::Client: with a MockConnection in place
// of the server. docs/sdk.md shows parts of this.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdint>
#include <future>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/mocks/call_sequencer.h"
#include "coffer/sdk/mocks/make_answer.h"
#include "coffer/sdk/mocks/mock_connection.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using coffer_testing::CallSequencer;
using coffer_testing::EqualsProto;
using coffer_testing::IsOkAndHolds;
using coffer_testing::MakeAnswer;
using coffer_testing::MakeErrorAnswer;
using coffer_testing::MockConnection;
using coffer_testing::StatusIs;
using ::testing::_;
using ::testing::StrictMock;

// [code_under_test]
// Where a user is greeted, or the default place.
asio::awaitable<absl::StatusOr<std::string>> City(coffer::Client client,
                                                  std::string user) {
  auto city = co_await client.Get<std::string>("cities", user);
  if (absl::IsNotFound(city.status())) co_return "Paris";
  co_return city;
}
// [/code_under_test]

// [mock]
TEST(City, IsParisForAStranger) {
  asio::io_context io;
  const auto connection =
      std::make_shared<StrictMock<MockConnection>>(io.get_executor());
  EXPECT_CALL(*connection,
              Execute(EqualsProto("hget { table: 'cities' key: 'eve' }"), _, _))
      .WillOnce(connection->Answers(MakeErrorAnswer(404, "no such key")));
  auto city = asio::co_spawn(io, City(coffer::Client(connection), "eve"),
                             asio::use_future);
  io.run();
  EXPECT_THAT(city.get(), IsOkAndHolds("Paris"));
}
// [/mock]

TEST(City, OtherErrorsAreNotHidden) {
  asio::io_context io;
  const auto connection =
      std::make_shared<StrictMock<MockConnection>>(io.get_executor());
  EXPECT_CALL(*connection, Execute)
      .WillOnce(connection->Answers(absl::UnavailableError("lost")));
  auto city = asio::co_spawn(io, City(coffer::Client(connection), "eve"),
                             asio::use_future);
  io.run();
  EXPECT_THAT(city.get(), StatusIs(absl::StatusCode::kUnavailable));
}

// The sum of two counters, which are read at the same time.
asio::awaitable<absl::StatusOr<int64_t>> Sum(coffer::Client client,
                                             std::string a, std::string b) {
  auto reads = asio::experimental::make_parallel_group(
      client.Get<int64_t>("counters", a, asio::deferred),
      client.Get<int64_t>("counters", b, asio::deferred));
  auto [order, first, second] = co_await reads.async_wait(
      asio::experimental::wait_for_all(), asio::use_awaitable);
  if (!first.ok()) co_return first.status();
  if (!second.ok()) co_return second.status();
  co_return *first + *second;
}

// [sequencer]
TEST(Sum, AnswersMayComeInAnyOrder) {
  asio::io_context io;
  const auto connection =
      std::make_shared<StrictMock<MockConnection>>(io.get_executor());
  CallSequencer sequencer(io.get_executor());
  EXPECT_CALL(*connection, Execute).WillRepeatedly(sequencer.Holds());
  auto sum = asio::co_spawn(io, Sum(coffer::Client(connection), "a", "b"),
                            asio::use_future);
  io.poll();
  const auto a = sequencer.Pop();
  const auto b = sequencer.Pop();
  EXPECT_EQ(b.request().hget().key(), "b");
  b.Complete(MakeAnswer(2));
  a.Complete(MakeAnswer(40));
  io.run();
  EXPECT_THAT(sum.get(), IsOkAndHolds(42));
}
// [/sequencer]

}  // namespace
