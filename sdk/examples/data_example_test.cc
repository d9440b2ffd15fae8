// What docs/sdk.md shows of versions, conditions, expiry, counters,
// transactions and scans, compiled and run.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/mocks/make_answer.h"
#include "coffer/sdk/mocks/mock_connection.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using coffer_testing::EqualsProto;
using coffer_testing::FakeServer;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::MakeConflictAnswer;
using coffer_testing::MakeState;
using coffer_testing::MakeStateAnswer;
using coffer_testing::MockConnection;
using coffer_testing::StatusIs;
using coffer_testing::VirtualTime;
using ::testing::_;
using ::testing::ElementsAre;

// [compare_and_set]
// Adds a tag to the text of a page, whoever else does so at the same time.
asio::awaitable<absl::Status> AddTag(coffer::Client client, std::string page,
                                     std::string tag) {
  for (;;) {
    auto seen = co_await client.Read<std::string>("tags", page);
    if (!seen.ok()) co_return seen.status();
    const std::string tags = seen->value.value_or("") + " " + tag;
    auto set = co_await client.CompareAndSet("tags", page, seen->version, tags);
    if (!absl::IsFailedPrecondition(set.status())) co_return set.status();
  }
}
// [/compare_and_set]

// [lock]
// Whether `owner` has the lock now: for ten seconds, unless it renews it.
asio::awaitable<absl::StatusOr<bool>> TakeLock(coffer::Client client,
                                               std::string owner) {
  coffer::PutOptions options;
  options.condition = coffer::IfAbsent();
  options.expiry = coffer::ExpiresAfter(std::chrono::seconds(10));
  auto put = co_await client.Put("locks", "door", owner, options);
  if (put.ok()) co_return true;
  if (!absl::IsFailedPrecondition(put.status())) co_return put.status();
  const std::optional<coffer::KeyState> present =
      coffer::PresentStateOf(put.status());
  co_return present.has_value() && present->value.has_value() &&
      present->value->string() == owner;
}
// [/lock]

// [transfer]
// Moves an amount, if there is enough: nobody sees it in neither account, or
// in both.
asio::awaitable<absl::Status> Transfer(coffer::Client client, std::string from,
                                       std::string to, std::int64_t amount) {
  for (;;) {
    auto has = co_await client.Read<std::int64_t>("accounts", from);
    if (!has.ok()) co_return has.status();
    if (has->value.value_or(0) < amount) {
      co_return absl::FailedPreconditionError("not enough");
    }
    const auto transfer =
        coffer::Transaction()
            .If(coffer::VersionIs("accounts", from, has->version))
            .Then(coffer::op::Increment("accounts", from, -amount),
                  coffer::op::Increment("accounts", to, amount));
    auto done = co_await client.Commit(transfer);
    if (!done.ok()) co_return done.status();
    if (done->held) co_return absl::OkStatus();
  }
}
// [/transfer]

// [write_all]
asio::awaitable<absl::Status> Publish(coffer::Client client,
                                      std::vector<std::string> drafts) {
  std::vector<coffer::Operation<>> moves;
  for (const std::string& draft : drafts) {
    moves.push_back(coffer::op::Remove("drafts", draft));
    moves.push_back(coffer::op::Put("pages", draft, "published"));
  }
  const auto publish = coffer::Transaction().Then(moves);
  auto done = co_await client.Commit(publish);
  co_return done.status();
}
// [/write_all]

// [scan]
// The users whose names begin so, page by page, and two pages in memory.
asio::awaitable<absl::StatusOr<std::int64_t>> SumOfAges(coffer::Client client,
                                                        std::string prefix) {
  coffer::ScanOptions options;
  options.prefix = prefix;
  auto users = client.Scan<std::int64_t>("users", options);
  std::int64_t sum = 0;
  for (;;) {
    auto user = co_await users.Next();
    if (!user.ok()) co_return user.status();
    if (!user->has_value()) co_return sum;  // that was all
    sum += (*user)->value.value_or(0);
  }
}
// [/scan]

// [code_under_mock]
// Takes the number if nobody has it.
asio::awaitable<absl::StatusOr<bool>> Reserve(coffer::Client client,
                                              std::string number) {
  auto put = co_await client.SetIfAbsent("numbers", number, true);
  if (absl::IsFailedPrecondition(put.status())) co_return false;
  if (!put.ok()) co_return put.status();
  co_return true;
}
// [/code_under_mock]

// [mock_conflict]
TEST(Reserve, NumberOfSomebodyElseIsNotTaken) {
  asio::io_context io;
  const auto connection = std::make_shared<MockConnection>(io.get_executor());
  EXPECT_CALL(*connection,
              Execute(EqualsProto("put { table: 'numbers' key: '7' value { "
                                  "bool: true } condition { absent: true } }"),
                      _, _))
      .WillOnce(connection->Answers(MakeConflictAnswer(MakeState(3, true))));
  auto taken = asio::co_spawn(io, Reserve(coffer::Client(connection), "7"),
                              asio::use_future);
  io.run();
  EXPECT_THAT(taken.get(), IsOkAndHolds(false));
}
// [/mock_conflict]

TEST(Reserve, FreeNumberIsTaken) {
  asio::io_context io;
  const auto connection = std::make_shared<MockConnection>(io.get_executor());
  EXPECT_CALL(*connection, Execute)
      .WillOnce(connection->Answers(MakeStateAnswer({MakeState(1)})));
  auto taken = asio::co_spawn(io, Reserve(coffer::Client(connection), "7"),
                              asio::use_future);
  io.run();
  EXPECT_THAT(taken.get(), IsOkAndHolds(true));
}

