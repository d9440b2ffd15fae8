#include "coffer/server/storage/memory_shard.h"

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

MemoryRecord Record(absl::string_view value, uint64_t version) {
  return {SharedBytes::Copy(value), version};
}

TEST(MemoryShard, FindOfAbsentKeyCostsNothing) {
  MemoryShard shard;
  EXPECT_EQ(shard.Find(1, "k"), nullptr);
  EXPECT_EQ(shard.tables(), 0u);
  EXPECT_EQ(shard.keys(), 0u);
}

TEST(MemoryShard, SameKeyOfTwoTablesIsTwoRecords) {
  MemoryShard shard;
  shard.Insert(1, "k", Record("one", 10));
  shard.Insert(2, "k", Record("two", 11));
  ASSERT_NE(shard.Find(1, "k"), nullptr);
  EXPECT_EQ(shard.Find(1, "k")->value.view(), "one");
  EXPECT_EQ(shard.Find(2, "k")->version, 11u);
  EXPECT_EQ(shard.keys(), 2u);
}

TEST(MemoryShard, ErasedLastKeyTakesItsTableAlong) {
  MemoryShard shard;
  shard.Insert(1, "a", Record("x", 1));
  shard.Insert(1, "b", Record("y", 2));
  EXPECT_EQ(shard.Erase(1, "a").value.view(), "x");
  EXPECT_EQ(shard.tables(), 1u);
  EXPECT_EQ(shard.Erase(1, "b").version, 2u);
  EXPECT_EQ(shard.tables(), 0u);
  EXPECT_EQ(shard.keys(), 0u);
}

TEST(MemoryShard, ForEachVisitsEachKeyOfTheTableOnce) {
  MemoryShard shard;
  for (int i = 0; i < 100; ++i) {
    shard.Insert(1, std::to_string(i), Record("v", i + 1));
  }
  shard.Insert(2, "other", Record("v", 1000));
  std::map<std::string, int> seen;
  EXPECT_TRUE(shard.ForEach(1, [&](const SharedBytes& key, const auto&) {
    ++seen[std::string(key.view())];
    return true;
  }));
  EXPECT_EQ(seen.size(), 100u);
  for (const auto& [key, times] : seen) EXPECT_EQ(times, 1) << key;
}

TEST(MemoryShard, ForEachStopsWhenTold) {
  MemoryShard shard;
  for (int i = 0; i < 10; ++i)
    shard.Insert(1, std::to_string(i), Record("", 1));
  int visits = 0;
  EXPECT_FALSE(shard.ForEach(
      1, [&](const SharedBytes&, const auto&) { return ++visits < 3; }));
  EXPECT_EQ(visits, 3);
}

}  // namespace
}  // namespace coffer::server
