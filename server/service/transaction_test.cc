// Transaction: comparisons, branches, failures, limits, and that it is seen
// whole.

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/server/service/command.h"
#include "coffer/server/service/service_tester.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/storage/deferred_storage.h"
#include "coffer/testing/storage/model_storage.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::coffer_testing::DeferredStorage;
using ::coffer_testing::ModelStorage;

class TransactionTest : public ::testing::TestWithParam<bool> {
 protected:
  std::string Ask(const std::string& transaction) {
    return tester_.Ask(absl::StrCat("transaction { ", transaction, " }"))
        .ShortDebugString();
  }
  // Keys of the table "t": key a is at version 1, b at 2.
  void SetUp() override {
    tester_.Ask("put { table: 't' key: 'a' value { integer: 1 } }");
    tester_.Ask("put { table: 't' key: 'b' value { string: 'x' } }");
  }
  std::string ReadBoth() {
    return tester_.Ask("read { table: 't' keys: ['a', 'b'] }")
        .ShortDebugString();
  }

  std::unique_ptr<Storage> MakeStorage() {
    if (GetParam()) return std::make_unique<MemoryStorage>();
    return std::make_unique<ModelStorage>();
  }

  const std::unique_ptr<Storage> storage_ = MakeStorage();
  ServiceTester tester_{storage_.get()};
};

INSTANTIATE_TEST_SUITE_P(MemoryAndModel, TransactionTest, ::testing::Bool());

constexpr char kUntouched[] =
    "status: 200 states { version: 1 value { integer: 1 } } "
    "states { version: 2 value { string: \"x\" } }";

TEST_P(TransactionTest, StatesAreThoseOfTheOperationsInTheirOrder) {
  EXPECT_EQ(
      Ask("compares { table: 't' key: 'a' version: 1 } "
          "then { read { table: 't' keys: ['b', 'none'] } } "
          "then { put { table: 'u' key: 'k' value { } want_previous: true } } "
          "then { increment { table: 't' key: 'a' integer: 4 } } "
          "then { append { table: 't' key: 'b' value { string: 'y' } } } "
          "then { read { table: 't' keys: 'b' } } "
          "then { remove { table: 't' key: 'b' } } "
          "otherwise { read { table: 't' keys: 'a' } }"),
      "status: 200 "
      "states { version: 2 value { string: \"x\" } } states { } "
      "states { version: 3 previous { } } "
      "states { version: 4 value { integer: 5 } } "
      "states { version: 5 value_bytes: 2 } "
      "states { version: 5 value { string: \"xy\" } } "
      "states { version: 6 } held: true");
}

TEST_P(TransactionTest, OtherwiseIsExecutedIfAnyComparisonFails) {
  EXPECT_EQ(Ask("compares { table: 't' key: 'a' version: 1 } "
                "compares { table: 't' key: 'b' version: 1 } "
                "then { put { table: 't' key: 'a' value { } } } "
                "then { read { table: 't' keys: ['a', 'b'] } } "
                "otherwise { read { table: 't' keys: 'a' } }"),
            "status: 200 states { version: 1 value { integer: 1 } }");
  EXPECT_EQ(ReadBoth(), kUntouched);
  EXPECT_EQ(Ask("compares { table: 't' key: 'b' version: 1 } "
                "then { put { table: 't' key: 'a' value { } } }"),
            "status: 200");
  EXPECT_EQ(Ask(""), "status: 200 held: true");
  EXPECT_EQ(Ask("then { put { table: 't' key: 'a' value { } } }"),
            "status: 200 states { version: 3 } held: true");
}

TEST_P(TransactionTest, ComparisonsAreOfVersionsAndValues) {
  const struct {
    const char* compare;
    bool held;
  } kCases[] = {
      {"key: 'a' version: 1", true},
      {"key: 'a' version: 2", false},
      {"key: 'a' version: 0", false},
      {"key: 'none' version: 0", true},
      {"key: 'a' relation: NOT_EQUAL version: 2", true},
      {"key: 'a' relation: NOT_EQUAL version: 1", false},
      {"key: 'b' relation: LESS version: 3", true},
      {"key: 'b' relation: LESS version: 2", false},
      {"key: 'b' relation: GREATER version: 1", true},
      {"key: 'b' relation: GREATER version: 2", false},
      {"key: 'none' relation: LESS version: 1", true},
      {"key: 'a' value { integer: 1 }", true},
      {"key: 'a' value { integer: 2 }", false},
      {"key: 'a' value { float: 1 }", false},
      {"key: 'a' value { }", false},
      {"key: 'none' value { }", false},
      {"key: 'none' relation: NOT_EQUAL value { }", true},
      {"key: 'b' relation: NOT_EQUAL value { string: 'x' }", false},
      {"key: 'b' relation: NOT_EQUAL value { binary: 'x' }", true},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(Ask(absl::StrCat("compares { table: 't' ", test.compare, " }")),
              test.held ? "status: 200 held: true" : "status: 200")
        << test.compare;
  }
}

