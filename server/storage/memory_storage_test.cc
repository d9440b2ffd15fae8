// What MemoryStorage does beyond what the conformance suite asks of every
// engine.

#include "coffer/server/storage/memory_storage.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "coffer/server/storage/storage.h"
#include "coffer/testing/storage/storage_conformance.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

const bool kConformance = coffer_testing::RegisterStorageConformance({
    .name = "MemoryStorage",
    .open = [] { return std::make_unique<MemoryStorage>(); },
});

void Execute(Storage& storage, Batch& batch) {
  ASSERT_TRUE(storage.Submit(batch, nullptr));
}

TEST(MemoryStorage, ConformanceIsRegistered) { EXPECT_TRUE(kConformance); }

TEST(MemoryStorage, SubmitFinishesInlineAndDropsDone) {
  MemoryStorage storage;
  Batch batch;
  batch.Set("t", "k", "v");
  auto token = std::make_shared<int>(0);
  bool called = false;
  EXPECT_TRUE(storage.Submit(batch, [token, &called] { called = true; }));
  EXPECT_FALSE(called);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(MemoryStorage, DeclaresWhatItIs) {
  MemoryStorage storage;
  EXPECT_EQ(storage.name(), "memory");
  EXPECT_FALSE(storage.capabilities().durable);
  EXPECT_TRUE(storage.capabilities().atomic_across_keys);
  EXPECT_FALSE(storage.capabilities().ordered_scan);
}

TEST(MemoryStorage, FirstVersionIsOne) {
  MemoryStorage storage;
  Batch batch;
  batch.Set("t", "k", "v");
  Execute(storage, batch);
  EXPECT_EQ(batch.ops()[0].version, 1u);  // 0 is kept for "absent"
}

TEST(MemoryStorage, ResultSharesTheStoredBytes) {
  MemoryStorage storage;
  Batch batch;
  batch.Set("t", "k", "v");
  batch.Get("t", "k");
  batch.GetTable("t");
  Execute(storage, batch);
  ASSERT_EQ(batch.ops()[2].entries.size(), 1u);
  EXPECT_EQ(batch.ops()[1].value_out.view().data(),
            batch.ops()[2].entries[0].value.view().data());
}

// Two tables in one group: reads of both must agree although the tables
// themselves come and go.
TEST(MemoryStorage, GroupOverTwoTablesThatComeAndGoIsSeenWhole) {
  MemoryStorage storage;
  std::atomic<bool> finished{false};
  std::thread writer([&] {
    for (int i = 0; i < 3000; ++i) {
      Batch batch;
      const uint32_t group = batch.NewGroup();
      if (i % 2 == 0) {
        batch.Set("left", "k", "v", false, group);
        batch.Set("right", "k", "v", false, group);
      } else {
        batch.Delete("left", "k", false, group);
        batch.Delete("right", "k", false, group);
      }
      EXPECT_TRUE(storage.Submit(batch, nullptr));
    }
    finished = true;
  });
  Batch batch;
  do {
    batch.Clear();
    const uint32_t group = batch.NewGroup();
    batch.Get("left", "k", group);
    batch.Exists("right", "k", group);
    Execute(storage, batch);
    EXPECT_EQ(batch.ops()[0].found, batch.ops()[1].found);
  } while (!finished);
  writer.join();
  EXPECT_EQ(storage.counts().tables, 0u);
}

}  // namespace
}  // namespace coffer::server
