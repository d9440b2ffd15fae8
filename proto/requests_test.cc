#include "coffer/proto/requests.h"

#include <map>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

TEST(Requests, CommandsOfOneKey) {
  EXPECT_EQ(MakeHget("t", "k").ShortDebugString(),
            R"(hget { table: "t" key: "k" })");
  EXPECT_EQ(MakeHdel("t", "k").ShortDebugString(),
            R"(hdel { table: "t" key: "k" })");
  EXPECT_EQ(MakeHexist("t", "k").ShortDebugString(),
            R"(hexist { table: "t" key: "k" })");
  EXPECT_EQ(MakeHgetall("t").ShortDebugString(), R"(hgetall { table: "t" })");
}

TEST(Requests, HsetTakesEveryKindOfValue) {
  const auto text = [](const CommandRequest& request) {
    return request.hset().pair().value().ShortDebugString();
  };
  EXPECT_EQ(MakeHset("t", "k", "v").ShortDebugString(),
            R"(hset { table: "t" pair { key: "k" value { string: "v" } } })");
  EXPECT_EQ(text(MakeHset("t", "k", std::string("v"))), R"(string: "v")");
  EXPECT_EQ(text(MakeHset("t", "k", 0)), "integer: 0");
  EXPECT_EQ(text(MakeHset("t", "k", 1.5)), "float: 1.5");
  EXPECT_EQ(text(MakeHset("t", "k", false)), "bool: false");
  EXPECT_EQ(text(MakeHset("t", "k", BytesValue("v"))), R"(binary: "v")");
  const CommandRequest empty = MakeHset("t", "k", Value());
  EXPECT_TRUE(empty.hset().pair().has_value());
  EXPECT_EQ(text(empty), "");
}

TEST(Requests, CommandsOfSeveralKeysTakeBracedLists) {
  EXPECT_EQ(MakeHmget("t", {"a", "b"}).ShortDebugString(),
            R"(hmget { table: "t" keys: "a" keys: "b" })");
  EXPECT_EQ(MakeHmdel("t", {"a", "b"}).ShortDebugString(),
            R"(hmdel { table: "t" keys: "a" keys: "b" })");
  EXPECT_EQ(MakeHmexist("t", {"a", "b"}).ShortDebugString(),
            R"(hmexist { table: "t" keys: "a" keys: "b" })");
  EXPECT_EQ(MakeHmget("t", {}).ShortDebugString(), R"(hmget { table: "t" })");
}

TEST(Requests, CommandsOfSeveralKeysTakeRanges) {
  const std::vector<std::string> keys = {"a", "b"};
  EXPECT_EQ(MakeHmget("t", keys).ShortDebugString(),
            MakeHmget("t", {"a", "b"}).ShortDebugString());
  const std::vector<absl::string_view> views = {"a", "b"};
  EXPECT_EQ(MakeHmdel("t", views).ShortDebugString(),
            MakeHmdel("t", {"a", "b"}).ShortDebugString());
  const char* const array[] = {"a", "b"};
  EXPECT_EQ(MakeHmexist("t", array).ShortDebugString(),
            MakeHmexist("t", {"a", "b"}).ShortDebugString());
  EXPECT_EQ(MakeHmget("t", std::vector<std::string>()).request_data_case(),
            CommandRequest::kHmget);
}

TEST(Requests, HmsetTakesBracedListOfMixedValues) {
  EXPECT_EQ(MakeHmset("t", {{"a", 1}, {"b", "x"}, {"c", BytesValue("y")}})
                .ShortDebugString(),
            R"(hmset { table: "t" )"
            R"(pairs { key: "a" value { integer: 1 } } )"
            R"(pairs { key: "b" value { string: "x" } } )"
            R"(pairs { key: "c" value { binary: "y" } } })");
}

TEST(Requests, HmsetTakesRangesInTheirOrder) {
  const std::vector<std::pair<std::string, int>> pairs = {{"b", 2}, {"a", 1}};
  EXPECT_EQ(MakeHmset("t", pairs).ShortDebugString(),
            MakeHmset("t", {{"b", 2}, {"a", 1}}).ShortDebugString());
  const std::map<std::string, Value> values = {{"a", ToValue("x")},
                                               {"b", ToValue(true)}};
  EXPECT_EQ(MakeHmset("t", values).ShortDebugString(),
            MakeHmset("t", {{"a", "x"}, {"b", true}}).ShortDebugString());
}

// Long enough not to fit into a std::string itself: a view of one that is gone
// is a use after free.
std::string LongKey(int i) { return std::string(100, 'a' + i % 26); }

