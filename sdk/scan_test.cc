// Scanner over a CallSequencer: what is asked for when, what is kept, and what
// cancelling and destroying do.

#include "coffer/sdk/scan.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::CallSequencer;
using coffer_testing::EqualsProto;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::MakeEntry;
using coffer_testing::MakeErrorAnswer;
using coffer_testing::MakeStateAnswer;
using coffer_testing::MakeTable;
using coffer_testing::MakeTableAnswer;
using coffer_testing::MockConnection;
using coffer_testing::StatusIs;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::NiceMock;
using ::testing::Not;
using ::testing::Optional;

using NextResult = absl::StatusOr<std::optional<ScanEntry<>>>;
using PageResult = absl::StatusOr<Page<ScanEntry<>>>;

auto HasKey(const char* key) {
  return IsOkAndHolds(Optional(Field(&ScanEntry<>::key, key)));
}
const auto kEnd = IsOkAndHolds(Not(Optional(_)));

class ScanTest : public ::testing::Test {
 protected:
  ScanTest() { ON_CALL(*connection_, Execute).WillByDefault(calls_.Holds()); }

  Scanner Scan(const ScanOptions& options = ScanOptions(),
               CallOptions call = CallOptions()) {
    return Client(connection_).Scan("t", options, std::move(call));
  }
  static ScanOptions WithoutPrefetch() {
    ScanOptions options;
    options.prefetch = false;
    return options;
  }

  void Run() {
    io_.restart();
    io_.poll();
  }
  // The next call is for the page of this cursor, and answered.
  void Serve(const std::string& cursor, CallSequencer::Response with) {
    const CallSequencer::Call call = calls_.Pop();
    EXPECT_TRUE(call.request().has_scan());
    EXPECT_EQ(call.request().scan().cursor(), cursor);
    call.Complete(std::move(with));
    Run();
  }

  // Begins a Next, whose result comes to `result`.
  void Next(Scanner& scanner, std::optional<NextResult>* result,
            asio::cancellation_slot slot = {}) {
    result->reset();
    scanner.Next(asio::bind_cancellation_slot(slot, [result](NextResult given) {
      EXPECT_FALSE(result->has_value()) << "completed twice";
      *result = std::move(given);
    }));
    EXPECT_FALSE(result->has_value()) << "inside the call";
    Run();
  }
  // Of an entry that is at hand.
  NextResult Take(Scanner& scanner) {
    std::optional<NextResult> result;
    Next(scanner, &result);
    EXPECT_TRUE(result.has_value()) << "it waits";
    return result.value_or(absl::InternalError("it waits"));
  }

  asio::io_context io_;
  CallSequencer calls_{io_.get_executor()};
  std::shared_ptr<NiceMock<MockConnection>> connection_ =
      std::make_shared<NiceMock<MockConnection>>(io_.get_executor());
};

CommandResponse PageOf(std::initializer_list<const char*> keys,
                       const char* cursor = "") {
  CommandResponse page = MakeStateAnswer({}, cursor);
  for (const char* key : keys) *page.add_states() = MakeEntry(key, 7, key);
  return page;
}

TEST_F(ScanTest, GivesAllEntriesOfAllPagesOnce) {
  Scanner scanner = Scan();
  Run();
  EXPECT_TRUE(calls_.empty()) << "asks for nothing before it is asked";
  std::optional<NextResult> next;
  Next(scanner, &next);
  EXPECT_FALSE(next.has_value());
  Serve("", PageOf({"a", "b"}, "c1"));
  ASSERT_TRUE(next.has_value());
  EXPECT_THAT(*next, HasKey("a"));
  Serve("c1", PageOf({"c"}, "c2"));
  EXPECT_TRUE(calls_.empty()) << "two pages ahead";
  EXPECT_THAT(Take(scanner), HasKey("b"));
  EXPECT_TRUE(calls_.empty()) << "two pages ahead";
  EXPECT_THAT(Take(scanner), HasKey("c"));
  Serve("c2", PageOf({"d"}));
  EXPECT_THAT(Take(scanner), HasKey("d"));
  EXPECT_THAT(Take(scanner), kEnd);
  EXPECT_THAT(Take(scanner), kEnd);
  EXPECT_TRUE(calls_.empty());
}

