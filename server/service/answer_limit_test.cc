// Answers over the peer's limit are never built, and cost no memory.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/service/command.h"
#include "coffer/server/service/service_tester.h"
#include "coffer/server/storage/allocation_counter.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::coffer_testing::AllocationCounter;

v1::CommandRequest SetString(const std::string& key, std::string value) {
  v1::CommandRequest request;
  request.mutable_hset()->set_table("t");
  request.mutable_hset()->mutable_pair()->set_key(key);
  request.mutable_hset()->mutable_pair()->mutable_value()->set_string(
      std::move(value));
  return request;
}

class AnswerLimitTest : public ::testing::Test {
 protected:
  MemoryStorage storage_;
  ServiceTester tester_{&storage_};
};

// At the limit an answer is sent, one byte above it is not.
TEST_F(AnswerLimitTest, LimitIsExact) {
  std::vector<std::string> texts = {
      "hget { table: 't' key: 'a' }",
      "hgetall { table: 't' }",
      "hmget { table: 't' keys: ['a', 'none', ''] }",
      "hget { table: 't' key: 'a' } request_id: 1",
      "hget { table: 't' key: 'a' } request_id: 18446744073709551615",
  };
  std::string hmexist = "hmexist { table: 't'";
  for (int i = 0; i < 200; ++i) hmexist += " keys: 'a'";
  texts.push_back(hmexist + " }");
  tester_.Ask(SetString("a", std::string(400, 'a')));
  tester_.Ask(SetString("", std::string(100, 'b')));
  tester_.Ask("hset { table: 't' pair { key: 'empty' } }");
  for (const std::string& text : texts) {
    const v1::CommandRequest request = Request(text);
    tester_.set_answer_bytes_max(1 << 20);
    v1::CommandResponse whole = tester_.Ask(request);
    ASSERT_EQ(whole.status(), 200u) << text;
    const std::string bytes = whole.SerializeAsString();
    whole.set_request_id(request.request_id());
    const uint32_t size = whole.ByteSizeLong();
    tester_.set_answer_bytes_max(size);
    EXPECT_EQ(tester_.Ask(request).SerializeAsString(), bytes) << text;
    tester_.set_answer_bytes_max(size - 1);
    v1::CommandResponse refused = tester_.Ask(request);
    EXPECT_EQ(refused.status(), 413u) << text;
    EXPECT_EQ(refused.outcome(), v1::NOT_EXECUTED);
    EXPECT_EQ(refused.values_size() + refused.pairs_size(), 0);
    EXPECT_LT(refused.ByteSizeLong(), size);
  }
}

TEST_F(AnswerLimitTest, MessageSaysHowMuchAndWhatToDo) {
  tester_.Ask(SetString("a", std::string(500, 'a')));
  tester_.set_answer_bytes_max(1000);
  EXPECT_EQ(
      tester_.Ask("hmget { table: 't' keys: ['a', 'a'] }").message(),
      "answer of 1015 bytes exceeds the limit of 1000: ask for fewer keys "
      "at a time");
  tester_.set_answer_bytes_max(505);
  EXPECT_EQ(tester_.Ask("hgetall { table: 't' }").message(),
            "answer of 515 bytes exceeds the limit of 505: read it in pages, "
            "with Scan, or its keys in parts, with HMGET");
}

TEST_F(AnswerLimitTest, TableOverTheLimitIsRefusedByTheStorage) {
  for (int i = 0; i < 100; ++i) {
    tester_.Ask(SetString(absl::StrCat("key", 100 + i), std::string(94, 'v')));
  }
  tester_.set_answer_bytes_max(1000);  // ten of them
  const v1::CommandResponse refused = tester_.Ask("hgetall { table: 't' }");
  EXPECT_EQ(refused.status(), 413u);
  EXPECT_EQ(refused.message(),
            "table of at least 1020 bytes exceeds the limit of 1000: read it "
            "in pages, with Scan, or its keys in parts, with HMGET");
  EXPECT_EQ(refused.outcome(), v1::NOT_EXECUTED);
}

