// What a SimNetwork prints when its test fails: the seed, how to have that run
// again, and the end of its transcript.

#include "coffer/testing/internal/child_test.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using internal::ChildTest;
using internal::RunChildTest;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kProgram[] = "testing/sim/failing_network";

TEST(SimFailureTest, SeedAndTranscriptAreShownWhenTheTestFails) {
  const ChildTest run =
      RunChildTest(kProgram, "--gtest_filter=*.Fails --seed=4711");
  EXPECT_NE(run.status, 0);
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("SimNetwork: seed 4711"),
                    HasSubstr("--test_arg=--seed=4711\n"),
                    HasSubstr("The last 40 of 61 lines of its transcript:\n"),
                    HasSubstr("\n  0 cut b > a\n  0 killed c\n")));
}

TEST(SimFailureTest, AndNotWhenItPasses) {
  const ChildTest run = RunChildTest(kProgram, "--gtest_filter=*.Passes");
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_THAT(run.output, Not(HasSubstr("SimNetwork")));
}

}  // namespace
}  // namespace coffer_testing
