// The conformance suite on the durable engine, each write synced, to a disk in
// memory, which takes no time for it; and again with none synced, and next to
// no cache, so that more of the reads go to the disk.

#include <memory>
#include <string>
#include <utility>

#include "coffer/server/storage/durable/durable_test_util.h"
#include "coffer/testing/disk/fake_file_system.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/storage/storage_conformance.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using coffer_testing::FakeFileSystem;
using coffer_testing::MustOpen;
using coffer_testing::NewDataDir;
using coffer_testing::StorageUnderTest;

// The suite has one store at a time; it is opened again by the same options.
StorageUnderTest Engine(std::string name, DurableOptions options) {
  auto current = std::make_shared<DurableOptions>(std::move(options));
  auto clock = std::make_shared<coffer_testing::ManualClock>();
  current->clock = clock.get();
  return {.name = std::move(name),
          .open =
              [current] {
                current->data_dir = NewDataDir();
                if (current->file_system != nullptr) {
                  current->file_system = std::make_shared<FakeFileSystem>();
                  current->data_dir = "/data";
                }
                return MustOpen(*current);
              },
          .reopen =
              [current](std::unique_ptr<Storage> storage) {
                storage.reset();
                return MustOpen(*current);
              },
          .clock = clock};
}

DurableOptions Unsynced() {
  DurableOptions options;
  options.sync = SyncMode::kNever;
  options.block_cache_bytes = 1 << 10;
  options.write_buffer_bytes = 64 << 10;
  return options;
}

DurableOptions Synced() {
  DurableOptions options;
  options.file_system = std::make_shared<FakeFileSystem>();
  return options;
}

const bool kSynced = coffer_testing::RegisterStorageConformance(
    Engine("RocksDbStorage", Synced()));
const bool kUnsynced = coffer_testing::RegisterStorageConformance(
    Engine("UnsyncedRocksDbStorage", Unsynced()));

TEST(RocksDbStorage, ConformanceIsRegistered) {
  EXPECT_TRUE(kSynced && kUnsynced);
}

}  // namespace
}  // namespace coffer::server
