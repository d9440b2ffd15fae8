#include "counting_storage.h"

#include <memory>

#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/storage/storage_conformance.h"
#include "gtest/gtest.h"

namespace {

using coffer::server::Batch;
using coffer::server::MemoryStorage;

std::unique_ptr<CountingStorage> MakeStorage() {
  return std::make_unique<CountingStorage>(std::make_unique<MemoryStorage>());
}

// A test for each check of the suite: CountingStorageConformance.SetThenGet and
// so on.
const bool kConformance = coffer_testing::RegisterStorageConformance(
    {.name = "CountingStorage", .open = MakeStorage});

TEST(CountingStorage, CountsWritesOnly) {
  ASSERT_TRUE(kConformance);
  const auto storage = MakeStorage();
  Batch batch;
  batch.Set("table", "key", "value");
  batch.Get("table", "key");
  batch.Delete("table", "key");
  ASSERT_TRUE(storage->Submit(batch, nullptr));
  EXPECT_TRUE(batch.ops()[1].found);
  EXPECT_EQ(storage->writes(), 2u);
}

}  // namespace
