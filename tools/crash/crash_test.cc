// A short run of what tools/crash does at length; and that it notices.

#include <filesystem>
#include <string>

#include "coffer/tools/crash/crash_run.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::crash {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CrashTest : public ::testing::Test {
 protected:
  CrashTest() {
    options_.kvs = "server/kvs";
    options_.data_dir = ::testing::TempDir() + "/data";
    options_.answers_max = 100;
  }

  void ExpectThatNothingIsLost() {
    options_.kills = 12;
    const auto result = RunCrashes(options_);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_THAT(result->failures, IsEmpty());
    EXPECT_GE(result->kills, 12);
    EXPECT_GT(result->answered, 100u);
  }

  void ExpectThatALossIsNoticed() {
    options_.kills = 20;
    const auto result = RunCrashes(options_);
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_FALSE(result->failures.empty());
    EXPECT_THAT(result->failures[0], HasSubstr("is not linearizable"));
  }

  CrashOptions options_;
};

TEST_F(CrashTest, WhatWasAnsweredOutlivesAKill) { ExpectThatNothingIsLost(); }

// Killed is without power, to the logs of this one.
TEST_F(CrashTest, WhatWasAnsweredOutlivesALossOfPower) {
  options_.kvs = "tools/crash/kvs_on_lossy_logs";
  ExpectThatNothingIsLost();
}

TEST_F(CrashTest, ServerThatSkipsTheSyncIsNoticed) {
  options_.kvs = "tools/crash/kvs_on_lossy_logs";
  options_.kvs_flags = {"--sync=never"};
  ExpectThatALossIsNoticed();
}

// Another kill's data are put in the place of those that there are.
TEST_F(CrashTest, LostWritesAreNoticed) {
  namespace fs = std::filesystem;
  const std::string kept = ::testing::TempDir() + "/kept";
  options_.after_kill = [&](int kill) {
    if (kill == 1) {
      fs::remove_all(kept);
      fs::copy(options_.data_dir, kept, fs::copy_options::recursive);
    }
    if (kill != 6) return;
    fs::remove_all(options_.data_dir);
    fs::copy(kept, options_.data_dir, fs::copy_options::recursive);
  };
  ExpectThatALossIsNoticed();
}

}  // namespace
}  // namespace coffer::crash
