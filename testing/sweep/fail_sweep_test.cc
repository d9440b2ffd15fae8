#include "coffer/testing/sweep/fail_sweep.h"

#include <boost/asio/error.hpp>
#include <cstdint>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include "coffer/testing/fault/fault_injector.h"
#include "coffer/testing/sweep/failures_of.h"
#include "coffer/testing/sweep/sample_flows.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace error = boost::asio::error;
using internal::FailuresOf;
using Failures = std::vector<internal::CapturedFailures::Failure>;
using Injector = std::shared_ptr<FaultInjector>;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// What a flow of the two words must keep: it ends, and if it says that all went
// well, the peer has both.
auto Checked(Flow flow) {
  return [flow](Injector injector) {
    FlowRun run(injector);
    run.Start(flow);
    run.io().poll();
    ASSERT_TRUE(run.result()) << "hangs";
    if (!injector->fired()) {
      EXPECT_FALSE(*run.result());
    }
    if (!*run.result()) {
      EXPECT_EQ(run.received(), "hellobye");
    }
  };
}

// Of 2 reads and 2 writes, each with 2 errors in 2 modes, and one run more for
// each of these 8 combinations.
static_assert(kFlowReads == 2 && kFlowWrites == 2);
constexpr SweepReport kRightReport{.runs = 24, .fired = 16};

TEST(FailSweepTest, RightFlowPassesInTheExactNumberOfRuns) {
  const SweepReport report = FailSweep(Checked(RightFlow));
  EXPECT_EQ(report, kRightReport);
  EXPECT_EQ(report.ToString(), "24 runs, the fault fired in 16");
}

TEST(FailSweepTest, RunsAreWhatTheOptionsSay) {
  std::vector<std::string> plans;
  const auto fn = [&](Injector injector) {
    plans.push_back(injector->plan().ToString());
    Checked(RightFlow)(injector);
  };
  const SweepReport report =
      FailSweep(fn, {.errors = {error::timed_out},
                     .kinds = {FaultOp::kRead, FaultOp::kAny},
                     .modes = {FaultMode::kSticky}});
  // The shorter one ends first.
  EXPECT_THAT(
      plans, ::testing::ElementsAre(
                 "read:fail=0:timed_out:sticky", "any:fail=0:timed_out:sticky",
                 "read:fail=1:timed_out:sticky", "any:fail=1:timed_out:sticky",
                 "read:fail=2:timed_out:sticky", "any:fail=2:timed_out:sticky",
                 "any:fail=3:timed_out:sticky", "any:fail=4:timed_out:sticky"));
  EXPECT_EQ(report, (SweepReport{.runs = 8, .fired = 6}));
}

TEST(FailSweepTest, FindsASwallowedWriteError) {
  SweepReport report;
  const uint32_t line = std::source_location::current().line() + 2;
  const Failures failures =
      FailuresOf([&] { report = FailSweep(Checked(SwallowsAWriteError)); });
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(
      failures[0].message,
      AllOf(HasSubstr("\"hellobye\""), HasSubstr("\"hello\""),
            HasSubstr("FailSweep: --fault=write:fail=1:broken_pipe:one_shot")));
  EXPECT_THAT(
      failures[1].message,
      AllOf(HasSubstr(
                "FailSweep: stopped: run 13 failed, with "
                "--fault=write:fail=1:broken_pipe:one_shot\nFirst failure: "),
            HasSubstr("fail_sweep_test.cc"), HasSubstr("\"hello\""),
            HasSubstr("\nTo make that run alone:\n  bazel test "
                      "//testing/sweep:fail_sweep_test "
                      "--test_filter=FailSweepTest.FindsASwallowedWriteError "
                      "--test_arg=--fault="
                      "write:fail=1:broken_pipe:one_shot")));
  EXPECT_EQ(failures[1].line, static_cast<int>(line));
  EXPECT_EQ(report, (SweepReport{.runs = 13, .fired = 9}))
      << "8 runs of the first operations, 4 that end those of the only read, "
         "and this";
}