// What is stored is what this build knows of a value, and so is what it is
// compared with.
TEST_P(TransactionTest, UnknownFieldsOfAComparedValueDoNotCount) {
  v1::CommandRequest request;
  v1::Compare& compare = *request.mutable_transaction()->add_compares();
  compare.set_table("t");
  compare.set_key("a");
  // integer: 1, and a field 9 of another build.
  ASSERT_TRUE(compare.mutable_value()->ParseFromString("\x18\x01\x48\x07"));
  EXPECT_EQ(tester_.Ask(request).ShortDebugString(), "status: 200 held: true");
}

TEST_P(TransactionTest, FailedOperationFailsAllAndSaysWhich) {
  const struct {
    const char* operation;
    const char* answer;
  } kCases[] = {
      {"put { table: 't' key: 'a' value { } condition { version: 9 } }",
       "status: 409 message: \"operation 2 of 3 (put t/a): the key is at "
       "version 1, not at version 9\" states { version: 1 value { integer: 1 } "
       "}"},
      {"remove { table: 't' key: 'none' condition { present: true } }",
       "status: 409 message: \"operation 2 of 3 (remove t/none): the key is "
       "absent, not present\" states { }"},
      {"expire { table: 't' key: 'none' expiry { never: true } }",
       "status: 404 message: \"operation 2 of 3 (expire t/none): Not found: "
       "table t, key none\""},
      {"increment { table: 't' key: 'b' integer: 1 }",
       "status: 400 message: \"operation 2 of 3 (increment t/b): value of t/b "
       "is a string, not an integer\""},
      {"increment { table: 't' key: 'a' integer: 9223372036854775807 }",
       "status: 400 message: \"operation 2 of 3 (increment t/a): 1 + "
       "9223372036854775807 is out of range\""},
      {"append { table: 't' key: 'a' value { string: 'x' } }",
       "status: 400 message: \"operation 2 of 3 (append t/a): value of t/a is "
       "an integer, not a string\""},
  };
  for (const auto& test : kCases) {
    const std::string operations = absl::StrCat(
        " { put { table: 'u' key: 'x' value { } } } ", "@ { ", test.operation,
        " } @ { put { table: 'u' key: 'k' value { } } }");
    std::string then = operations;
    then.replace(then.find('@'), 1, "then");
    then.replace(then.find('@'), 1, "then");
    EXPECT_EQ(Ask("then" + then),
              absl::StrCat(test.answer, " outcome: NOT_EXECUTED"));
    std::string otherwise = operations;
    otherwise.replace(otherwise.find('@'), 1, "otherwise");
    otherwise.replace(otherwise.find('@'), 1, "otherwise");
    std::string answer = test.answer;
    answer.replace(answer.find("of 3 ("), 6, "of 3 of otherwise (");
    EXPECT_EQ(Ask("compares { table: 't' key: 'a' version: 8 } "
                  "then { put { table: 't' key: 'a' value { } } } "
                  "otherwise" +
                  otherwise),
              absl::StrCat(answer, " outcome: NOT_EXECUTED"));
    EXPECT_EQ(ReadBoth(), kUntouched);
  }
  EXPECT_EQ(storage_->counts().tables, 1u);
}

// A condition sees what the operations before it did.
TEST_P(TransactionTest, OperationsSeeThoseBeforeThem) {
  EXPECT_EQ(Ask("then { remove { table: 't' key: 'a' } } "
                "then { put { table: 't' key: 'a' value { integer: 9 } "
                "condition { absent: true } } } "
                "then { increment { table: 't' key: 'a' integer: 1 } } "
                "then { read { table: 't' keys: 'a' } }"),
            "status: 200 states { version: 3 } states { version: 4 } "
            "states { version: 5 value { integer: 10 } } "
            "states { version: 5 value { integer: 10 } } held: true");
}

