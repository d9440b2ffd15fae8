#include "coffer/server/storage/table_registry.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

TEST(TableRegistry, FindOfUnknownNameRegistersNothing) {
  TableRegistry registry;
  EXPECT_EQ(registry.Find("t"), kNoTable);
  EXPECT_EQ(registry.Find("t"), kNoTable);
  EXPECT_EQ(registry.size(), 0u);
}

TEST(TableRegistry, TableLivesFromFirstKeyToLast) {
  TableRegistry registry;
  const TableId id = registry.AddKey("t");
  EXPECT_NE(id, kNoTable);
  EXPECT_EQ(registry.AddKey("t"), id);
  EXPECT_EQ(registry.Find("t"), id);
  registry.RemoveKey("t");
  EXPECT_EQ(registry.Find("t"), id);
  registry.RemoveKey("t");
  EXPECT_EQ(registry.Find("t"), kNoTable);
  EXPECT_EQ(registry.size(), 0u);
}

TEST(TableRegistry, NameUsedAgainGetsANewId) {
  TableRegistry registry;
  std::set<TableId> ids;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(ids.insert(registry.AddKey("t")).second);
    registry.RemoveKey("t");
  }
}

TEST(TableRegistry, NamesAreAnyBytes) {
  TableRegistry registry;
  const std::vector<absl::string_view> names = {
      "",  ":",       absl::string_view("\0", 1), absl::string_view("a\0", 2),
      "a", "\xff\xfe"};
  std::set<TableId> ids;
  for (absl::string_view name : names) ids.insert(registry.AddKey(name));
  EXPECT_EQ(ids.size(), names.size());
  EXPECT_EQ(registry.size(), names.size());
}

// Each thread owns one key of the table, so first and last keys come and go in
// every order; a lost or doubled count trips an assertion or stays behind.
TEST(TableRegistry, RacingFirstAndLastKeysLeaveNothing) {
  TableRegistry registry;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&registry] {
      for (int i = 0; i < 5000; ++i) {
        const TableId id = registry.AddKey("t");
        EXPECT_EQ(registry.Find("t"), id);  // alive while our key counts
        registry.RemoveKey("t");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry.size(), 0u);
}

}  // namespace
}  // namespace coffer::server
