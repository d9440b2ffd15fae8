// The data commands of Client, over a MockConnection: the requests they make,
// and what they make of answers, also of those that make no sense.

#include "coffer/sdk/data_calls.h"

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/mocks/make_answer.h"
#include "coffer/sdk/mocks/mock_connection.h"
#include "coffer/sdk/status/outcome.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::EqualsProto;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::MakeAnswer;
using coffer_testing::MakeConflictAnswer;
using coffer_testing::MakeEntry;
using coffer_testing::MakeErrorAnswer;
using coffer_testing::MakeState;
using coffer_testing::MakeStateAnswer;
using coffer_testing::MakeTable;
using coffer_testing::MakeTableAnswer;
using coffer_testing::MakeTransactionAnswer;
using coffer_testing::MockConnection;
using coffer_testing::StatusIs;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::StrictMock;

constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class DataCallsTest : public ::testing::Test {
 protected:
  // The next request is that, and is answered so.
  void Expect(const std::string& request,
              absl::StatusOr<CommandResponse> with) {
    EXPECT_CALL(*connection_, Execute(EqualsProto(request), _, _))
        .WillOnce(connection_->Answers(std::move(with)));
  }
  void Answer(absl::StatusOr<CommandResponse> with) {
    EXPECT_CALL(*connection_, Execute)
        .WillOnce(connection_->Answers(std::move(with)));
  }

  // `start` is given a handler for a Result.
  template <class Result, class Start>
  Result Wait(Start start) {
    std::optional<Result> result;
    start([&](Result given) { result.emplace(std::move(given)); });
    io_.restart();
    io_.run();
    EXPECT_TRUE(result.has_value());
    return result.has_value() ? *std::move(result)
                              : Result(absl::InternalError("no result"));
  }
  template <class T>
  absl::StatusOr<Versioned<T>> Read() {
    return Wait<absl::StatusOr<Versioned<T>>>(
        [&](auto handler) { client_.Read<T>("t", "k", std::move(handler)); });
  }
  absl::StatusOr<PutResult> Put(const PutOptions& options = PutOptions()) {
    return Wait<absl::StatusOr<PutResult>>([&](auto handler) {
      client_.Put("t", "k", 1, options, std::move(handler));
    });
  }
  absl::StatusOr<Page<ScanEntry<std::int64_t>>> ScanPage(
      const ScanOptions& options) {
    return Wait<absl::StatusOr<Page<ScanEntry<std::int64_t>>>>(
        [&](auto handler) {
          client_.ScanPage<std::int64_t>("t", options, std::move(handler));
        });
  }
  template <class T, class E>
  auto Commit(const Transaction<T, E>& transaction) {
    return Wait<absl::StatusOr<typename Transaction<T, E>::Result>>(
        [&](auto handler) { client_.Commit(transaction, std::move(handler)); });
  }

  asio::io_context io_;
  std::shared_ptr<StrictMock<MockConnection>> connection_ =
      std::make_shared<StrictMock<MockConnection>>(io_.get_executor());
  Client client_{connection_};
};

TEST_F(DataCallsTest, OlderWritesAskForNothingBack) {
  const auto status = [&](auto start) { return Wait<absl::Status>(start); };
  Expect(
      "hset { table: 't' pair { key: 'k' value { integer: 1 } } "
      "no_previous: true }",
      MakeAnswer());
  EXPECT_THAT(status([&](auto h) { client_.Set("t", "k", 1, std::move(h)); }),
              IsOk());
  Expect(
      "hmset { table: 't' pairs { key: 'k' value { integer: 1 } } "
      "no_previous: true }",
      MakeAnswer());
  EXPECT_THAT(status([&](auto h) {
                client_.MultiSet("t", {{"k", 1}}, std::move(h));
              }),
              IsOk());
  Expect("hdel { table: 't' key: 'k' no_previous: true }", MakeAnswer());
  EXPECT_THAT(status([&](auto h) { client_.Delete("t", "k", std::move(h)); }),
              IsOk());
  Expect("hmdel { table: 't' keys: 'k' no_previous: true }", MakeAnswer());
  EXPECT_THAT(
      status([&](auto h) { client_.MultiDelete("t", {"k"}, std::move(h)); }),
      IsOk());
  using Previous = absl::StatusOr<std::optional<std::int64_t>>;
  Expect("hset { table: 't' pair { key: 'k' value { integer: 1 } } }",
         MakeAnswer(5));
  EXPECT_THAT(Wait<Previous>([&](auto h) {
                client_.GetAndSet<std::int64_t>("t", "k", 1, std::move(h));
              }),
              IsOkAndHolds(Optional(5)));
  Expect("hdel { table: 't' key: 'k' }", MakeAnswer(1));
  EXPECT_THAT(Wait<Previous>([&](auto h) {
                client_.GetAndDelete<std::int64_t>("t", "k", std::move(h));
              }),
              IsOkAndHolds(Optional(1)));
}

