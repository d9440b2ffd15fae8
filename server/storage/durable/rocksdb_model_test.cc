// RocksDbStorage beside ModelStorage: the same operations, at random, must have
// the same results, also when it is closed and opened again in between.

#include <chrono>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "coffer/server/storage/durable/durable_test_util.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/storage/model_comparison.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using coffer_testing::ManualClock;
using coffer_testing::MustOpen;
using coffer_testing::NewDataDir;

class RocksDbBesideTheModel : public ::testing::TestWithParam<int> {};

TEST_P(RocksDbBesideTheModel, SameResults) {
  ManualClock clock;
  clock.SetWall(absl::FromUnixMillis(1000));
  DurableOptions options;
  options.data_dir = NewDataDir();
  options.sync = SyncMode::kNever;  // that it does is shown elsewhere
  options.clock = &clock;
  std::unique_ptr<RocksDbStorage> storage = MustOpen(options);
  coffer_testing::CompareWithModel(
      storage.get(), clock,
      {.seed = static_cast<unsigned>(GetParam()),
       .rounds = 150,
       .compare_counts = false,
       .after_round = [&](int round) -> Storage* {
         // Virtual time moves so that it sweeps now and then, or not.
         if (round % 40 == 20) clock.AdvanceBy(std::chrono::milliseconds(100));
         if (round % 50 != 49) return storage.get();
         storage.reset();
         storage = MustOpen(options);
         return storage.get();
       }});
}

INSTANTIATE_TEST_SUITE_P(Seeds, RocksDbBesideTheModel, ::testing::Range(0, 40));

}  // namespace
}  // namespace coffer::server
