#include "coffer/testing/storage/deferred_storage.h"

#include <future>
#include <memory>
#include <thread>

#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/storage/storage_conformance.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using ::coffer::server::Batch;
using ::coffer::server::MemoryStorage;

// That the suite serves engines that finish later, and that this is one.
const bool kConformance = RegisterStorageConformance({
    .name = "DeferredStorage",
    .open =
        [] {
          return std::make_unique<DeferredStorage>(
              std::make_unique<MemoryStorage>());
        },
});

TEST(DeferredStorage, HeldBatchWaitsForRelease) {
  ASSERT_TRUE(kConformance);
  DeferredStorage storage(std::make_unique<MemoryStorage>());
  storage.Hold();
  Batch batch;
  batch.Set("t", "k", "v");
  std::promise<std::thread::id> done;
  EXPECT_FALSE(storage.Submit(
      batch, [&done] { done.set_value(std::this_thread::get_id()); }));
  EXPECT_EQ(storage.waiting(), 1u);
  EXPECT_EQ(storage.counts().keys, 0u);
  storage.Release();
  EXPECT_NE(done.get_future().get(), std::this_thread::get_id());
  EXPECT_EQ(storage.counts().keys, 1u);
  EXPECT_NE(batch.ops()[0].version, 0u);
}

TEST(DeferredStorage, DestructorFinishesWhatWaits) {
  Batch batches[3];
  int done = 0;
  {
    DeferredStorage storage(std::make_unique<MemoryStorage>());
    storage.Hold();
    for (Batch& batch : batches) {
      batch.Set("t", "k", "v");
      EXPECT_FALSE(storage.Submit(batch, [&done] { ++done; }));
    }
  }
  EXPECT_EQ(done, 3);
  EXPECT_EQ(batches[2].ops()[0].version, 3u);
}

// A deliberately wrong program: looks at a result without waiting for it, which
// with an engine that finishes inside Submit goes well.
bool LooksTooEarly(coffer::server::Storage& storage) {
  const auto batch = std::make_shared<Batch>();
  batch->Exists("t", "k");
  storage.Submit(*batch, [batch] {});
  return batch->ops()[0].found;
}

bool LooksWhenItIsDone(coffer::server::Storage& storage) {
  Batch batch;
  batch.Exists("t", "k");
  std::promise<void> done;
  if (!storage.Submit(batch, [&done] { done.set_value(); })) {
    done.get_future().wait();
  }
  return batch.ops()[0].found;
}

std::unique_ptr<MemoryStorage> StorageWithTheKey() {
  auto storage = std::make_unique<MemoryStorage>();
  Batch batch;
  batch.Set("t", "k", "v");
  EXPECT_TRUE(storage->Submit(batch, [] {}));
  return storage;
}

TEST(DeferredStorage, ExposesALookBeforeItIsDone) {
  EXPECT_TRUE(LooksTooEarly(*StorageWithTheKey()));
  DeferredStorage storage(StorageWithTheKey());
  EXPECT_TRUE(LooksWhenItIsDone(storage));
  storage.Hold();
  internal::CapturedFailures captured;
  EXPECT_TRUE(LooksTooEarly(storage)) << "the key is there";
  const auto failures = captured.Get();
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_THAT(failures[0].message, ::testing::HasSubstr("the key is there"));
}

}  // namespace
}  // namespace coffer_testing