TEST_F(ScanTest, WithoutPrefetchAPageIsAskedForWhenItIsNeeded) {
  Scanner scanner = Scan(WithoutPrefetch());
  std::optional<NextResult> next;
  Next(scanner, &next);
  Serve("", PageOf({"a"}, "c1"));
  EXPECT_THAT(*next, HasKey("a"));
  EXPECT_TRUE(calls_.empty());
  Next(scanner, &next);
  EXPECT_FALSE(next.has_value());
  Serve("c1", PageOf({"b"}));
  EXPECT_THAT(*next, HasKey("b"));
  EXPECT_THAT(Take(scanner), kEnd);
}

TEST_F(ScanTest, EmptyPagesAreNotTheEnd) {
  Scanner scanner = Scan(WithoutPrefetch());
  std::optional<NextResult> next;
  Next(scanner, &next);
  Serve("", PageOf({}, "c1"));
  EXPECT_FALSE(next.has_value());
  Serve("c1", PageOf({}, "c2"));
  EXPECT_FALSE(next.has_value());
  Serve("c2", PageOf({"a"}, "c3"));
  EXPECT_THAT(*next, HasKey("a"));
  Next(scanner, &next);
  Serve("c3", PageOf({}));
  EXPECT_THAT(*next, kEnd);
}

TEST_F(ScanTest, EachPageIsACallWithTheOptions) {
  CallOptions call;
  call.timeout = std::chrono::milliseconds(7);
  call.trace_context = "trace";
  Scanner scanner = Scan(ScanOptions(), call);
  std::optional<NextResult> next;
  Next(scanner, &next);
  for (const char* cursor : {"c1", ""}) {
    const CallSequencer::Call made = calls_.Pop();
    EXPECT_EQ(made.options().timeout, std::chrono::milliseconds(7));
    EXPECT_EQ(made.options().trace_context, "trace");
    made.Complete(PageOf({"a"}, cursor));
    Run();
  }
}

TEST_F(ScanTest, ErrorIsToldAndThePageAskedForAgain) {
  Scanner scanner = Scan();
  std::optional<NextResult> next;
  Next(scanner, &next);
  Serve("", absl::UnavailableError("lost"));
  EXPECT_THAT(*next, StatusIs(absl::StatusCode::kUnavailable));
  Next(scanner, &next);
  Serve("", MakeErrorAnswer(404, "no"));
  EXPECT_THAT(*next, StatusIs(absl::StatusCode::kNotFound));
  Next(scanner, &next);
  Serve("", MakeStateAnswer({MakeEntry("a", 0, Value())}));
  EXPECT_THAT(*next, StatusIs(absl::StatusCode::kDataLoss));
  Next(scanner, &next);
  Serve("", PageOf({"a"}));
  EXPECT_THAT(*next, HasKey("a"));
}

// Nobody waited for it: whoever needs the page gets it, or its own error.
TEST_F(ScanTest, PrefetchThatFailedIsDoneAgain) {
  Scanner scanner = Scan();
  std::optional<NextResult> next;
  Next(scanner, &next);
  Serve("", PageOf({"a", "b"}, "c1"));
  Serve("c1", absl::UnavailableError("lost"));
  EXPECT_TRUE(calls_.empty()) << "not until it is needed";
  EXPECT_THAT(Take(scanner), HasKey("b"));
  Serve("c1", absl::UnavailableError("lost again"));
  Next(scanner, &next);
  Serve("c1", PageOf({"c"}));
  EXPECT_THAT(*next, HasKey("c"));
}