TEST_F(DataCallsTest, ReadTellsVersionValueAndExpiry) {
  v1::KeyState state = MakeState(7, 36);
  state.set_expires_at_ms(1000);
  state.set_expires_in_ms(250);
  Expect("read { table: 't' keys: 'k' }", MakeStateAnswer({state}));
  const auto read = Read<std::int64_t>();
  ASSERT_THAT(read, IsOk());
  EXPECT_TRUE(read->exists());
  EXPECT_EQ(read->version, 7u);
  EXPECT_THAT(read->value, Optional(36));
  EXPECT_THAT(read->expires_at, Optional(absl::FromUnixMillis(1000)));
  EXPECT_THAT(read->expires_in, Optional(milliseconds(250)));
}

TEST_F(DataCallsTest, ReadTellsAnAbsentKeyFromAnEmptyValue) {
  Answer(MakeStateAnswer({MakeState(0)}));
  const auto absent = Read<Value>();
  ASSERT_THAT(absent, IsOk());
  EXPECT_FALSE(absent->exists());
  EXPECT_EQ(absent->value, std::nullopt);
  EXPECT_EQ(absent->expires_at, std::nullopt);
  Answer(MakeStateAnswer({MakeState(7, Value())}));
  const auto empty = Read<std::int64_t>();
  ASSERT_THAT(empty, IsOk());
  EXPECT_TRUE(empty->exists());
  EXPECT_EQ(empty->value, std::nullopt);
}

