// What the sweeps have in common: which failures are noticed, what is printed,
// and what is said when the process dies.

#include "coffer/testing/sweep/sweep_driver.h"

#include <cstdlib>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include "coffer/testing/sweep/crash_note.h"
#include "coffer/testing/sweep/failure_watch.h"
#include "coffer/testing/sweep/failures_of.h"
#include "coffer/testing/sweep/replay_command.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {
namespace {

using Failures = std::vector<CapturedFailures::Failure>;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

TEST(FailureWatchTest, SeesWhatFailsAndPassesItOn) {
  bool before = true, after = false;
  std::string first;
  const Failures failures = FailuresOf([&] {
    ADD_FAILURE() << "too early";
    const FailureWatch watch;
    EXPECT_EQ(1, 1);
    before = watch.failed();
    ADD_FAILURE_AT("some_file.cc", 17) << "first";
    ADD_FAILURE() << "second";
    after = watch.failed();
    first = watch.first();
  });
  EXPECT_FALSE(before);
  EXPECT_TRUE(after);
  EXPECT_EQ(first, "some_file.cc:17: Failed\nfirst");
  EXPECT_THAT(failures, SizeIs(3));
}

TEST(FailureWatchTest, LeavesOutTheTrace) {
  std::string first;
  FailuresOf([&] {
    const FailureWatch watch;
    SCOPED_TRACE("around");
    ADD_FAILURE_AT("some_file.cc", 17) << "first";
    first = watch.first();
  });
  EXPECT_EQ(first, "some_file.cc:17: Failed\nfirst");
}

TEST(FailureWatchTest, DoesNotSeeWhatIsCapturedWithin) {
  const FailureWatch watch;
  FailuresOf([] { ADD_FAILURE(); });
  EXPECT_FALSE(watch.failed());
}

// In a process of its own: nothing but the running test can have such a
// failure.
TEST(FailureWatchDeathTest, SeesWhatFailsOnAnotherThread) {
  constexpr int kSeen = 7, kNotSeen = 8;
  const auto fail_and_exit = [] {
    const FailureWatch watch;
    std::thread([] { ADD_FAILURE() << "elsewhere"; }).join();
    std::_Exit(watch.failed() ? kSeen : kNotSeen);
  };
  EXPECT_EXIT(fail_and_exit(), ::testing::ExitedWithCode(kSeen), "");
}

TEST(ReplayCommandTest, QuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(ShellQuote("--fault=write:fail=17:connection_reset:sticky"),
            "--fault=write:fail=17:connection_reset:sticky");
  EXPECT_EQ(ShellQuote("read:split=1;write:fail=1"),
            "'read:split=1;write:fail=1'");
  EXPECT_EQ(ShellQuote("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellQuote(""), "''");
}

TEST(ReplayCommandTest, IsForBazelAndForNone) {
  EXPECT_EQ(ReplayCommand("--split=1;2"),
            "bazel test //testing/sweep:sweep_driver_test "
            "--test_filter=ReplayCommandTest.IsForBazelAndForNone "
            "'--test_arg=--split=1;2'");
  const std::string target = std::getenv("TEST_TARGET");
  unsetenv("TEST_TARGET");
  const std::string without = ReplayCommand("--split=1;2");
  setenv("TEST_TARGET", target.c_str(), 1);
  EXPECT_THAT(without,
              MatchesRegex(".*sweep_driver_test "
                           "--gtest_filter=ReplayCommandTest.IsForBazelAndFor"
                           "None '--split=1;2'"));
}

SweepDriver::Options OptionsFrom(std::source_location where) {
  return {.sweep = "SomeSweep",
          .flag = "some_flag",
          .steps = "steps",
          .steps_max = 10,
          .where = where};
}

TEST(SweepDriverTest, RunThatPassesSaysNothing) {
  SweepDriver driver(OptionsFrom(std::source_location::current()));
  int runs = 0;
  EXPECT_TRUE(driver.Run("1", [&] { ++runs; }));
  EXPECT_TRUE(driver.Run("2", [&] { ++runs; }));
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(driver.runs(), 2u);
  EXPECT_FALSE(driver.Replay());
}

TEST(SweepDriverTest, FailureOfAnEarlierRunIsNotOneOfThis) {
  bool first = true, second = false;
  FailuresOf([&] {
    SweepDriver driver(OptionsFrom(std::source_location::current()));
    first = driver.Run("1", [] { ADD_FAILURE(); });
    second = driver.Run("2", [] {});
  });
  EXPECT_FALSE(first);
  EXPECT_TRUE(second);
}

TEST(SweepDriverTest, WhateverIsThrownIsAFailure) {
  const Failures failures = FailuresOf([] {
    SweepDriver driver(OptionsFrom(std::source_location::current()));
    driver.Run("1", [] { throw 17; });
  });
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message,
              HasSubstr("threw something that is no std::exception"));
}

// A coroutine may keep it, a test may catch everything.
TEST(SweepDriverTest, SwallowingTheLimitDoesNotHideIt) {
  bool passed = true;
  int thrown = 0;
  const Failures failures = FailuresOf([&] {
    SweepDriver driver(OptionsFrom(std::source_location::current()));
    passed = driver.Run("1", [&] {
      for (int i = 0; i < 12; ++i) {
        try {
          driver.CountStep();
        } catch (...) {
          ++thrown;
        }
      }
    });
  });
  EXPECT_EQ(thrown, 2);
  EXPECT_FALSE(passed);
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message, HasSubstr("gave up after 10 steps in all"));
}

TEST(CrashNoteDeathTest, InnermostNoteIsPrinted) {
  const auto die = [] {
    const std::string outer = "the outer note", inner = "the inner note";
    const CrashNote outer_note(&outer);
    { const CrashNote gone(&inner); }
    const CrashNote inner_note(&inner);
    std::abort();
  };
  EXPECT_DEATH(die(), "the inner note");
}

TEST(CrashNoteDeathTest, NoteThatIsGoneIsNotPrinted) {
  const auto die = [] {
    const std::string text = "the note";
    { const CrashNote note(&text); }
    std::abort();
  };
  EXPECT_DEATH(die(), ::testing::Not(HasSubstr("the note")));
}

TEST(CrashNoteDeathTest, RunIsNamedWhenTheProcessDies) {
  const auto die = [] {
    SweepDriver driver(OptionsFrom(std::source_location::current()));
    driver.Run("1", [] {});
    driver.Run("2", [] {
      volatile int* const nowhere = nullptr;
      *nowhere = 1;
    });
  };
  EXPECT_DEATH(die(),
               "SomeSweep: died with --some_flag=2; to make that run alone:\n"
               "  bazel test .* --test_arg=--some_flag=2\n");
}

}  // namespace
}  // namespace coffer_testing::internal
