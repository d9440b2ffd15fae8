#include "coffer/server/service/command.h"

#include <string>

#include "absl/strings/string_view.h"
#include "coffer/proto/requests.h"
#include "coffer/server/service/service_tester.h"
#include "coffer/server/storage/batch.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/unknown_field_set.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

TEST(FindCommand, EachRequestHasItsOwn) {
  const struct {
    const char* request;
    absl::string_view name;
  } kCases[] = {
      {"", "(empty)"},
      {"hget {}", "HGET"},
      {"hgetall {}", "HGETALL"},
      {"hmget {}", "HMGET"},
      {"hset {}", "HSET"},
      {"hmset {}", "HMSET"},
      {"hdel {}", "HDEL"},
      {"hmdel {}", "HMDEL"},
      {"hexist {}", "HEXIST"},
      {"hmexist {}", "HMEXIST"},
      {"subscribe {}", "SUBSCRIBE"},
      {"unsubscribe {}", "UNSUBSCRIBE"},
      {"publish {}", "PUBLISH"},
      {"hello {}", "(empty)"},
      {"ping {}", "PING"},
      {"cancel {}", "CANCEL"},
      {"list_tables {}", "LIST_TABLES"},
      {"count_keys {}", "COUNT_KEYS"},
      {"drop_table {}", "DROP_TABLE"},
      {"rename_table {}", "RENAME_TABLE"},
      {"scan {}", "SCAN"},
      {"read {}", "READ"},
      {"put {}", "PUT"},
      {"remove {}", "REMOVE"},
      {"increment {}", "INCREMENT"},
      {"append {}", "APPEND"},
      {"expire {}", "EXPIRE"},
      {"transaction {}", "TRANSACTION"},
      {"open_subscription {}", "OPEN_SUBSCRIPTION"},
      {"grant_credit {}", "GRANT_CREDIT"},
      {"close_subscription {}", "CLOSE_SUBSCRIPTION"},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(FindCommand(Request(test.request)).name, test.name);
  }
}

TEST(IsWriteCommand, WritesAreThoseThatChangeSomething) {
  for (const char* write :
       {"hset {}", "hmset {}", "hdel {}", "hmdel {}", "publish {}", "put {}",
        "drop_table {}", "transaction { otherwise { expire {} } }",
        "start_backup {}"}) {
    EXPECT_TRUE(IsWriteCommand(Request(write))) << write;
  }
  for (const char* other :
       {"", "hget {}", "hgetall {}", "hmget {}", "hexist {}", "hmexist {}",
        "subscribe {}", "unsubscribe {}", "hello {}", "ping {}", "cancel {}",
        "open_subscription {}", "grant_credit {}", "close_subscription {}",
        "read {}", "scan {}", "transaction { then { read {} } }",
        "get_backup {}"}) {
    EXPECT_FALSE(IsWriteCommand(Request(other))) << other;
  }
}

TEST(KeyCount, ListsCountAndTheRestIsOne) {
  EXPECT_EQ(KeyCount(Request("hget {}")), 1u);
  EXPECT_EQ(KeyCount(Request("hmget {}")), 0u);
  EXPECT_EQ(KeyCount(Request("hmget { keys: ['a', 'a'] }")), 2u);
  EXPECT_EQ(KeyCount(Request("hmdel { keys: ['a'] }")), 1u);
  EXPECT_EQ(KeyCount(Request("hmexist { keys: ['a'] }")), 1u);
  EXPECT_EQ(KeyCount(Request("hmset { pairs {} pairs {} pairs {} }")), 3u);
  EXPECT_EQ(KeyCount(Request("read { keys: ['a', 'b'] }")), 2u);
  EXPECT_EQ(KeyCount(Request("scan {}")), 1u);
  EXPECT_EQ(KeyCount(Request("transaction {}")), 0u);
  EXPECT_EQ(KeyCount(Request("transaction { compares {} then { put {} } "
                             "then { read { keys: ['a', 'b'] } } "
                             "then { read {} } otherwise { remove {} } }")),
            6u);
}

class PlannerTest : public ::testing::Test {
 protected:
  google::protobuf::Arena arena_;
  Batch batch_;
  Planner planner_{&batch_, &arena_};
};

TEST_F(PlannerTest, SerializedValueHasItsBytes) {
  v1::Value value;
  EXPECT_EQ(planner_.Serialize(value), "");
  value.set_integer(0);
  EXPECT_EQ(planner_.Serialize(value), absl::string_view("\x18\0", 2));
}

TEST_F(PlannerTest, SerializedValueHasNoUnknownFields) {
  v1::Value value;
  // string: "ab", and fields 9 (a number) and 15 (bytes) of another build.
  ASSERT_TRUE(
      value.ParseFromString("\x0a\x02"
                            "ab\x48\x07\x7a\x01x"));
  ASSERT_FALSE(value.GetReflection()->GetUnknownFields(value).empty());
  EXPECT_EQ(planner_.Serialize(value),
            "\x0a\x02"
            "ab");
}

TEST_F(PlannerTest, ManySerializedValuesStayWhereTheyAre) {
  v1::Value value;
  value.set_string(std::string(1000, 'v'));
  const absl::string_view first = planner_.Serialize(value);
  const std::string before(first);
  for (int i = 0; i < 1000; ++i) planner_.Serialize(value);
  EXPECT_EQ(first, before);
}

TEST(PlanRequest, LimitOfKeysIsExact) {
  Batch batch;
  google::protobuf::Arena arena;
  Planner planner(&batch, &arena);
  v1::CommandRequest request;
  auto& keys = *request.mutable_hmdel()->mutable_keys();
  for (size_t i = 0; i <= kRequestKeysMax; ++i) keys.Add();
  EXPECT_EQ(PlanRequest(request, planner),
            absl::ResourceExhaustedError(
                "request of 131073 keys exceeds the limit of 131072"));
  EXPECT_TRUE(batch.empty());
  keys.RemoveLast();
  EXPECT_TRUE(PlanRequest(request, planner).ok());
  EXPECT_EQ(batch.size(), kRequestKeysMax);
}

TEST(HsetWithoutPair, MessageQuotesTheTableAsTheOlderServer) {
  Batch batch;
  google::protobuf::Arena arena;
  Planner planner(&batch, &arena);
  v1::CommandRequest request;
  request.mutable_hset()->set_table(
      absl::string_view("a\"b\\c\n\r\t\0\x01\x7f\xe8\xa1\xa8", 14).data(), 14);
  const absl::Status status = FindCommand(request).plan(request, planner);
  EXPECT_EQ(status.message(),
            "Command is invalid: `Hset { table: "
            "\"a\\\"b\\\\c\\n\\r\\t\\0\\u{1}\\u{7f}\xe8\xa1\xa8\", "
            "pair: None }`");
  EXPECT_TRUE(batch.empty());
}

}  // namespace
}  // namespace coffer::server
