// What becomes of a storage error: fault 14 of the older server was that
// commands of several keys hid it.

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/server/service/service_tester.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/server/storage/storage.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

// Spoils results after the engine inside has made them.
class SpoilingStorage final : public Storage {
 public:
  using Spoil = std::function<void(Op&)>;

  bool Submit(Batch& batch, Done) override {
    inner_.Submit(batch, nullptr);
    for (Op& op : batch.ops()) {
      if (spoil_) spoil_(op);
    }
    return true;
  }
  Capabilities capabilities() const override { return inner_.capabilities(); }
  absl::string_view name() const override { return "spoiling"; }
  StorageCounts counts() const override { return inner_.counts(); }

  void set_spoil(Spoil spoil) { spoil_ = std::move(spoil); }

 private:
  MemoryStorage inner_;
  Spoil spoil_;
};

// Operations on key "bad" fail so.
SpoilingStorage::Spoil FailBadKey(const absl::Status& status,
                                  bool outcome_unknown = false) {
  return [status, outcome_unknown](Op& op) {
    if (op.key != "bad") return;
    op.status = status;
    op.outcome_unknown = outcome_unknown;
    op.value_out = SharedBytes();
  };
}

class StorageErrorsTest : public ::testing::Test {
 protected:
  void ExpectError(const v1::CommandResponse& response, uint32_t status,
                   const std::string& message, v1::Outcome outcome) {
    EXPECT_EQ(response.status(), status);
    EXPECT_EQ(response.message(), message);
    EXPECT_EQ(response.outcome(), outcome);
    EXPECT_EQ(response.values_size(), 0);
    EXPECT_EQ(response.pairs_size(), 0);
  }

  SpoilingStorage storage_;
  ServiceTester tester_{&storage_};
};

// Sent again it would be refused again.
TEST_F(StorageErrorsTest, WhatIsTooMuchToBeReadAtOnceAndToBeAnsweredIs413) {
  storage_.set_spoil(FailBadKey(absl::UnavailableError("too much is held")));
  v1::CommandRequest set =
      Request("hset { table: 't' pair { key: 'a' value { string: '' } } }");
  const v1::CommandRequest get =
      Request("hmget { table: 't' keys: ['a', 'bad'] }");
  tester_.set_answer_bytes_max(1000);
  for (const int bytes : {500, 1500}) {
    set.mutable_hset()->mutable_pair()->mutable_value()->set_string(
        std::string(bytes, 'v'));
    tester_.Ask(set);
    EXPECT_EQ(tester_.Ask(get).status(), bytes < 1000 ? 503u : 413u);
  }
}

TEST_F(StorageErrorsTest, UnavailableIs503WithTheStoragesWords) {
  storage_.set_spoil(FailBadKey(absl::UnavailableError("no space left")));
  ExpectError(tester_.Ask("hget { table: 't' key: 'bad' }"), 503,
              "no space left", v1::NOT_EXECUTED);
}

TEST_F(StorageErrorsTest, InternalErrorIs500) {
  storage_.set_spoil(FailBadKey(absl::InternalError("Not implemented")));
  v1::CommandResponse response =
      tester_.Ask("hexist { table: 't' key: 'bad' }");
  ExpectError(response, 500, "Internal error: Not implemented",
              v1::NOT_EXECUTED);
  EXPECT_EQ(WireHex(response),
            "08f403121f496e7465726e616c206572726f723a204e6f7420696d706c656d656e"
            "746564");
}

TEST_F(StorageErrorsTest, OneBadKeyOfSeveralIsNotHidden) {
  storage_.set_spoil(FailBadKey(absl::DataLossError("checksum of block 7")));
  for (const char* text : {"hmget { table: 't' keys: ['a', 'bad', 'b'] }",
                           "hmexist { table: 't' keys: ['a', 'bad', 'b'] }"}) {
    ExpectError(tester_.Ask(text), 500, "Internal error: checksum of block 7",
                v1::NOT_EXECUTED);
  }
}

