// What a transcript prints when its test fails, and that it prints nothing when
// it does not.

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

constexpr char kProgram[] = "testing/transcript/failing_session";

TEST(TranscriptFailureTest, ItIsShownWhenTheTestFails) {
  const ChildTest run = RunChildTest(kProgram, "--gtest_filter=*.Fails");
  EXPECT_NE(run.status, 0);
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("What happened:\n"
                              "0 client write 18 "
                              "0000000e0a0c0a056c616d70731203726564\n"
                              "# hget { table: \"lamps\" key: \"red\" }\n"),
                    HasSubstr("# pending: client read\n")));
}

TEST(TranscriptFailureTest, AndNotWhenItPasses) {
  const ChildTest run = RunChildTest(kProgram, "--gtest_filter=*.Passes");
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_THAT(run.output, Not(HasSubstr("What happened")));
}

}  // namespace
}  // namespace coffer_testing