TEST_F(ScanTest, CancelledNextTakesNothing) {
  Scanner scanner = Scan();
  for (const auto type :
       {asio::cancellation_type::total, asio::cancellation_type::partial,
        asio::cancellation_type::terminal}) {
    std::optional<NextResult> next;
    asio::cancellation_signal cancel;
    Next(scanner, &next, cancel.slot());
    EXPECT_FALSE(next.has_value());
    cancel.emit(type);
    Run();
    ASSERT_TRUE(next.has_value());
    EXPECT_THAT(*next, StatusIs(absl::StatusCode::kCancelled));
  }
  // The page is on its way all the time, and asked for once.
  EXPECT_EQ(calls_.size(), 1u);
  std::optional<NextResult> next;
  Next(scanner, &next);
  Serve("", PageOf({"a"}));
  EXPECT_THAT(*next, HasKey("a"));
}

TEST_F(ScanTest, CancelledNextWaitsForNoOtherOne) {
  Scanner scanner = Scan();
  std::optional<NextResult> next;
  asio::cancellation_signal cancel, late;
  Next(scanner, &next, cancel.slot());
  cancel.emit(asio::cancellation_type::terminal);
  Run();
  std::optional<NextResult> second;
  Next(scanner, &second, late.slot());
  // That of the first comes again.
  cancel.emit(asio::cancellation_type::terminal);
  Run();
  EXPECT_FALSE(second.has_value());
  Serve("", PageOf({"a", "b"}));
  EXPECT_THAT(*second, HasKey("a"));
  late.emit(asio::cancellation_type::terminal);
  Run();
  EXPECT_THAT(Take(scanner), HasKey("b"));
}

TEST_F(ScanTest, PageOfACancelledNextIsKept) {
  Scanner scanner = Scan();
  std::optional<NextResult> next;
  asio::cancellation_signal cancel;
  Next(scanner, &next, cancel.slot());
  cancel.emit(asio::cancellation_type::terminal);
  Run();
  Serve("", PageOf({"a"}, "c1"));
  EXPECT_TRUE(calls_.empty());
  EXPECT_THAT(Take(scanner), HasKey("a"));
  Serve("c1", PageOf({}));
}