TEST_F(StorageErrorsTest, OtherRequestsOfTheRunAreAnswered) {
  storage_.set_spoil(FailBadKey(absl::UnavailableError("later")));
  const std::vector<v1::CommandResponse> responses = tester_.AskAll({
      Request("hset { table: 't' pair { key: 'a' value { integer: 1 } } }"),
      Request("hget { table: 't' key: 'bad' }"),
      Request("hget { table: 't' key: 'a' }"),
  });
  EXPECT_EQ(responses[0].status(), 200u);
  EXPECT_EQ(responses[1].status(), 503u);
  EXPECT_EQ(WireHex(responses[2]), "08c8011a021801");
}

TEST_F(StorageErrorsTest, RefusedWriteIsNotExecuted) {
  storage_.set_spoil(FailBadKey(absl::UnavailableError("read only")));
  for (const char* text :
       {"hset { table: 't' pair { key: 'bad' } }",
        "hmset { table: 't' pairs { key: 'bad' } }",
        "hdel { table: 't' key: 'bad' }", "hmdel { table: 't' keys: 'bad' }"}) {
    ExpectError(tester_.Ask(text), 503, "read only", v1::NOT_EXECUTED);
  }
}

TEST_F(StorageErrorsTest, WriteWithoutAKnownOutcomeSaysSo) {
  storage_.set_spoil(FailBadKey(absl::UnavailableError("sync failed"), true));
  for (const char* text :
       {"hset { table: 't' pair { key: 'bad' } }",
        "hmset { table: 't' pairs { key: 'bad' } }",
        "hdel { table: 't' key: 'bad' }", "hmdel { table: 't' keys: 'bad' }"}) {
    ExpectError(tester_.Ask(text), 503, "sync failed", v1::UNKNOWN);
  }
  // A read has no outcome that could be in doubt.
  ExpectError(tester_.Ask("hget { table: 't' key: 'bad' }"), 503, "sync failed",
              v1::NOT_EXECUTED);
}

// Nothing about the answer's size, for it is the write that was refused.
TEST_F(StorageErrorsTest, StoreThatIsFullIs413WithItsWords) {
  storage_.set_spoil(FailBadKey(absl::ResourceExhaustedError("store is full")));
  ExpectError(tester_.Ask("hset { table: 't' pair { key: 'bad' } }"), 413,
              "store is full", v1::NOT_EXECUTED);
}

// An engine that breaks the promise of groups: the answer must not claim that
// nothing was done.
TEST_F(StorageErrorsTest, HalfDoneGroupIsUnknown) {
  storage_.set_spoil(FailBadKey(absl::UnavailableError("half")));
  ExpectError(
      tester_.Ask(
          "hmset { table: 't' pairs { key: 'a' } pairs { key: 'bad' } }"),
      503, "half", v1::UNKNOWN);
}

TEST_F(StorageErrorsTest, StoredBytesThatAreNoValueAre500) {
  tester_.Ask("hset { table: 't' pair { key: 'a' value { integer: 1 } } }");
  tester_.Ask("hset { table: 't' pair { key: 'b' value { integer: 1 } } }");
  storage_.set_spoil([](Op& op) {
    if (op.value_out) op.value_out = SharedBytes::Copy("\x0a\x7f");
    for (TableEntry& entry : op.entries) {
      entry.value = SharedBytes::Copy("\x0a\x7f");
    }
  });
  const std::string message =
      "Internal error: stored value of 2 bytes does not parse";
  for (const char* text :
       {"hget { table: 't' key: 'a' }", "hgetall { table: 't' }",
        "hmget { table: 't' keys: ['none', 'a', 'b'] }"}) {
    ExpectError(tester_.Ask(text), 500, message, v1::NOT_EXECUTED);
  }
  ExpectError(tester_.Ask("hdel { table: 't' key: 'a' }"), 500, message,
              v1::UNKNOWN);
}

}  // namespace
}  // namespace coffer::server
