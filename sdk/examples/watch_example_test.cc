// What docs/sdk.md shows of changes of keys, compiled and run.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/mocks/make_answer.h"
#include "coffer/sdk/mocks/mock_connection.h"
#include "coffer/sdk/mocks/mock_event_source.h"
#include "coffer/sdk/table_mirror.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using coffer_testing::EqualsProto;
using coffer_testing::MakeAnswer;
using coffer_testing::MakeChange;
using coffer_testing::MakeGap;
using coffer_testing::MakeSet;
using coffer_testing::MockConnection;
using coffer_testing::MockEventSource;
using coffer_testing::StatusIs;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::NiceMock;
using ::testing::Return;

// [watch]
// Tells of each change of the orders. Stored, `place` lets another process go
// on.
asio::awaitable<absl::Status> FollowOrders(
    coffer::Client client, coffer::EventPosition* place,
    std::function<void(const coffer::Change<std::string>&)> take) {
  coffer::SubscribeOptions options;
  options.GoOnAfter(*place);  // {0, 0}: from now on
  auto orders = co_await client.Watch<std::string>("orders", options);
  if (!orders.ok()) co_return orders.status();
  for (;;) {
    *place = orders->position();
    auto change = co_await orders->Next();
    if (!change.ok()) co_return change.status();
    take(*change);  // kSet, kRemoved, kExpired, ..., or kGap: some are missing
  }
}
// [/watch]

// [mirror]
// Tells how many users there are: now, and whenever it may be another number.
asio::awaitable<absl::Status> CountUsers(
    coffer::Client client, std::function<void(std::size_t)> show) {
  coffer::TableMirror<int64_t> users(client, "users");
  for (;;) {
    auto change = co_await users.Next();
    if (!change.ok()) co_return change.status();
    show(users.entries().size());
  }
}
// [/mirror]

class WatchExampleTest : public ::testing::Test {
 protected:
  absl::Status Run(asio::awaitable<absl::Status> task) {
    auto status = asio::co_spawn(io_, std::move(task), asio::use_future);
    io_.run();
    return status.get();
  }

  asio::io_context io_;
  std::shared_ptr<NiceMock<MockConnection>> mock_ =
      std::make_shared<NiceMock<MockConnection>>(io_.get_executor());
};

TEST_F(WatchExampleTest, PlaceIsThatOfTheLastChange) {
  auto orders = std::make_unique<NiceMock<MockEventSource>>(io_.get_executor());
  EXPECT_CALL(*orders, Next)
      .WillOnce(orders->Gives(MakeSet(5, "17", 8, "paid")))
      .WillOnce(orders->Gives(MakeGap(9)))
      .WillOnce(orders->Gives(absl::CancelledError("enough")));
  EXPECT_CALL(*orders, position)
      .WillOnce(Return(coffer::EventPosition{1, 4}))
      .WillOnce(Return(coffer::EventPosition{1, 5}))
      .WillOnce(Return(coffer::EventPosition{1, 9}));
  EXPECT_CALL(
      *mock_,
      Watch(EqualsProto("table: 'orders' all: true"),
            ::testing::Field(&coffer::SubscribeOptions::after_sequence, 3), _))
      .WillOnce(mock_->Opens(std::move(orders)));
  coffer::EventPosition place{1, 3};
  std::vector<coffer::ChangeKind> kinds;
  EXPECT_THAT(Run(FollowOrders(coffer::Client(mock_), &place,
                               [&](const coffer::Change<std::string>& change) {
                                 kinds.push_back(change.kind);
                               })),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(kinds,
              ElementsAre(coffer::ChangeKind::kSet, coffer::ChangeKind::kGap));
  EXPECT_EQ(place, (coffer::EventPosition{1, 9}));
}

TEST_F(WatchExampleTest, UsersAreCounted) {
  auto users = std::make_unique<NiceMock<MockEventSource>>(io_.get_executor());
  EXPECT_CALL(*users, Next)
      .WillOnce(users->Waits())  // while the table is read
      .WillOnce(users->Gives(MakeSet(5, "ada", 8, 36)))
      .WillOnce(users->Gives(MakeSet(6, "bob", 9, 40)))
      .WillOnce(
          users->Gives(MakeChange(7, coffer::v1::Change::REMOVED, "ada", 10)))
      .WillOnce(users->Gives(absl::CancelledError("enough")));
  EXPECT_CALL(*mock_, Watch).WillOnce(mock_->Opens(std::move(users)));
  EXPECT_CALL(*mock_, Execute(EqualsProto("scan { table: 'users' }"), _, _))
      .WillOnce(mock_->Answers(MakeAnswer()));
  std::vector<std::size_t> shown;
  EXPECT_THAT(Run(CountUsers(
                  coffer::Client(mock_),
                  [&](std::size_t users_now) { shown.push_back(users_now); })),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(shown, ElementsAre(0, 1, 2, 1));
}

}  // namespace