TEST_P(TransactionTest, MalformedIsRefusedWithWords) {
  const struct {
    const char* transaction;
    const char* what;
  } kCases[] = {
      {"then { }", "operation 1 of 1 (nothing): it does nothing"},
      {"otherwise { read { } } otherwise { }",
       "operation 2 of 2 of otherwise (nothing): it does nothing"},
      {"then { put { table: 't' key: 'k' } }",
       "operation 1 of 1 (put t/k): value is not set"},
      {"then { increment { table: 't' key: 'k' } }",
       "operation 1 of 1 (increment t/k): no amount is set"},
      {"compares { table: 't' key: 'k' }",
       "comparison 1 of 1 (t/k): neither version nor value is set"},
      {"compares { table: 't' key: 'k' relation: LESS value { } }",
       "comparison 1 of 1 (t/k): values are not less or greater"},
      {"compares { table: 't' key: 'k' relation: GREATER value { } }",
       "comparison 1 of 1 (t/k): values are not less or greater"},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(Ask(test.transaction),
              absl::StrCat("status: 400 message: \"Command is invalid: `",
                           test.what, "`\" outcome: NOT_EXECUTED"));
  }
  v1::CommandRequest request;
  v1::Compare& compare = *request.mutable_transaction()->add_compares();
  compare.set_version(1);
  compare.set_relation(static_cast<v1::Relation>(17));
  EXPECT_EQ(tester_.Ask(request).message(),
            "Command is invalid: `comparison 1 of 1 (/): the relation is "
            "unknown`");
}

TEST_P(TransactionTest, KeysOfAllPartsCountForTheLimit) {
  v1::CommandRequest request;
  v1::Transaction& transaction = *request.mutable_transaction();
  transaction.add_compares()->set_version(0);
  transaction.add_otherwise()->mutable_put()->mutable_value();
  auto& keys = *transaction.add_then()->mutable_read()->mutable_keys();
  while (keys.size() + 2 < static_cast<int>(kRequestKeysMax)) keys.Add();
  EXPECT_EQ(tester_.Ask(request).status(), 200u);
  keys.Add();
  const v1::CommandResponse refused = tester_.Ask(request);
  EXPECT_EQ(refused.status(), 413u);
  EXPECT_EQ(refused.message(),
            "request of 131073 keys exceeds the limit of 131072");
}

TEST_P(TransactionTest, AnswerOverTheLimitSaysWhetherItWasExecuted) {
  tester_.Ask("put { table: 't' key: 'a' value { string: '" +
              std::string(2000, 'v') + "' } }");
  tester_.set_answer_bytes_max(1000);
  const v1::CommandResponse read =
      tester_.Ask("transaction { then { read { table: 't' keys: 'a' } } }");
  EXPECT_EQ(read.status(), 413u);
  EXPECT_EQ(read.outcome(), v1::NOT_EXECUTED);
  EXPECT_FALSE(read.held());
  const v1::CommandResponse written = tester_.Ask(
      "transaction { then { read { table: 't' keys: 'a' } } "
      "then { put { table: 't' key: 'a' value { } } } }");
  EXPECT_EQ(written.status(), 413u);
  EXPECT_EQ(written.message(),
            "answer of 2023 bytes exceeds the limit of 1000: it was executed, "
            "its states do not fit");
  EXPECT_EQ(written.outcome(), v1::UNKNOWN);
  EXPECT_EQ(tester_.Ask("hget { table: 't' key: 'a' }").ShortDebugString(),
            "status: 200 values { }");
  // The writes of the other branch were not executed.
  tester_.Ask("append { table: 't' key: 'long' value { string: '" +
              std::string(2000, 'v') + "' } }");
  const v1::CommandResponse other = tester_.Ask(
      "transaction { compares { table: 't' key: 'long' version: 0 } "
      "then { put { table: 't' key: 'a' value { } } } "
      "otherwise { read { table: 't' keys: 'long' } } }");
  EXPECT_EQ(other.status(), 413u);
  EXPECT_EQ(other.outcome(), v1::NOT_EXECUTED);
}

