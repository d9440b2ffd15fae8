// What MemoryStorage does beyond what the conformance suite asks of every
// engine.

#include "coffer/server/storage/memory_storage.h"

#include <memory>

#include "absl/strings/string_view.h"
#include "coffer/server/storage/storage.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/storage/storage_conformance.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

coffer_testing::StorageUnderTest Engine() {
  auto clock = std::make_shared<coffer_testing::ManualClock>();
  return {
      .name = "MemoryStorage",
      .open = [clock] { return std::make_unique<MemoryStorage>(clock.get()); },
      .clock = clock};
}

const bool kConformance = coffer_testing::RegisterStorageConformance(Engine());

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
  EXPECT_TRUE(storage.capabilities().tells_changes);
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

}  // namespace
}  // namespace coffer::server