class DataExampleTest : public ::testing::Test {
 protected:
  // For the connections of clients that are gone to end.
  void TearDown() override { time_.RunFor(std::chrono::seconds(2)); }

  coffer::Client Connect() {
    coffer::ConnectionOptions options;
    options.clock = &time_.clock();
    const std::shared_ptr<coffer::Dialer> dialer(
        std::shared_ptr<coffer::Dialer>(), &fake_.dialer());
    return coffer::Client(
        coffer::MakeConnection(time_.get_executor(), dialer, options));
  }
  template <class T>
  T Run(asio::awaitable<T> coroutine) {
    std::optional<T> result;
    asio::co_spawn(time_.io(), std::move(coroutine),
                   [&](std::exception_ptr, T given) { result = given; });
    EXPECT_TRUE(time_.RunUntil([&] { return result.has_value(); }));
    return *result;
  }
  void Set(coffer::Client& client, std::string table, std::string key,
           std::int64_t value) {
    auto set = client.Set(table, key, value, asio::use_future);
    time_.RunFor(std::chrono::seconds(1));
    EXPECT_THAT(set.get(), IsOk());
  }

  VirtualTime time_;
  FakeServer fake_{time_.get_executor(), {.clock = &time_.clock()}};
};

TEST_F(DataExampleTest, TagsOfSeveralAreAllThere) {
  coffer::Client client = Connect();
  int added = 0;
  for (const char* tag : {"a", "b", "c"}) {
    asio::co_spawn(time_.io(), AddTag(client, "home", tag),
                   [&](std::exception_ptr, absl::Status status) {
                     EXPECT_THAT(status, IsOk());
                     ++added;
                   });
  }
  EXPECT_TRUE(time_.RunUntil([&] { return added == 3; }));
  const std::string tags = fake_.Contents()["tags"]["home"].string();
  EXPECT_EQ(tags.size(), 6u) << tags;
}

TEST_F(DataExampleTest, LockIsOfOne) {
  coffer::Client client = Connect();
  EXPECT_THAT(Run(TakeLock(client, "ada")), IsOkAndHolds(true));
  EXPECT_THAT(Run(TakeLock(client, "bob")), IsOkAndHolds(false));
  EXPECT_THAT(Run(TakeLock(client, "ada")), IsOkAndHolds(true));
  time_.RunFor(std::chrono::seconds(10));
  EXPECT_THAT(Run(TakeLock(client, "bob")), IsOkAndHolds(true));
}

TEST_F(DataExampleTest, TransferMovesTheAmount) {
  coffer::Client client = Connect();
  Set(client, "accounts", "ada", 10);
  EXPECT_THAT(Run(Transfer(client, "ada", "bob", 4)), IsOk());
  EXPECT_THAT(Run(Transfer(client, "ada", "bob", 7)),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(fake_.Contents()["accounts"]["ada"].integer(), 6);
  EXPECT_EQ(fake_.Contents()["accounts"]["bob"].integer(), 4);
}

TEST_F(DataExampleTest, DraftsBecomePages) {
  coffer::Client client = Connect();
  Set(client, "drafts", "a", 1);
  Set(client, "drafts", "b", 2);
  EXPECT_THAT(Run(Publish(client, {"a", "b"})), IsOk());
  EXPECT_EQ(fake_.Contents().count("drafts"), 0u);
  EXPECT_EQ(fake_.Contents()["pages"].size(), 2u);
}

TEST_F(DataExampleTest, ScanSumsUp) {
  coffer::Client client = Connect();
  for (int i = 0; i < 20; ++i) {
    Set(client, "users", absl::StrCat(i % 2 == 0 ? "a" : "b", i), 1);
  }
  EXPECT_THAT(Run(SumOfAges(client, "a")), IsOkAndHolds(10));
  EXPECT_THAT(Run(SumOfAges(client, "")), IsOkAndHolds(20));
}

// [expiry]
asio::awaitable<absl::Status> KeepSession(coffer::Client client,
                                          std::string session) {
  co_return co_await client.ExpireAfter("sessions", session,
                                        std::chrono::minutes(30));
}
// [/expiry]

// [tables]
asio::awaitable<absl::Status> ShowTables(
    coffer::Client client, std::function<void(std::string)> show) {
  coffer::TableScanner tables = client.ListTables();
  for (;;) {
    auto table = co_await tables.Next();
    if (!table.ok()) co_return table.status();
    if (!table->has_value()) co_return absl::OkStatus();
    show(absl::StrCat((*table)->name, ": ", (*table)->keys, " keys"));
  }
}
// [/tables]

TEST_F(DataExampleTest, SessionThatIsNotThere) {
  coffer::Client client = Connect();
  EXPECT_THAT(Run(KeepSession(client, "s")),
              StatusIs(absl::StatusCode::kNotFound));
  Set(client, "sessions", "s", 1);
  EXPECT_THAT(Run(KeepSession(client, "s")), IsOk());
}

TEST_F(DataExampleTest, TablesAreShown) {
  coffer::Client client = Connect();
  Set(client, "users", "ada", 36);
  Set(client, "users", "bob", 36);
  Set(client, "pages", "home", 1);
  std::vector<std::string> shown;
  const auto show = [&](std::string text) { shown.push_back(text); };
  EXPECT_THAT(Run(ShowTables(client, show)), IsOk());
  EXPECT_THAT(shown, ElementsAre("pages: 1 keys", "users: 2 keys"));
}

}  // namespace
