// What reading and writing cost in allocations, counted by replacing operator
// new: fault 15 of the older server was that every read of an unknown table
// made it for good.

#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"
#include "coffer/server/storage/allocation_counter.h"
#include "coffer/server/storage/memory_storage.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::coffer_testing::AllocationCounter;

void Execute(Storage& storage, Batch& batch) {
  ASSERT_TRUE(storage.Submit(batch, nullptr));
}

TEST(MemoryStorageAllocation, ReadsOfAbsentNamesCostNoMemory) {
  MemoryStorage storage;
  Batch batch;
  batch.Set("t", "k", "v");
  batch.Get("t", "k");  // room for as many operations as below
  batch.Get("t", "k");
  Execute(storage, batch);
  AllocationCounter counter;
  char table[32];
  char key[32];
  for (int i = 0; i < 10000; ++i) {
    std::snprintf(table, sizeof(table), "absent table %d", i);
    std::snprintf(key, sizeof(key), "absent key %d", i);
    batch.Clear();
    batch.Get(table, key);
    batch.Exists("t", key);
    batch.GetTable(table);
    ASSERT_TRUE(storage.Submit(batch, nullptr));
    ASSERT_FALSE(batch.ops()[0].found);
  }
  EXPECT_EQ(counter.allocations(), 0u);
  EXPECT_EQ(storage.counts().tables, 1u);
  EXPECT_EQ(storage.counts().keys, 1u);
}

TEST(MemoryStorageAllocation, GetOfAPresentKeyAllocatesNothing) {
  MemoryStorage storage;
  const std::string value(64, 'v');
  Batch batch;
  batch.Set("table", "key:000000001", value);
  Execute(storage, batch);
  AllocationCounter counter;
  for (int i = 0; i < 100; ++i) {
    batch.Clear();
    batch.Get("table", "key:000000001");
    ASSERT_TRUE(storage.Submit(batch, nullptr));
    ASSERT_TRUE(batch.ops()[0].found);
  }
  EXPECT_EQ(counter.allocations(), 0u);
}

TEST(MemoryStorageAllocation, OverwritingSetAllocatesTheNewValueOnly) {
  MemoryStorage storage;
  const std::string value(64, 'v');
  Batch batch;
  batch.Set("table", "key:000000001", value);
  Execute(storage, batch);
  AllocationCounter counter;
  for (int i = 0; i < 100; ++i) {
    batch.Clear();
    batch.Set("table", "key:000000001", value);
    ASSERT_TRUE(storage.Submit(batch, nullptr));
    ASSERT_TRUE(batch.ops()[0].found);
  }
  EXPECT_EQ(counter.allocations(), 100u);
  EXPECT_EQ(counter.bytes(), 100 * (64 + 2 * sizeof(uint32_t)));
}

TEST(MemoryStorageAllocation, TableOverTheLimitIsNotCollected) {
  MemoryStorage storage;
  const std::string value(100, 'v');
  Batch batch;
  for (int i = 0; i < 10000; ++i) {
    batch.Clear();
    const std::string key = std::to_string(i);
    batch.Set("t", key, value);
    Execute(storage, batch);
  }
  batch.Clear();
  batch.set_result_bytes_max(1000);
  batch.GetTable("t");
  AllocationCounter counter;
  Execute(storage, batch);
  EXPECT_EQ(batch.ops()[0].status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_LT(counter.bytes(), 2000u);
}

}  // namespace
}  // namespace coffer::server
