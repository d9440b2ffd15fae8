#include "coffer/server/session/touched_keys.h"

#include <string>
#include <vector>

#include "coffer/v1/kv.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

v1::CommandRequest Request(const std::string& text) {
  v1::CommandRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
      << text;
  return request;
}

// Asked of the request and of a run that holds it: both have to agree.
bool Waits(const std::string& later, const std::string& earlier) {
  TouchedKeys before;
  before.Add(Request(earlier), /*strict=*/false);
  const bool waits = before.Block(Request(later), /*strict=*/false);
  TouchedKeys run;
  run.Add(Request(later), /*strict=*/false);
  EXPECT_EQ(before.Block(run), waits) << later << " after " << earlier;
  return waits;
}

constexpr char kPut[] = "put { table: 't' key: 'k' }";
constexpr char kPutElsewhere[] = "put { table: 'x' key: 'k' }";

TEST(TouchedKeys, RequestsOnOneKeyWaitForEachOther) {
  const std::vector<std::string> on_key = {
      kPut,
      "read { table: 't' keys: ['a', 'k'] }",
      "remove { table: 't' key: 'k' }",
      "increment { table: 't' key: 'k' }",
      "append { table: 't' key: 'k' }",
      "expire { table: 't' key: 'k' }",
      "hset { table: 't' pair { key: 'k' } }",
      "transaction { compares { table: 't' key: 'k' } }",
      "transaction { then { put { table: 't' key: 'k' } } }",
      "transaction { otherwise { put { table: 't' key: 'k' } } }",
  };
  for (const std::string& earlier : on_key) {
    for (const std::string& later : on_key) EXPECT_TRUE(Waits(later, earlier));
    EXPECT_FALSE(Waits(kPutElsewhere, earlier)) << earlier;
    EXPECT_FALSE(Waits(earlier, kPutElsewhere)) << earlier;
    EXPECT_FALSE(Waits("read { table: 't' keys: 'other' }", earlier));
  }
}

TEST(TouchedKeys, WholeTablesWaitForTheirKeysAndKeysForThem) {
  for (const char* whole :
       {"hgetall { table: 't' }", "scan { table: 't' prefix: 'z' }",
        "count_keys { table: 't' }", "drop_table { table: 't' }",
        "rename_table { table: 't' new_name: 'u' }",
        "rename_table { table: 'u' new_name: 't' }"}) {
    EXPECT_TRUE(Waits(whole, kPut)) << whole;
    EXPECT_TRUE(Waits(kPut, whole)) << whole;
    EXPECT_TRUE(Waits(whole, "drop_table { table: 't' }")) << whole;
    EXPECT_FALSE(Waits(whole, kPutElsewhere)) << whole;
    EXPECT_FALSE(Waits(kPutElsewhere, whole)) << whole;
  }
}

TEST(TouchedKeys, ListTablesWaitsForEverythingAndAllKeysForIt) {
  constexpr char kList[] = "list_tables { prefix: 'z' }";
  for (const char* other :
       {kPut, kPutElsewhere, "hget { table: 't' key: 'k' }",
        "drop_table { table: 't' }", "rename_table { table: 't' }",
        "scan { table: 't' }", "transaction { then { put { } } }"}) {
    EXPECT_TRUE(Waits(kList, other)) << other;
    EXPECT_TRUE(Waits(other, kList)) << other;
  }
  EXPECT_FALSE(Waits(kList, "ping {}"));
  EXPECT_FALSE(Waits("ping {}", kList));
}

TEST(TouchedKeys, WhatIsClearedBlocksNothing) {
  TouchedKeys touched;
  touched.Add(Request("list_tables {}"), false);
  touched.Add(Request("drop_table { table: 't' }"), true);
  touched.Clear();
  EXPECT_FALSE(touched.Block(Request(kPut), false));
}

}  // namespace
}  // namespace coffer::server
