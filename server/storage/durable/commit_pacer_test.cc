#include "coffer/server/storage/durable/commit_pacer.h"

#include <chrono>

#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr Clock::TimePoint kNow{std::chrono::hours(1)};
constexpr Clock::Duration kSync = milliseconds(2);

TEST(CommitPacer, BeforeTheFirstCommitThereIsNothingToWaitFor) {
  EXPECT_EQ(CommitPacer().wait().batches, 0u);
}

TEST(CommitPacer, WaitsForThoseThatAreKnownForHalfASync) {
  CommitPacer pacer;
  pacer.Committed(10, 6, kSync, kNow);
  EXPECT_EQ(pacer.wait().batches, 16u);
  EXPECT_EQ(pacer.wait().until, kNow + kSync / 2);
}

TEST(CommitPacer, DoesNotWaitForAFastDiskOrWithoutSyncs) {
  CommitPacer pacer;
  pacer.Committed(10, 6, microseconds(100), kNow);
  EXPECT_EQ(pacer.wait().batches, 0u);
  pacer.Committed(10, 6, {}, kNow);
  EXPECT_EQ(pacer.wait().batches, 0u);
}

TEST(CommitPacer, WaitsForAVerySlowDiskNoLongerThanIsBearable) {
  CommitPacer pacer;
  pacer.Committed(10, 6, milliseconds(100), kNow);
  EXPECT_EQ(pacer.wait().until, kNow + milliseconds(5));
}

TEST(CommitPacer, OneSlowSyncChangesLittleAndAFasterDiskIsBelieved) {
  CommitPacer pacer;
  pacer.Committed(10, 6, microseconds(800), kNow);
  pacer.Committed(10, 6, milliseconds(80), kNow);
  EXPECT_EQ(pacer.wait().until, kNow + microseconds(450));
  for (int i = 0; i < 4; ++i) {
    EXPECT_NE(pacer.wait().batches, 0u);
    pacer.Committed(10, 6, microseconds(100), kNow);
  }
  EXPECT_EQ(pacer.wait().batches, 0u);
}

// 16 clients, of which each writes again as soon as it is answered.
TEST(CommitPacer, ClientsThatComeBackAreAllInOneCommit) {
  CommitPacer pacer;
  pacer.Committed(1, 15, kSync, kNow);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(pacer.wait().batches, 16u);
    pacer.Waited(16);
    pacer.Committed(16, 0, kSync, kNow);
  }
}

// Of 16 that are answered, 4 do not come back in time.
TEST(CommitPacer, ThoseThatComeLateAreSeldomWaitedFor) {
  CommitPacer pacer;
  int in_vain = 0;
  for (int i = 0; i < 100; ++i) {
    pacer.Committed(16, 0, kSync, kNow);
    pacer.Waited(12);
    if (pacer.wait().batches > 12) ++in_vain;
  }
  EXPECT_GT(in_vain, 5);
  EXPECT_LT(in_vain, 20);
}

// The batches have nothing to do with who was answered.
TEST(CommitPacer, WhereFewComeBackItIsSeldomTried) {
  CommitPacer pacer;
  int tried = 0;
  for (int i = 0; i < 1000; ++i) {
    pacer.Committed(9, 1, kSync, kNow);
    if (pacer.wait().batches == 0) continue;
    ++tried;
    pacer.Waited(1 + 3);
  }
  EXPECT_GT(tried, 15);
  EXPECT_LT(tried, 25);
  // When they do come back, it is noticed.
  while (pacer.wait().batches == 0) pacer.Committed(9, 1, kSync, kNow);
  pacer.Waited(10);
  pacer.Committed(10, 0, kSync, kNow);
  EXPECT_EQ(pacer.wait().batches, 10u);
}

}  // namespace
}  // namespace coffer::server
