#include "coffer/testing/sweep/stall_sweep.h"

#include <boost/asio/error.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "coffer/testing/fault/fault_injector.h"
#include "coffer/testing/sweep/failures_of.h"
#include "coffer/testing/sweep/sample_flows.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using internal::FailuresOf;
using Failures = std::vector<internal::CapturedFailures::Failure>;
using Injector = std::shared_ptr<FaultInjector>;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// Every flow must end by the deadline.
auto Checked(Flow flow) {
  return [flow](Injector injector) {
    FlowRun run(injector);
    run.Start(flow);
    run.io().poll();
    if (!injector->fired()) {
      ASSERT_TRUE(run.result()) << "hangs though nothing stalls";
      EXPECT_FALSE(*run.result());
      return;
    }
    EXPECT_FALSE(run.result()) << "completes though an operation stalls";
    run.clock().AdvanceBy(kFlowDeadline);
    run.io().restart();
    run.io().poll();
    ASSERT_TRUE(run.result()) << "hangs past its deadline";
    EXPECT_TRUE(*run.result());
    EXPECT_EQ(run.left_pending(), 0u);
  };
}

TEST(StallSweepTest, RightFlowPassesInTheExactNumberOfRuns) {
  EXPECT_EQ(StallSweep(Checked(RightFlow)),
            (SweepReport{.runs = kFlowReads + kFlowWrites + 1,
                         .fired = kFlowReads + kFlowWrites}));
}

TEST(StallSweepTest, OneKindOnly) {
  EXPECT_EQ(StallSweep(Checked(RightFlow), {.kind = FaultOp::kRead}),
            (SweepReport{.runs = kFlowReads + 1, .fired = kFlowReads}));
  EXPECT_EQ(StallSweep(Checked(RightFlow), {.kind = FaultOp::kWrite}),
            (SweepReport{.runs = kFlowWrites + 1, .fired = kFlowWrites}));
}

TEST(StallSweepTest, FindsThatThereIsNoDeadline) {
  SweepReport report;
  const Failures failures =
      FailuresOf([&] { report = StallSweep(Checked(HasNoDeadline)); });
  EXPECT_EQ(report, (SweepReport{.runs = 1, .fired = 1}));
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message, AllOf(HasSubstr("hangs past its deadline"),
                                         HasSubstr("StallSweep: --stall=0")));
  EXPECT_THAT(failures[1].message,
              AllOf(HasSubstr("StallSweep: stopped: run 1 failed, with "
                              "--stall=0\nFirst failure: "),
                    HasSubstr("bazel test //testing/sweep:stall_sweep_test "
                              "--test_filter=StallSweepTest."
                              "FindsThatThereIsNoDeadline "
                              "--test_arg=--stall=0")));
}

TEST(StallSweepTest, FindsWhereTheDeadlineEndsTooSoon) {
  const Failures failures =
      FailuresOf([&] { StallSweep(Checked(DropsItsDeadline)); });
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[1].message,
              AllOf(HasSubstr("run 3 failed, with --stall=2\n"),
                    HasSubstr("hangs past its deadline")));
}

TEST(StallSweepTest, FlowWithoutEndIsGivenUp) {
  const Failures failures = FailuresOf([] {
    StallSweep(
        [](Injector injector) {
          while (true) {
            FlowRun run(injector);
            run.Start(RightFlow);
            run.io().poll();
          }
        },
        {.operations_max = 1000});
  });
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_THAT(failures[0].message,
              HasSubstr("StallSweep: gave up after 1000 operations in all, "
                        "1001 of them in the last of 1 runs, with --stall=0"));
}

TEST(StallSweepTest, SweepThatTestedNothingFails) {
  const Failures failures = FailuresOf([] { StallSweep([](Injector) {}); });
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].message, HasSubstr("StallSweep: nothing was tested"));
}

}  // namespace
}  // namespace coffer_testing