TEST(Requests, KeysThatARangeMakesAsItGoesLiveLongEnough) {
  const auto keys = std::views::iota(0, 3) | std::views::transform(LongKey);
  const auto same = [](const auto& got) {
    return std::vector<std::string>(got.begin(), got.end()) ==
           std::vector<std::string>{LongKey(0), LongKey(1), LongKey(2)};
  };
  EXPECT_TRUE(same(MakeHmget("t", keys).hmget().keys()));
  EXPECT_TRUE(same(MakeHmdel("t", keys).hmdel().keys()));
  EXPECT_TRUE(same(MakeHmexist("t", keys).hmexist().keys()));
  const auto pairs = keys | std::views::transform([](std::string key) {
                       return std::pair(key, key + "!");
                     });
  const CommandRequest hmset = MakeHmset("t", pairs);
  ASSERT_EQ(hmset.hmset().pairs_size(), 3);
  EXPECT_EQ(hmset.hmset().pairs(2).key(), LongKey(2));
  EXPECT_EQ(hmset.hmset().pairs(2).value().string(), LongKey(2) + "!");
}

// A filter can be iterated only if it is not const.
TEST(Requests, FilteredRangesAreTaken) {
  const std::vector<std::string> keys = {"a", "", "b"};
  auto filled = keys | std::views::filter(
                           [](const std::string& key) { return !key.empty(); });
  EXPECT_EQ(MakeHmget("t", filled).ShortDebugString(),
            MakeHmget("t", {"a", "b"}).ShortDebugString());
  EXPECT_EQ(MakeHmdel("t", filled).ShortDebugString(),
            MakeHmdel("t", {"a", "b"}).ShortDebugString());
  EXPECT_EQ(MakeHmexist("t", filled).ShortDebugString(),
            MakeHmexist("t", {"a", "b"}).ShortDebugString());
  const std::map<std::string, int> pairs = {{"a", 1}, {"b", 2}};
  auto odd = pairs | std::views::filter(
                         [](const auto& pair) { return pair.second % 2 == 1; });
  EXPECT_EQ(MakeHmset("t", odd).ShortDebugString(),
            MakeHmset("t", {{"a", 1}}).ShortDebugString());
}

TEST(Requests, TextsMayBeStandardViews) {
  constexpr std::string_view t = "t", k = "k";
  const auto shown = [](const CommandRequest& r) {
    return r.ShortDebugString();
  };
  const std::vector<std::string_view> keys = {k, k};
  EXPECT_EQ(shown(MakeHget(t, k)), shown(MakeHget("t", "k")));
  EXPECT_EQ(shown(MakeHgetall(t)), shown(MakeHgetall("t")));
  EXPECT_EQ(shown(MakeHdel(t, k)), shown(MakeHdel("t", "k")));
  EXPECT_EQ(shown(MakeHexist(t, k)), shown(MakeHexist("t", "k")));
  EXPECT_EQ(shown(MakeHset(t, k, k)), shown(MakeHset("t", "k", "k")));
  EXPECT_EQ(shown(MakeHmget(t, {k, k})), shown(MakeHmget("t", {"k", "k"})));
  EXPECT_EQ(shown(MakeHmget(t, keys)), shown(MakeHmget("t", {"k", "k"})));
  EXPECT_EQ(shown(MakeHmdel(t, {k, k})), shown(MakeHmdel("t", {"k", "k"})));
  EXPECT_EQ(shown(MakeHmdel(t, keys)), shown(MakeHmdel("t", {"k", "k"})));
  EXPECT_EQ(shown(MakeHmexist(t, {k})), shown(MakeHmexist("t", {"k"})));
  EXPECT_EQ(shown(MakeHmexist(t, keys)), shown(MakeHmexist("t", {"k", "k"})));
  EXPECT_EQ(shown(MakeHmset(t, {{k, k}})), shown(MakeHmset("t", {{"k", "k"}})));
  const std::map<std::string_view, std::string_view> pairs = {{k, k}};
  EXPECT_EQ(shown(MakeHmset(t, pairs)), shown(MakeHmset("t", {{"k", "k"}})));
}

// A range of something else is refused by the constraint, where a caller can
// ask, and not by an error from inside the function.
static_assert(KeyRange<std::vector<std::string>&>);
static_assert(!KeyRange<std::vector<int>&>);
static_assert(!KeyRange<const std::string&>);
static_assert(PairRange<std::map<std::string, int>&>);
static_assert(PairRange<std::vector<std::tuple<const char*, Value>>>);
static_assert(!PairRange<std::map<int, int>&>);
static_assert(!PairRange<std::map<std::string, void*>&>);
static_assert(!PairRange<std::vector<std::string>&>);