TEST_F(ScanTest, DestroyedItCancelsWhatIsUnderWay) {
  std::optional<NextResult> next;
  {
    Scanner scanner = Scan();
    Next(scanner, &next);
    Serve("", PageOf({"a"}, "c1"));
    EXPECT_THAT(*next, HasKey("a"));
    Next(scanner, &next);
    EXPECT_FALSE(next.has_value());
  }
  Run();
  ASSERT_TRUE(next.has_value());
  EXPECT_THAT(*next, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(calls_.cancellations(), 1u);
  EXPECT_EQ(connection_.use_count(), 1);
}

TEST_F(ScanTest, IsMovedWithItsPlace) {
  Scanner first = Scan();
  std::optional<NextResult> next;
  Next(first, &next);
  Serve("", PageOf({"a", "b"}));
  Scanner moved = std::move(first);
  EXPECT_THAT(Take(moved), HasKey("b"));
  Scanner other = Scan();
  Next(other, &next);
  other = std::move(moved);
  Run();
  EXPECT_THAT(*next, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(calls_.cancellations(), 1u);
  EXPECT_THAT(Take(other), kEnd);
}

TEST_F(ScanTest, ValueOfAnotherTypeIsPassedOver) {
  auto scanner = Client(connection_).Scan<std::int64_t>("t");
  using Result = absl::StatusOr<std::optional<ScanEntry<std::int64_t>>>;
  std::vector<Result> results;
  for (int i = 0; i < 3; ++i) {
    scanner.Next([&](Result given) { results.push_back(std::move(given)); });
    Run();
    if (i > 0) continue;
    Serve("", MakeStateAnswer({MakeEntry("a", 7, 1), MakeEntry("b", 7, "x"),
                               MakeEntry("c", 7, Value())}));
  }
  ASSERT_EQ(results.size(), 3u);
  EXPECT_THAT((*results[0])->value, Optional(1));
  EXPECT_THAT(results[1],
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("key b")));
  EXPECT_TRUE((*results[2])->exists());
  EXPECT_EQ((*results[2])->value, std::nullopt);
}

TEST_F(ScanTest, PagesAreTakenWithTheirCursors) {
  Scanner scanner = Scan(WithoutPrefetch());
  std::optional<PageResult> page;
  const auto next_page = [&] {
    page.reset();
    scanner.NextPage([&](PageResult given) { page = std::move(given); });
    Run();
  };
  const auto keys = [&] {
    EXPECT_THAT(*page, IsOk());
    std::vector<std::string> found;
    for (const auto& entry : (*page)->entries) found.push_back(entry.key);
    return found;
  };
  std::optional<NextResult> next;
  Next(scanner, &next);
  Serve("", PageOf({"a", "b", "c"}, "c1"));
  next_page();
  EXPECT_THAT(keys(), ElementsAre("b", "c"));
  EXPECT_EQ((*page)->cursor, "c1");
  next_page();
  Serve("c1", PageOf({}, "c2"));
  Serve("c2", PageOf({"d"}, "c3"));
  EXPECT_THAT(keys(), ElementsAre("d"));
  EXPECT_EQ((*page)->cursor, "c3");
  next_page();
  Serve("c3", PageOf({}));
  EXPECT_THAT(keys(), IsEmpty());
  EXPECT_EQ((*page)->cursor, "");
}

TEST_F(ScanTest, GoesOnFromACursor) {
  ScanOptions options;
  options.cursor = "c7";
  options.keys_only = true;
  options.page_size = 100;
  Scanner scanner = Scan(options);
  std::optional<NextResult> next;
  Next(scanner, &next);
  const CallSequencer::Call call = calls_.Pop();
  EXPECT_THAT(call.request(),
              EqualsProto("scan { table: 't' cursor: 'c7' limit: 100 "
                          "keys_only: true }"));
  call.Complete(PageOf({}));
  Run();
  EXPECT_THAT(*next, kEnd);
}

TEST_F(ScanTest, TablesAreListedTheSameWay) {
  TablesOptions options;
  options.prefix = "u";
  TableScanner scanner = Client(connection_).ListTables(options);
  std::vector<std::string> names;
  bool over = false;
  auto list = [&]() -> asio::awaitable<void> {
    for (;;) {
      absl::StatusOr<std::optional<TableInfo>> table = co_await scanner.Next();
      EXPECT_THAT(table, IsOk());
      if (!table.ok() || !table->has_value()) break;
      names.push_back((*table)->name);
    }
    over = true;
  };
  asio::co_spawn(io_, list, [](std::exception_ptr) {});
  Run();
  for (const char* cursor : {"c1", ""}) {
    const CallSequencer::Call call = calls_.Pop();
    EXPECT_EQ(call.request().list_tables().prefix(), "u");
    call.Complete(
        MakeTableAnswer({MakeTable("u1", 1), MakeTable("u2", 2)}, cursor));
    Run();
  }
  EXPECT_TRUE(over);
  EXPECT_THAT(names, ElementsAre("u1", "u2", "u1", "u2"));
}

// The coroutine holds the scanner, and what waits the coroutine.
TEST(ScanLifeTest, ContextThatIsDestroyedTakesAScanAlong) {
  const auto alive = std::make_shared<int>(0);
  {
    asio::io_context io;
    const auto connection =
        std::make_shared<NiceMock<MockConnection>>(io.get_executor());
    std::vector<Connection::ExecuteHandler> held;
    ON_CALL(*connection, Execute)
        .WillByDefault([&](CommandRequest, CallOptions,
                           Connection::ExecuteHandler handler) {
          held.push_back(std::move(handler));
        });
    auto scan = [](std::shared_ptr<Connection> over,
                   std::shared_ptr<int>) -> asio::awaitable<void> {
      Scanner scanner = Client(std::move(over)).Scan("t");
      co_await scanner.Next();
    };
    asio::co_spawn(io, scan(connection, alive), [](std::exception_ptr) {});
    io.poll();
    EXPECT_EQ(held.size(), 1u);
    EXPECT_EQ(alive.use_count(), 2);
    held.clear();
    io.restart();
    io.poll();
    EXPECT_EQ(alive.use_count(), 1);
  }
}

}  // namespace
}  // namespace coffer
