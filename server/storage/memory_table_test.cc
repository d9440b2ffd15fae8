#include "coffer/server/storage/memory_table.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

std::string Key(int i) { return absl::StrCat("key", i); }

void Fill(MemoryTable* table, int begin, int end) {
  for (int i = begin; i < end; ++i) {
    table->Insert(Key(i), {SharedBytes::Copy(Key(i)), uint64_t(i) + 1});
  }
}

// All keys, a segment after the other; `between` is called after each.
template <class Between>
std::vector<std::string> Walk(const MemoryTable& table, Between between) {
  std::vector<std::string> keys;
  std::vector<MemoryTable::Found> found;
  MemoryTable::Position position;
  uint64_t last_hash = 0;
  do {
    position = {table.SegmentFrom(position, &found), ""};
    for (const MemoryTable::Found& key : found) {
      EXPECT_LE(last_hash, key.hash);
      EXPECT_EQ(key.hash, MemoryTable::HashOf(key.key->view()));
      last_hash = key.hash;
      keys.emplace_back(key.key->view());
    }
    between();
  } while (position.hash != 0);
  return keys;
}

TEST(MemoryTable, KeysAreFoundWhenSegmentsHaveSplitOften) {
  constexpr int kKeys = 50000;
  MemoryTable table;
  Fill(&table, 0, kKeys);
  EXPECT_EQ(table.size(), size_t{kKeys});
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_NE(table.Find(Key(i)), nullptr) << i;
    EXPECT_EQ(table.Find(Key(i))->version, uint64_t(i) + 1);
  }
  EXPECT_EQ(table.Find("absent"), nullptr);
  for (int i = 0; i < kKeys; i += 2) {
    EXPECT_EQ(table.Erase(Key(i)).value.view(), Key(i));
  }
  for (int i = 0; i < kKeys; ++i) {
    EXPECT_EQ(table.Find(Key(i)) != nullptr, i % 2 == 1);
  }
  EXPECT_EQ(table.size(), size_t{kKeys / 2});
}

TEST(MemoryTable, WalkMeetsEachKeyOnceAndNoSegmentIsLarge) {
  MemoryTable table;
  Fill(&table, 0, 40000);
  std::vector<MemoryTable::Found> found;
  uint64_t next = 0;
  do {
    next = table.SegmentFrom({next, ""}, &found);
    EXPECT_LE(found.size(), MemoryTable::kSegmentKeysMax);
  } while (next != 0);
  const std::vector<std::string> keys = Walk(table, [] {});
  EXPECT_EQ(keys.size(), 40000u);
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 40000u);
  int visited = 0;
  EXPECT_TRUE(table.ForEach([&](const SharedBytes&, const MemoryRecord&) {
    ++visited;
    return true;
  }));
  EXPECT_EQ(visited, 40000);
}

TEST(MemoryTable, WalkMeetsWhatIsThereThroughoutWhileTheTableGrows) {
  MemoryTable table;
  Fill(&table, 0, 10000);
  int added = 10000;
  const std::vector<std::string> keys = Walk(table, [&] {
    if (added >= 100000) return;
    Fill(&table, added, added + 5000);
    added += 5000;
  });
  EXPECT_GT(added, 20000) << "it was split meanwhile";
  const std::set<std::string> met(keys.begin(), keys.end());
  EXPECT_EQ(met.size(), keys.size()) << "none twice";
  for (int i = 0; i < 10000; ++i) EXPECT_EQ(met.count(Key(i)), 1u) << i;
}

TEST(MemoryTable, PositionWithinASegment) {
  MemoryTable table;
  Fill(&table, 0, 1000);
  std::vector<MemoryTable::Found> all;
  std::vector<MemoryTable::Found> rest;
  table.SegmentFrom({}, &all);
  for (size_t i = 0; i < all.size(); ++i) {
    table.SegmentFrom({all[i].hash, std::string(all[i].key->view())}, &rest);
    ASSERT_EQ(rest.size(), all.size() - i);
    EXPECT_EQ(rest[0].key, all[i].key);
  }
}

TEST(MemoryTable, ExpiryInTheOrderOfTime) {
  MemoryTable table;
  Fill(&table, 0, 10);
  EXPECT_EQ(table.first_expiry_ms(), MemoryTable::kNever);
  for (int i = 0; i < 10; ++i) {
    table.SetExpiry(Key(i), table.Find(Key(i)), 100 - i);
  }
  table.SetExpiry(Key(9), table.Find(Key(9)), 0);
  table.SetExpiry(Key(8), table.Find(Key(8)), 1000);
  table.Erase(Key(7));
  EXPECT_EQ(table.first_expiry_ms(), 94u);
  EXPECT_EQ(table.ExpiresAtMs(Key(8), *table.Find(Key(8))), 1000u);
  EXPECT_EQ(table.ExpiresAtMs(Key(9), *table.Find(Key(9))), 0u);
  std::string due;
  table.ForEachDue(97, [&](const SharedBytes& key) {
    absl::StrAppend(&due, key.view(), " ");
    return true;
  });
  EXPECT_EQ(due, "key6 key5 key4 key3 ");
}

TEST(MemoryTable, WhatIsDueIsKnownWithoutLookingAtKeys) {
  MemoryTable table;
  Fill(&table, 0, 100);
  uint64_t bytes = 0;
  for (int i = 0; i < 100; ++i) {
    MemoryRecord* const record = table.Find(Key(i));
    table.SetExpiry(Key(i), record, 1000 + i / 10);
    if (i < 50) bytes += Key(i).size() + record->value.size();
  }
  EXPECT_EQ(table.Due(999).keys, 0u);
  EXPECT_EQ(table.Due(1004).keys, 50u);
  EXPECT_EQ(table.Due(1004).bytes, bytes);
  EXPECT_EQ(table.Due(2000).keys, 100u);
  // A value that changes, and is told of, as the engine does it.
  MemoryRecord* const record = table.Find(Key(0));
  bytes += 100 - record->value.size();
  record->value = SharedBytes::Copy(std::string(100, 'v'));
  table.SetExpiry(Key(0), record, 1001);
  EXPECT_EQ(table.Due(1004).bytes, bytes);
  EXPECT_EQ(table.Due(1000).keys, 9u);
  bytes -= Key(0).size() + 100;
  table.Erase(Key(0));
  EXPECT_EQ(table.Due(1004).keys, 49u);
  EXPECT_EQ(table.Due(1004).bytes, bytes);
  for (int i = 1; i < 100; ++i) {
    table.SetExpiry(Key(i), table.Find(Key(i)), 0);
  }
  EXPECT_EQ(table.Due(2000).keys, 0u);
  EXPECT_EQ(table.Due(2000).bytes, 0u);
}

TEST(MemoryTable, FreedInPieces) {
  MemoryTable table;
  Fill(&table, 0, 40000);
  int pieces = 1;
  while (table.FreeSome()) ++pieces;
  EXPECT_GT(pieces, 8);
  MemoryTable expiring;
  Fill(&expiring, 0, 5000);
  for (int i = 0; i < 5000; ++i) {
    expiring.SetExpiry(Key(i), expiring.Find(Key(i)), 1000);
  }
  const auto without = static_cast<int>(5000 / MemoryTable::kSegmentKeysMax);
  for (pieces = 1; expiring.FreeSome();) ++pieces;
  EXPECT_GT(pieces, 2 * without - 2) << "the times, and the keys";
  MemoryTable small;
  Fill(&small, 0, 10);
  EXPECT_FALSE(small.FreeSome());
}

}  // namespace
}  // namespace coffer::server