// At the limit an answer is sent, one byte above it is not.
TEST_P(TransactionTest, LimitOfStatesIsExact) {
  tester_.Ask("put { table: 't' key: 'a' value { string: '" +
              std::string(300, 'v') + "' } expiry { after_ms: 1000000 } }");
  tester_.Ask("put { table: 't' key: 'e' value { } }");
  for (const char* text :
       {"read { table: 't' keys: ['a', 'none', 'e'] } request_id: 300",
        "read { table: 't' keys: ['a', 'b'] without_values: true }",
        "put { table: 't' key: 'b' value { } want_previous: true }",
        "put { table: 't' key: 'new' value { } want_previous: true }",
        "append { table: 't' key: 'x' value { string: 'y' } }",
        "count_keys { table: 't' }",
        "transaction { then { read { table: 't' keys: ['a', 'b'] } } }"}) {
    tester_.set_answer_bytes_max(1 << 20);
    v1::CommandRequest request = Request(text);
    tester_.Ask(request);
    const v1::CommandResponse whole = tester_.Ask(request);
    ASSERT_EQ(whole.status(), 200u) << text;
    const uint32_t size = whole.ByteSizeLong();
    tester_.set_answer_bytes_max(size);
    const v1::CommandResponse again = tester_.Ask(request);
    EXPECT_EQ(again.status(), 200u) << text;
    EXPECT_EQ(again.ByteSizeLong(), size) << text;
    tester_.set_answer_bytes_max(size - 1);
    const v1::CommandResponse refused = tester_.Ask(request);
    EXPECT_EQ(refused.status(), 413u) << text;
    EXPECT_EQ(refused.states_size() + refused.tables_size(), 0) << text;
    EXPECT_EQ(refused.outcome(),
              IsWriteCommand(request) ? v1::UNKNOWN : v1::NOT_EXECUTED);
  }
}

// The key's state is told without its value, or not at all, if that is too
// much.
TEST_P(TransactionTest, StateOfAFailedConditionNeedsRoom) {
  tester_.Ask("put { table: 't' key: 'a' value { string: '" +
              std::string(2000, 'v') + "' } }");
  const std::string put =
      "put { table: 't' key: 'a' value { } condition { absent: true } }";
  EXPECT_EQ(tester_.Ask(put).states(0).value().string().size(), 2000u);
  tester_.set_answer_bytes_max(1024);
  v1::CommandResponse refused = tester_.Ask(put);
  EXPECT_EQ(refused.status(), 409u);
  ASSERT_EQ(refused.states_size(), 1);
  EXPECT_EQ(refused.states(0).ShortDebugString(), "version: 3");
  EXPECT_EQ(refused.outcome(), v1::NOT_EXECUTED);
  for (uint32_t limit = 30; limit < 60; ++limit) {
    tester_.set_answer_bytes_max(limit);
    refused = tester_.Ask(put);
    EXPECT_LE(refused.ByteSizeLong(), limit);
    EXPECT_EQ(refused.status(), 409u);
  }
}

TEST_P(TransactionTest, OverAStorageThatFinishesLaterItIsTheSame) {
  DeferredStorage storage(MakeStorage());
  ServiceTester tester(&storage);
  const auto responses = tester.AskAll({
      Request("put { table: 't' key: 'a' value { integer: 1 } }"),
      Request("transaction { compares { table: 't' key: 'a' version: 1 } "
              "then { increment { table: 't' key: 'a' integer: 1 } } }"),
      Request("transaction { compares { table: 't' key: 'a' version: 1 } "
              "then { increment { table: 't' key: 'a' integer: 1 } } }"),
  });
  EXPECT_EQ(
      responses[1].ShortDebugString(),
      "status: 200 states { version: 2 value { integer: 2 } } held: true");
  EXPECT_EQ(responses[2].ShortDebugString(), "status: 200");
}

// Threads that take from one key and give to another: the sum stays, and so
// does every sum that a reader sees.
TEST_P(TransactionTest, IsSeenWholeAndLosesNothing) {
  constexpr int kTransfers = 300;
  constexpr int kThreads = 3;
  Service service(storage_.get());
  const auto ask = [&service](ServiceRun& run, const std::string& text) {
    run.Clear();
    run.AddRequest() = Request(text);
    EXPECT_TRUE(service.Execute(run, nullptr));
    v1::CommandResponse response;
    service.Answer(run, 0, 1 << 20, &response);
    EXPECT_EQ(response.status(), 200u) << response.ShortDebugString();
    return response;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      ServiceRun run;
      for (int n = 0; n < kTransfers; ++n) {
        ask(run,
            "transaction { then { increment { table: 'x' key: 'from' "
            "integer: -1 } } then { increment { table: 'y' key: 'to' "
            "integer: 1 } } }");
        const auto seen =
            ask(run,
                "transaction { then { read { table: 'x' keys: 'from' } } "
                "then { read { table: 'y' keys: 'to' } } }");
        EXPECT_EQ(
            seen.states(0).value().integer() + seen.states(1).value().integer(),
            0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ServiceRun run;
  EXPECT_EQ(
      ask(run, "read { table: 'y' keys: 'to' }").states(0).value().integer(),
      kTransfers * kThreads);
}

}  // namespace
}  // namespace coffer::server