TEST(FailSweepTest, OnlyStickyFaultsFindBlindTrustInTheSecondTry) {
  const auto fn = Checked(TrustsTheSecondTry);
  EXPECT_THAT(
      FailuresOf([&] { FailSweep(fn, {.modes = {FaultMode::kOneShot}}); }),
      SizeIs(0));
  const Failures failures = FailuresOf([&] { FailSweep(fn); });
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[1].message,
              HasSubstr("with --fault=write:fail=0:broken_pipe:sticky\n"));
}

TEST(FailSweepTest, FlowWithoutEndIsGivenUp) {
  SweepReport report;
  const Failures failures = FailuresOf([&] {
    report = FailSweep(
        [](Injector injector) {
          FlowRun run(injector);
          run.Start(TriesForEver);
          run.io().poll();
        },
        {.kinds = {FaultOp::kWrite}, .operations_max = 1000});
  });
  // One-shot needs a second write, and ends.
  EXPECT_EQ(report, (SweepReport{.runs = 2, .fired = 2}));
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(
      failures[0].message,
      AllOf(HasSubstr("FailSweep: gave up after 1000 operations in all, 999 of "
                      "them in the last of 2 runs, with "
                      "--fault=write:fail=0:broken_pipe:sticky"),
            HasSubstr("Does the flow try again for ever?"),
            HasSubstr("operations_max")));
}

// One more operation in each run: no run is endless, but the sweep would be.
TEST(FailSweepTest, FlowThatGrowsWithEachRunIsGivenUp) {
  uint64_t length = 0;
  const Failures failures = FailuresOf([&] {
    FailSweep(
        [&](Injector injector) {
          ++length;
          FlowRun run(injector);
          for (uint64_t i = 0; i < length && !injector->fired(); ++i) {
            run.Start(TrustsTheSecondTry);
            run.io().restart();
            run.io().poll();
          }
        },
        {.kinds = {FaultOp::kWrite}, .operations_max = 1000});
  });
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message,
              HasSubstr("gave up after 1000 operations in all"));
}

TEST(FailSweepTest, SweepThatTestedNothingFails) {
  const Failures failures = FailuresOf([] { FailSweep([](Injector) {}); });
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message,
              HasSubstr("FailSweep: nothing was tested: no run has started an "
                        "operation through its injector"));
  EXPECT_THAT(failures[0].file, HasSubstr("fail_sweep_test.cc"));
}

TEST(FailSweepTest, NoCombinationsTestNothing) {
  EXPECT_THAT(FailuresOf([] { FailSweep(Checked(RightFlow), {.kinds = {}}); }),
              SizeIs(1));
}

TEST(FailSweepTest, ExceptionIsAFailureOfItsRun) {
  const Failures failures = FailuresOf([] {
    FailSweep([](Injector injector) {
      Checked(RightFlow)(injector);
      throw std::runtime_error("out of luck");
    });
  });
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message, HasSubstr("the run threw: out of luck"));
  EXPECT_THAT(failures[1].message,
              HasSubstr("run 1 failed, with --fault=read:fail=0:eof:one_shot"));
}

TEST(FailSweepTest, TellsThatAFlowIsWrongWithoutAFault) {
  const Failures failures = FailuresOf([] {
    FailSweep([](Injector injector) {
      Checked(RightFlow)(injector);
      EXPECT_TRUE(injector->fired());
    });
  });
  ASSERT_THAT(failures, SizeIs(3));
  EXPECT_THAT(failures[1].message,
              HasSubstr("with --fault=read:fail=2:eof:one_shot"));
  EXPECT_THAT(failures[2].message,
              HasSubstr("in that run the fault was not reached"));
}

TEST(FailSweepTest, InjectorMayOutliveTheSweep) {
  std::vector<Injector> kept;
  EXPECT_EQ(FailSweep([&](Injector injector) {
              kept.push_back(injector);
              Checked(RightFlow)(injector);
            }),
            kRightReport);
  ASSERT_THAT(kept, SizeIs(24));
  FlowRun run(kept.back());
  run.Start(RightFlow);
  run.io().poll();
  EXPECT_TRUE(run.result());
}

}  // namespace
}  // namespace coffer_testing