// 100 GB of answer, were it built.
TEST_F(AnswerLimitTest, OneLargeKeyNamedOftenCostsLittle) {
  tester_.Ask(SetString("k", std::string(1 << 20, 'v')));
  v1::CommandRequest request;
  request.mutable_hmget()->set_table("t");
  for (int i = 0; i < 100000; ++i) request.mutable_hmget()->add_keys("k");
  AllocationCounter counter;
  const v1::CommandResponse refused = tester_.Ask(request);
  EXPECT_EQ(refused.status(), 413u);
  EXPECT_EQ(refused.message(),
            "answer of 104858400003 bytes exceeds the limit of 16777216: ask "
            "for fewer keys at a time");
  // The operations, in a buffer that doubles, and a copy of the request.
  EXPECT_GT(counter.bytes(), 0u);
  EXPECT_LT(counter.bytes(), 64u << 20);
}

TEST_F(AnswerLimitTest, WriteWhosePreviousValueDoesNotFitIsDoneAndSaysSo) {
  tester_.Ask(SetString("k", std::string(2000, 'v')));
  tester_.set_answer_bytes_max(1000);
  for (const char* text :
       {"hset { table: 't' pair { key: 'k' value { integer: 1 } } }",
        "hmset { table: 't' pairs { key: 'k' value { integer: 1 } } }"}) {
    const v1::CommandResponse refused = tester_.Ask(text);
    EXPECT_EQ(refused.status(), 413u);
    EXPECT_EQ(refused.message(),
              "answer of 2009 bytes exceeds the limit of 1000: the write was "
              "done, the previous values do not fit");
    EXPECT_EQ(refused.outcome(), v1::UNKNOWN);  // not safe to send again
    EXPECT_EQ(WireHex(tester_.Ask("hget { table: 't' key: 'k' }")),
              "08c8011a021801");
    tester_.Ask(SetString("k", std::string(2000, 'v')));
  }
  EXPECT_EQ(tester_.Ask("hdel { table: 't' key: 'k' }").status(), 413u);
  EXPECT_EQ(storage_.counts().keys, 0u);
}

TEST_F(AnswerLimitTest, LongNamesInAMessageAreCutBetweenCharacters) {
  std::string key;
  for (int i = 0; i < 1000; ++i) key += "键";
  v1::CommandRequest request;
  request.mutable_hget()->set_table("t");
  request.mutable_hget()->set_key(key);
  const std::string whole = absl::StrCat("Not found: table t, key ", key);
  EXPECT_EQ(tester_.Ask(request).message(), whole);
  for (uint32_t limit = 100; limit < 110; ++limit) {
    tester_.set_answer_bytes_max(limit);
    const v1::CommandResponse cut = tester_.Ask(request);
    EXPECT_EQ(cut.status(), 404u);
    EXPECT_LE(cut.ByteSizeLong(), limit);
    EXPECT_GT(cut.ByteSizeLong(), limit - 8);
    ASSERT_TRUE(absl::EndsWith(cut.message(), "..."));
    const size_t kept = cut.message().size() - 3;
    EXPECT_EQ(cut.message().substr(0, kept), whole.substr(0, kept));
    EXPECT_EQ((kept - absl::string_view("Not found: table t, key ").size()) % 3,
              0u);
  }
}

TEST_F(AnswerLimitTest, RequestOfTooManyKeysIsNotExecuted) {
  v1::CommandRequest request;
  request.mutable_hmset()->set_table("t");
  for (size_t i = 0; i <= kRequestKeysMax; ++i) {
    request.mutable_hmset()->add_pairs();
  }
  const v1::CommandResponse refused = tester_.Ask(request);
  EXPECT_EQ(refused.status(), 413u);
  EXPECT_EQ(refused.message(),
            "request of 131073 keys exceeds the limit of 131072");
  EXPECT_EQ(refused.outcome(), v1::NOT_EXECUTED);
  EXPECT_EQ(storage_.counts().keys, 0u);
}

}  // namespace
}  // namespace coffer::server
