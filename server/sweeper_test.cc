#include "coffer/server/sweeper.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

// Has so many pieces to sweep.
class PiecesStorage final : public Storage {
 public:
  bool Submit(Batch&, Done) override { return true; }
  Capabilities capabilities() const override { return {}; }
  absl::string_view name() const override { return "pieces"; }
  StorageCounts counts() const override { return {}; }
  bool Sweep() override {
    ++calls;
    return pieces > 0 && --pieces > 0;
  }

  int pieces = 0;
  int calls = 0;
};

class SweeperTest : public ::testing::Test {
 protected:
  void Advance(std::chrono::milliseconds duration) {
    clock_.AdvanceBy(duration);
    io_.restart();
    io_.poll();
  }

  coffer_testing::ManualClock clock_;
  boost::asio::io_context io_;
  PiecesStorage storage_;
};

TEST_F(SweeperTest, EveryIntervalAndWhileThereIsMore) {
  Sweeper sweeper(io_.get_executor(), &clock_, &storage_);
  io_.poll();
  EXPECT_EQ(storage_.calls, 0);
  Advance(Sweeper::kInterval);
  EXPECT_EQ(storage_.calls, 1);
  storage_.pieces = 5;
  Advance(Sweeper::kInterval / 2);
  EXPECT_EQ(storage_.calls, 1);
  Advance(Sweeper::kInterval / 2);
  EXPECT_EQ(storage_.calls, 6);
  Advance(Sweeper::kInterval);
  EXPECT_EQ(storage_.calls, 7);
}

TEST_F(SweeperTest, OthersHaveTheirTurnBetweenThePieces) {
  Sweeper sweeper(io_.get_executor(), &clock_, &storage_);
  storage_.pieces = 100;
  clock_.AdvanceBy(Sweeper::kInterval);
  int calls_then = 0;
  boost::asio::post(io_, [&] {
    boost::asio::post(io_, [&] {
      boost::asio::post(io_, [&] { calls_then = storage_.calls; });
    });
  });
  io_.poll();
  EXPECT_LT(calls_then, 10);
  EXPECT_EQ(storage_.calls, 100);
}

TEST_F(SweeperTest, OverWhenItIsDestroyed) {
  auto sweeper =
      std::make_unique<Sweeper>(io_.get_executor(), &clock_, &storage_);
  storage_.pieces = 5;
  clock_.AdvanceBy(Sweeper::kInterval);
  sweeper.reset();
  io_.run();  // nothing is left that waits
  EXPECT_EQ(storage_.calls, 0);
}

TEST_F(SweeperTest, RemovesWhatHasExpired) {
  MemoryStorage storage(&clock_);
  Batch batch;
  std::vector<std::string> keys;
  for (int i = 0; i < 3000; ++i) keys.push_back(absl::StrCat(i));
  for (const std::string& key : keys) {
    batch.op(batch.Set("t", key, "v")).expiry = {Expiry::Kind::kAfterMs, 500};
  }
  ASSERT_TRUE(storage.Submit(batch, nullptr));
  Sweeper sweeper(io_.get_executor(), &clock_, &storage);
  Advance(std::chrono::milliseconds(600));
  EXPECT_FALSE(storage.Sweep()) << "nothing is left to do";
  EXPECT_EQ(storage.counts().tables, 0u);
}

}  // namespace
}  // namespace coffer::server
