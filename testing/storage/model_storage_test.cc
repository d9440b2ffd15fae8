#include "coffer/testing/storage/model_storage.h"

#include <memory>

#include "absl/status/status.h"
#include "coffer/server/storage/batch.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/storage/storage_conformance.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using ::coffer::server::Batch;
using ::coffer::server::Storage;

StorageUnderTest Engine() {
  auto clock = std::make_shared<ManualClock>();
  auto data = std::make_shared<std::shared_ptr<ModelStorage::Data>>();
  return {.name = "ModelStorage",
          .open =
              [clock, data] {
                *data = std::make_shared<ModelStorage::Data>();
                return std::make_unique<ModelStorage>(*data, clock.get());
              },
          .reopen =
              [clock, data](std::unique_ptr<Storage>) {
                return std::make_unique<ModelStorage>(*data, clock.get());
              },
          .clock = clock};
}

const bool kConformance = RegisterStorageConformance(Engine());

TEST(ModelStorage, ConformanceIsRegistered) { EXPECT_TRUE(kConformance); }

TEST(ModelStorage, RefusedWritesDoNothingAndReadsGoOn) {
  ModelStorage storage;
  storage.RefuseWrites(absl::UnavailableError("full"));
  Batch batch;
  batch.Set("t", "k", "v");
  batch.Get("t", "k");
  EXPECT_TRUE(storage.Submit(batch, nullptr));
  EXPECT_EQ(batch.ops()[0].status, absl::UnavailableError("full"));
  EXPECT_TRUE(batch.ops()[1].status.ok());
  EXPECT_FALSE(batch.ops()[1].found);
  storage.RefuseWrites(absl::OkStatus());
  EXPECT_TRUE(storage.Submit(batch, nullptr));
  EXPECT_TRUE(batch.ops()[1].found);
}

}  // namespace
}  // namespace coffer_testing
