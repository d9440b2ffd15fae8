#include "counting_storage.h"

#include <memory>

#include "coffer/sdk/clock.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/storage/storage_conformance.h"
#include "gtest/gtest.h"

namespace {

using coffer::server::Batch;
using coffer::server::MemoryStorage;

std::unique_ptr<CountingStorage> MakeStorage(const coffer::Clock* clock) {
  return std::make_unique<CountingStorage>(
      std::make_unique<MemoryStorage>(clock));
}

// A test for each check of the suite: CountingStorageConformance.SetThenGet and
// so on. The suite moves the time in which keys expire.
coffer_testing::StorageUnderTest Engine() {
  auto clock = std::make_shared<coffer_testing::ManualClock>();
  return {.name = "CountingStorage",
          .open = [clock] { return MakeStorage(clock.get()); },
          .clock = clock};
}

const bool kConformance = coffer_testing::RegisterStorageConformance(Engine());

TEST(CountingStorage, CountsWritesOnly) {
  ASSERT_TRUE(kConformance);
  const auto storage = MakeStorage(&coffer::Clock::System());
  Batch batch;
  batch.Set("table", "key", "value");
  batch.Get("table", "key");
  batch.Delete("table", "key");
  ASSERT_TRUE(storage->Submit(batch, nullptr));
  EXPECT_TRUE(batch.ops()[1].found);
  EXPECT_EQ(storage->writes(), 2u);
}

}  // namespace