TEST(Requests, CommandsOfTables) {
  EXPECT_EQ(MakeListTables().ShortDebugString(), "list_tables { }");
  EXPECT_EQ(MakeListTables("a").ShortDebugString(),
            R"(list_tables { prefix: "a" })");
  EXPECT_EQ(MakeCountKeys("t").ShortDebugString(),
            R"(count_keys { table: "t" })");
  EXPECT_EQ(MakeDropTable("t").ShortDebugString(),
            R"(drop_table { table: "t" })");
  EXPECT_EQ(MakeRenameTable("t", "u").ShortDebugString(),
            R"(rename_table { table: "t" new_name: "u" })");
  EXPECT_EQ(MakeScan("t").ShortDebugString(), R"(scan { table: "t" })");
  EXPECT_EQ(MakeScan("t", "p").ShortDebugString(),
            R"(scan { table: "t" prefix: "p" })");
}

TEST(Requests, ReadTakesListsAndRanges) {
  EXPECT_EQ(MakeRead("t", {"a", "b"}).ShortDebugString(),
            R"(read { table: "t" keys: "a" keys: "b" })");
  const std::vector<std::string_view> keys = {"a", "b"};
  EXPECT_EQ(MakeRead("t", keys).ShortDebugString(),
            MakeRead("t", {"a", "b"}).ShortDebugString());
}

TEST(Requests, WritesHaveTheirConditionsAndExpiries) {
  v1::Condition absent;
  absent.set_absent(true);
  v1::Condition version;
  version.set_version(0);
  v1::Expiry after;
  after.set_after_ms(5);
  EXPECT_EQ(MakePut("t", "k", 1).ShortDebugString(),
            R"(put { table: "t" key: "k" value { integer: 1 } })");
  EXPECT_EQ(MakePut("t", "k", "v", absent, after).ShortDebugString(),
            R"(put { table: "t" key: "k" value { string: "v" } )"
            R"(condition { absent: true } expiry { after_ms: 5 } })");
  EXPECT_EQ(MakeRemove("t", "k").ShortDebugString(),
            R"(remove { table: "t" key: "k" })");
  EXPECT_EQ(MakeRemove("t", "k", version).ShortDebugString(),
            R"(remove { table: "t" key: "k" condition { version: 0 } })");
  EXPECT_EQ(MakeExpire("t", "k", after).ShortDebugString(),
            R"(expire { table: "t" key: "k" expiry { after_ms: 5 } })");
  EXPECT_EQ(MakeExpire("t", "k", after, absent).ShortDebugString(),
            R"(expire { table: "t" key: "k" expiry { after_ms: 5 } )"
            R"(condition { absent: true } })");
  EXPECT_EQ(MakeIncrement("t", "k", -1).ShortDebugString(),
            R"(increment { table: "t" key: "k" integer: -1 })");
  EXPECT_EQ(MakeIncrement("t", "k", 1.5f).ShortDebugString(),
            R"(increment { table: "t" key: "k" float: 1.5 })");
  EXPECT_EQ(MakeAppend("t", "k", "v").ShortDebugString(),
            R"(append { table: "t" key: "k" value { string: "v" } })");
  EXPECT_EQ(MakeAppend("t", "k", BytesValue("v")).ShortDebugString(),
            R"(append { table: "t" key: "k" value { binary: "v" } })");
}

TEST(Requests, TransactionIsMadeOfComparesAndRequests) {
  v1::Expiry never;
  never.set_never(true);
  EXPECT_EQ(
      MakeTransaction({CompareVersion("t", "k", v1::NOT_EQUAL, 7),
                       CompareValue("t", "k", v1::EQUAL, "v")},
                      {MakeRead("t", {"k"}), MakePut("t", "k", 1),
                       MakeRemove("t", "k"), MakeIncrement("t", "k", 1),
                       MakeAppend("t", "k", "v"), MakeExpire("t", "k", never)},
                      {MakeRead("u", {"k"})})
          .ShortDebugString(),
      R"(transaction { )"
      R"(compares { table: "t" key: "k" relation: NOT_EQUAL version: 7 } )"
      R"(compares { table: "t" key: "k" value { string: "v" } } )"
      R"(then { read { table: "t" keys: "k" } } )"
      R"(then { put { table: "t" key: "k" value { integer: 1 } } } )"
      R"(then { remove { table: "t" key: "k" } } )"
      R"(then { increment { table: "t" key: "k" integer: 1 } } )"
      R"(then { append { table: "t" key: "k" value { string: "v" } } } )"
      R"(then { expire { table: "t" key: "k" expiry { never: true } } } )"
      R"(otherwise { read { table: "u" keys: "k" } } })");
  EXPECT_EQ(ToOperation(MakeHget("t", "k")).operation_case(),
            v1::Operation::OPERATION_NOT_SET);
}

TEST(Requests, NamesMayHoldAnything) {
  const std::string name("a:b\0c", 5);
  const CommandRequest request = MakeHget(name, "");
  EXPECT_EQ(request.hget().table(), name);
  EXPECT_EQ(request.hget().key(), "");
  EXPECT_EQ(MakeHmget(name, {name}).hmget().keys(0), name);
}

}  // namespace
}  // namespace coffer
