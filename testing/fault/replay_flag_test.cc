// Runs with the arguments that the BUILD file gives it.

#include "coffer/testing/fault/replay_flag.h"

#include "coffer/testing/fault/fault_plan.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

TEST(ReplayFlagTest, IsTheValueOfTheLastOfItsName) {
  EXPECT_EQ(ReplayFlag("first"), "2");
  EXPECT_EQ(ReplayFlag("empty"), "");
  EXPECT_EQ(ReplayFlag("fir"), std::nullopt);
  EXPECT_EQ(ReplayFlag("other"), std::nullopt);
}

TEST(ReplayFlagTest, StandsForAnotherPlan) {
  EXPECT_EQ(FaultPlanFromFlag(FaultPlan().StallReads()),
            FaultPlan().SplitReads(SplitPolicy::OneByte()));
}

}  // namespace
}  // namespace coffer_testing