TEST_F(DataCallsTest, ReadOfWhatMakesNoSenseIsAnError) {
  Answer(MakeStateAnswer({MakeState(7, "x")}));
  EXPECT_THAT(Read<std::int64_t>(), StatusIs(kInvalid, HasSubstr("text")));
  Answer(MakeStateAnswer({MakeState(0, 1)}));
  EXPECT_THAT(Read<std::int64_t>(), StatusIs(kDataLoss));
  Answer(MakeStateAnswer({}));
  EXPECT_THAT(Read<std::int64_t>(), StatusIs(kDataLoss, HasSubstr("0 states")));
  Answer(MakeAnswer(36));
  EXPECT_THAT(Read<std::int64_t>(), StatusIs(kDataLoss));
  Answer(MakeErrorAnswer(503, "busy"));
  EXPECT_THAT(Read<std::int64_t>(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(DataCallsTest, MultiReadIsInTheOrderOfTheKeys) {
  Expect("read { table: 't' keys: 'a' keys: 'b' }",
         MakeStateAnswer({MakeState(7, "x"), MakeState(0)}));
  using Results = absl::StatusOr<std::vector<Versioned<std::string>>>;
  const auto read = Wait<Results>([&](auto handler) {
    client_.MultiRead<std::string>("t", {"a", "b"}, std::move(handler));
  });
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->size(), 2u);
  EXPECT_THAT((*read)[0].value, Optional(std::string("x")));
  EXPECT_FALSE((*read)[1].exists());
  Answer(MakeStateAnswer({MakeState(7, "x")}));
  const std::vector<std::string> keys = {"a", "b"};
  EXPECT_THAT(Wait<Results>([&](auto handler) {
                client_.MultiRead<std::string>("t", keys, std::move(handler));
              }),
              StatusIs(kDataLoss, HasSubstr("1 states instead of 2")));
}

TEST_F(DataCallsTest, PutSendsItsOptions) {
  PutOptions options;
  options.condition = IfVersion(7);
  options.expiry = ExpiresAfter(nanoseconds(1500001));
  options.want_previous = true;
  v1::KeyState state = MakeState(8);
  state.set_expires_at_ms(5000);
  *state.mutable_previous() = MakeState(7, "before");
  Expect(
      "put { table: 't' key: 'k' value { integer: 1 } "
      "condition { version: 7 } expiry { after_ms: 2 } "
      "want_previous: true }",
      MakeStateAnswer({state}));
  const auto put = Put(options);
  ASSERT_THAT(put, IsOk());
  EXPECT_EQ(put->version, 8u);
  EXPECT_THAT(put->expires_at, Optional(absl::FromUnixMillis(5000)));
  ASSERT_TRUE(put->previous.has_value());
  EXPECT_EQ(put->previous->version, 7u);
  Expect("put { table: 't' key: 'k' value { integer: 1 } }",
         MakeStateAnswer({MakeState(9)}));
  EXPECT_EQ(Put()->previous, std::nullopt);
}

TEST_F(DataCallsTest, ExpiriesAreInWholeMilliseconds) {
  const auto text = [](const v1::Expiry& expiry) {
    return expiry.ShortDebugString();
  };
  EXPECT_EQ(text(ExpiresAt(absl::FromUnixMicros(1500))), "at_ms: 2");
  EXPECT_EQ(text(ExpiresAt(absl::FromUnixMillis(-5))), "at_ms: 0");
  EXPECT_EQ(text(ExpiresAt(absl::InfinitePast())), "at_ms: 0");
  EXPECT_EQ(text(ExpiresAt(absl::InfiniteFuture())), "never: true");
  EXPECT_EQ(text(ExpiresAfter(milliseconds(-5))), "after_ms: 0");
  EXPECT_EQ(text(ExpiresAfter(Clock::Duration::max())), "never: true");
  EXPECT_EQ(text(KeepsExpiry()), "keep: true");
}

TEST_F(DataCallsTest, WhatExpiresVeryLateIsNoOverflow) {
  v1::KeyState state = MakeState(7, 36);
  state.set_expires_at_ms(std::numeric_limits<std::uint64_t>::max());
  state.set_expires_in_ms(std::numeric_limits<std::uint64_t>::max());
  Answer(MakeStateAnswer({state}));
  const auto read = Read<std::int64_t>();
  ASSERT_THAT(read, IsOk());
  EXPECT_GT(*read->expires_at, absl::FromUnixSeconds(1) + absl::Hours(1e9));
  EXPECT_GT(*read->expires_in, std::chrono::hours(1000000));
}

TEST_F(DataCallsTest, ConditionThatDoesNotHoldTellsHowTheKeyIs) {
  Answer(MakeConflictAnswer(MakeState(8, "eve")));
  const auto put = Put();
  EXPECT_THAT(put, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(OutcomeOf(put.status()), v1::NOT_EXECUTED);
  const absl::Status passed_on = put.status();
  const std::optional<KeyState> present = PresentStateOf(passed_on);
  ASSERT_TRUE(present.has_value());
  EXPECT_EQ(present->version, 8u);
  EXPECT_EQ(present->value->string(), "eve");
  EXPECT_EQ(PresentStateOf(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(PresentStateOf(absl::FailedPreconditionError("x")), std::nullopt);
}

TEST_F(DataCallsTest, ConvenientWritesHaveTheirConditions) {
  using Result = absl::StatusOr<PutResult>;
  const std::string put = "put { table: 't' key: 'k' value { integer: 1 } ";
  Expect(put + "condition { absent: true } }", MakeStateAnswer({MakeState(1)}));
  EXPECT_THAT(Wait<Result>([&](auto h) {
                client_.SetIfAbsent("t", "k", 1, std::move(h));
              }),
              IsOk());
  Expect(put + "condition { present: true } }",
         MakeStateAnswer({MakeState(1)}));
  EXPECT_THAT(Wait<Result>([&](auto h) {
                client_.SetIfPresent("t", "k", 1, std::move(h));
              }),
              IsOk());
  Expect(put + "condition { version: 0 } }", MakeStateAnswer({MakeState(1)}));
  EXPECT_THAT(Wait<Result>([&](auto h) {
                client_.CompareAndSet("t", "k", 0, 1, std::move(h));
              }),
              IsOk());
  Expect("remove { table: 't' key: 'k' condition { version: 5 } }",
         MakeStateAnswer({MakeState(6)}));
  EXPECT_THAT(Wait<absl::Status>(
                  [&](auto h) { client_.DeleteIf("t", "k", 5, std::move(h)); }),
              IsOk());
}

TEST_F(DataCallsTest, RemoveTellsWhetherThereWasOne) {
  using Result = absl::StatusOr<RemoveResult>;
  RemoveOptions options;
  options.want_previous = true;
  v1::KeyState state = MakeState(9);
  *state.mutable_previous() = MakeState(7, "before");
  Expect("remove { table: 't' key: 'k' want_previous: true }",
         MakeStateAnswer({state}));
  const auto removed = Wait<Result>([&](auto handler) {
    client_.Remove("t", "k", options, std::move(handler));
  });
  ASSERT_THAT(removed, IsOk());
  EXPECT_EQ(removed->version, 9u);
  EXPECT_EQ(removed->previous->value->string(), "before");
  Answer(MakeStateAnswer({MakeState(0)}));
  const auto nothing = Wait<Result>([&](auto handler) {
    client_.Remove("t", "k", RemoveOptions(), std::move(handler));
  });
  ASSERT_THAT(nothing, IsOk());
  EXPECT_EQ(nothing->version, 0u);
}

TEST_F(DataCallsTest, IncrementHasTheTypeOfItsAmount) {
  Expect("increment { table: 't' key: 'k' integer: -2 }",
         MakeStateAnswer({MakeState(7, 40)}));
  EXPECT_THAT(Wait<absl::StatusOr<std::int64_t>>([&](auto handler) {
                client_.Increment("t", "k", -2, std::move(handler));
              }),
              IsOkAndHolds(40));
  Expect("increment { table: 't' key: 'k' float: 0.5 }",
         MakeStateAnswer({MakeState(7, 1.5)}));
  EXPECT_THAT(Wait<absl::StatusOr<double>>([&](auto handler) {
                client_.Increment("t", "k", 0.5, std::move(handler));
              }),
              IsOkAndHolds(1.5));
  // A float cannot be the sum of integers, nor the other way round.
  Answer(MakeStateAnswer({MakeState(7, 1.5)}));
  EXPECT_THAT(Wait<absl::StatusOr<std::int64_t>>([&](auto handler) {
                client_.Increment("t", "k", 1, std::move(handler));
              }),
              StatusIs(kDataLoss));
  Answer(MakeStateAnswer({MakeState(7, 1)}));
  EXPECT_THAT(Wait<absl::StatusOr<double>>([&](auto handler) {
                client_.Increment("t", "k", 1.0, std::move(handler));
              }),
              StatusIs(kDataLoss));
}

TEST_F(DataCallsTest, AppendTellsTheBytes) {
  v1::KeyState state = MakeState(7);
  state.set_value_bytes(12);
  Expect("append { table: 't' key: 'k' value { binary: 'x' } }",
         MakeStateAnswer({state}));
  EXPECT_THAT(Wait<absl::StatusOr<std::uint64_t>>([&](auto handler) {
                client_.Append("t", "k", BytesValue("x"), std::move(handler));
              }),
              IsOkAndHolds(12));
}

TEST_F(DataCallsTest, ExpiryIsChangedAndRead) {
  const std::string expire = "expire { table: 't' key: 'k' expiry ";
  Expect(expire + "{ after_ms: 5 } }", MakeStateAnswer({MakeState(7)}));
  EXPECT_THAT(Wait<absl::Status>([&](auto handler) {
                client_.ExpireAfter("t", "k", milliseconds(5),
                                    std::move(handler));
              }),
              IsOk());
  Expect(expire + "{ at_ms: 9 } }", MakeErrorAnswer(404, "no"));
  EXPECT_THAT(Wait<absl::Status>([&](auto handler) {
                client_.ExpireAt("t", "k", absl::FromUnixMillis(9),
                                 std::move(handler));
              }),
              StatusIs(absl::StatusCode::kNotFound));
  Expect(expire + "{ never: true } }", MakeStateAnswer({MakeState(7)}));
  EXPECT_THAT(Wait<absl::Status>([&](auto handler) {
                client_.Persist("t", "k", std::move(handler));
              }),
              IsOk());
  const auto ttl = [&] {
    return Wait<absl::StatusOr<std::optional<Clock::Duration>>>(
        [&](auto handler) {
          client_.TimeToLive("t", "k", std::move(handler));
        });
  };
  v1::KeyState state = MakeState(7);
  state.set_expires_at_ms(1000);
  state.set_expires_in_ms(250);
  const std::string read = "read { table: 't' keys: 'k' without_values: true }";
  Expect(read, MakeStateAnswer({state}));
  EXPECT_THAT(ttl(), IsOkAndHolds(Optional(milliseconds(250))));
  Expect(read, MakeStateAnswer({MakeState(7)}));
  EXPECT_THAT(ttl(), IsOkAndHolds(std::nullopt));
  Expect(read, MakeStateAnswer({MakeState(0)}));
  EXPECT_THAT(ttl(), StatusIs(absl::StatusCode::kNotFound,
                              HasSubstr("table t, key k")));
}

TEST_F(DataCallsTest, TablesAreCountedDroppedAndRenamed) {
  using Result = absl::StatusOr<TableInfo>;
  Expect("count_keys { table: 't' }", MakeTableAnswer({MakeTable("t", 2, 9)}));
  const auto counted = Wait<Result>(
      [&](auto handler) { client_.CountKeys("t", std::move(handler)); });
  ASSERT_THAT(counted, IsOk());
  EXPECT_EQ(counted->name, "t");
  EXPECT_EQ(counted->keys, 2u);
  EXPECT_EQ(counted->bytes, 9u);
  Expect("drop_table { table: 't' }", MakeErrorAnswer(404, "no"));
  EXPECT_THAT(Wait<Result>([&](auto handler) {
                client_.DropTable("t", std::move(handler));
              }),
              StatusIs(absl::StatusCode::kNotFound));
  Expect("rename_table { table: 't' new_name: 'u' }", MakeTableAnswer({}));
  EXPECT_THAT(Wait<Result>([&](auto handler) {
                client_.RenameTable("t", "u", std::move(handler));
              }),
              StatusIs(kDataLoss, HasSubstr("0 tables")));
}

TEST_F(DataCallsTest, PageOfAScanIsWhatWasAskedFor) {
  ScanOptions options;
  options.prefix = "a";
  options.begin = "ab";
  options.end = "ad";
  options.cursor = "c1";
  options.page_size = 2;
  Expect(
      "scan { table: 't' prefix: 'a' begin: 'ab' end: 'ad' cursor: 'c1' "
      "limit: 2 }",
      MakeStateAnswer({MakeEntry("ab", 7, 1), MakeEntry("acx", 8, 2)}, "c2"));
  const auto page = ScanPage(options);
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->cursor, "c2");
  ASSERT_EQ(page->entries.size(), 2u);
  EXPECT_EQ(page->entries[1].key, "acx");
  EXPECT_EQ(page->entries[1].version, 8u);
  EXPECT_THAT(page->entries[1].value, Optional(2));

  for (const char* key : {"b", "aa", "ad", ""}) {
    Answer(MakeStateAnswer({MakeEntry(key, 7, 1)}));
    EXPECT_THAT(ScanPage(options), StatusIs(kDataLoss)) << key;
  }
  Answer(MakeStateAnswer({MakeEntry("ab", 0, Value())}));
  EXPECT_THAT(ScanPage(options), StatusIs(kDataLoss));
  const auto entry = MakeEntry("ab", 7, 1);
  Answer(MakeStateAnswer({entry, entry, entry}));
  EXPECT_THAT(ScanPage(options), StatusIs(kDataLoss, HasSubstr("a page of 3")));
  Answer(MakeStateAnswer({entry}, "c1"));
  EXPECT_THAT(ScanPage(options), StatusIs(kDataLoss, HasSubstr("own cursor")));
  Answer(MakeStateAnswer({MakeEntry("ab", 7, "x")}));
  EXPECT_THAT(ScanPage(options), StatusIs(kInvalid, HasSubstr("key ab")));
}

TEST_F(DataCallsTest, PageOfTablesIsWhatWasAskedFor) {
  const auto list = [&](const TablesOptions& options) {
    return Wait<absl::StatusOr<Page<TableInfo>>>([&](auto handler) {
      client_.ListTablesPage(options, std::move(handler));
    });
  };
  TablesOptions options;
  options.prefix = "u";
  options.page_size = 1;
  options.cursor = "c";
  Expect("list_tables { prefix: 'u' cursor: 'c' limit: 1 }",
         MakeTableAnswer({MakeTable("users", 2)}, "d"));
  const auto page = list(options);
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->entries[0].name, "users");
  EXPECT_EQ(page->cursor, "d");
  Answer(MakeTableAnswer({MakeTable("pages", 2)}));
  EXPECT_THAT(list(options), StatusIs(kDataLoss));
}

TEST_F(DataCallsTest, TransactionHasTheResultsOfItsOperations) {
  PutOptions keeps;
  keeps.expiry = KeepsExpiry();
  const std::vector<std::string> keys = {"x", "y"};
  const auto transaction =
      Transaction()
          .If(VersionIs("t", "k", 7), ValueIs("t", "v", "on"))
          .If(IsAbsent("t", "gone"))
          .Then(op::Increment("t", "n", -5), op::Put("t", "k", "new", keeps),
                op::MultiRead<std::string>("t", keys), op::Remove("t", "r"),
                op::Append("t", "a", "!"),
                op::Expire("t", "e", ExpiresAfter(milliseconds(5))))
          .Else(op::Read<std::int64_t>("t", "k"));
  const std::string request =
      "transaction { "
      "compares { table: 't' key: 'k' version: 7 } "
      "compares { table: 't' key: 'v' value { string: 'on' } } "
      "compares { table: 't' key: 'gone' version: 0 } "
      "then { increment { table: 't' key: 'n' integer: -5 } } "
      "then { put { table: 't' key: 'k' value { string: 'new' } "
      "expiry { keep: true } } } "
      "then { read { table: 't' keys: 'x' keys: 'y' } } "
      "then { remove { table: 't' key: 'r' } } "
      "then { append { table: 't' key: 'a' value { string: '!' } } } "
      "then { expire { table: 't' key: 'e' expiry { after_ms: 5 } } } "
      "otherwise { read { table: 't' keys: 'k' } } }";
  v1::KeyState appended = MakeState(12);
  appended.set_value_bytes(3);
  Expect(request,
         MakeTransactionAnswer(
             true, {MakeState(9, 31), MakeState(10), MakeState(1, "x"),
                    MakeState(0), MakeState(11), appended, MakeState(13)}));
  const auto held = Commit(transaction);
  ASSERT_THAT(held, IsOk());
  EXPECT_TRUE(held->held);
  EXPECT_FALSE(held->otherwise.has_value());
  const auto& [sum, put, read, removed, bytes, expired] = *held->then;
  EXPECT_EQ(sum, 31);
  EXPECT_EQ(put.version, 10u);
  ASSERT_EQ(read.size(), 2u);
  EXPECT_THAT(read[0].value, Optional(std::string("x")));
  EXPECT_FALSE(read[1].exists());
  EXPECT_EQ(removed.version, 11u);
  EXPECT_EQ(bytes, 3u);
  EXPECT_EQ(expired.version, 13u);

  Expect(request, MakeTransactionAnswer(false, {MakeState(8, 36)}));
  const auto other = Commit(transaction);
  ASSERT_THAT(other, IsOk());
  EXPECT_FALSE(other->held);
  EXPECT_FALSE(other->then.has_value());
  const auto& [present] = *other->otherwise;
  EXPECT_THAT(present.value, Optional(36));
}

TEST_F(DataCallsTest, TransactionOfAnyNumberOfOperations) {
  std::vector<Operation<std::int64_t>> counts;
  for (int i = 0; i < 3; ++i) counts.push_back(op::Increment("t", "k", i));
  std::vector<Operation<>> writes;
  writes.push_back(op::Put("t", "a", 1));
  writes.push_back(op::Remove("t", "b"));
  Answer(MakeTransactionAnswer(
      true, {MakeState(1, 0), MakeState(2, 1), MakeState(3, 3), MakeState(4),
             MakeState(5)}));
  const auto done = Commit(Transaction().Then(counts, writes));
  ASSERT_THAT(done, IsOk());
  const auto& [sums, states] = *done->then;
  EXPECT_THAT(sums, ElementsAre(0, 1, 3));
  ASSERT_EQ(states.size(), 2u);
  ASSERT_EQ(states[1].size(), 1u);
  EXPECT_EQ(states[1][0].version, 5u);
}

TEST_F(DataCallsTest, TransactionThatDoesNothingOnlyCompares) {
  Expect(
      "transaction { compares { table: 't' key: 'k' relation: NOT_EQUAL "
      "version: 0 } compares { table: 't' key: 'k' relation: LESS version: "
      "5 } compares { table: 't' key: 'k' relation: GREATER version: 4 } "
      "compares { table: 't' key: 'k' relation: NOT_EQUAL version: 3 } "
      "compares { table: 't' key: 'k' relation: NOT_EQUAL value { bool: "
      "true } } }",
      MakeTransactionAnswer(false, {}));
  const auto done = Commit(
      Transaction().If(IsPresent("t", "k"), VersionIsLess("t", "k", 5),
                       VersionIsGreater("t", "k", 4), VersionIsNot("t", "k", 3),
                       ValueIsNot("t", "k", true)));
  ASSERT_THAT(done, IsOk());
  EXPECT_FALSE(done->held);
}

TEST_F(DataCallsTest, TransactionWhoseAnswerMakesNoSenseIsAnError) {
  const auto transaction =
      Transaction()
          .Then(op::Read<std::int64_t>("t", "k"), op::Increment("t", "n", 1))
          .Else(op::Put("t", "k", 1));
  Answer(MakeTransactionAnswer(true, {MakeState(1, 1)}));
  EXPECT_THAT(Commit(transaction),
              StatusIs(kDataLoss, HasSubstr("1 states instead of 2")));
  Answer(MakeTransactionAnswer(false, {MakeState(1), MakeState(2)}));
  EXPECT_THAT(Commit(transaction), StatusIs(kDataLoss));
  Answer(MakeTransactionAnswer(true, {MakeState(1, 1), MakeState(2, "x")}));
  EXPECT_THAT(Commit(transaction), StatusIs(kDataLoss));
  // It is executed, and says so.
  Answer(MakeTransactionAnswer(true, {MakeState(1, "x"), MakeState(2, 1)}));
  EXPECT_THAT(Commit(transaction),
              StatusIs(kInvalid, HasSubstr("was executed, but")));
  Answer(MakeConflictAnswer(MakeState(8)));
  const auto conflict = Commit(transaction);
  EXPECT_THAT(conflict, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(PresentStateOf(conflict.status())->version, 8u);
}

// It was done; what it was is told in the message.
TEST_F(DataCallsTest, RetriedWriteWhoseAnswerIsForgottenSaysSo) {
  CommandResponse answer = MakeAnswer();
  answer.set_message("done before; the answer was not kept");
  Answer(answer);
  EXPECT_THAT(Put(), StatusIs(kDataLoss, HasSubstr("done before")));
}

}  // namespace
}  // namespace coffer
