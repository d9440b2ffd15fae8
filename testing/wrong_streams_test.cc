// StreamConformance finds what is wrong with the streams of wrong_streams.cc,
// and nothing wrong with the right one.

#include <cstdio>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Outcome {
  int status = -1;
  std::string output;
};

// Of one test of the suite, over one stream; or of all ("*").
Outcome RunSuite(const std::string& stream, const std::string& test) {
  const std::string command = "testing/wrong_streams --gtest_filter='" +
                              stream + "/StreamConformance/0." + test +
                              "' 2>&1";
  Outcome outcome;
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return outcome;
  char buffer[4096];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    outcome.output.append(buffer, n);
  }
  outcome.status = pclose(pipe);
  return outcome;
}

void ExpectFoundOut(const std::string& stream, const std::string& test,
                    const std::string& message) {
  const Outcome outcome = RunSuite(stream, test);
  EXPECT_NE(outcome.status, 0) << outcome.output;
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("[  FAILED  ] " + stream), HasSubstr(message)));
}

TEST(WrongStreamsTest, TheRightOnePasses) {
  const Outcome outcome = RunSuite("Right", "*");
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("[  PASSED  ] 15 tests"));
}

TEST(WrongStreamsTest, TheOthersAreFoundOut) {
  ExpectFoundOut("Inline", "HandlersAreNotInvokedInsideTheCall",
                 "Value of: write");
  ExpectFoundOut("ForgetsHandler", "HandlersRunOnTheirExecutor", "inside");
  ExpectFoundOut("ForgetsHandler", "HandlersAllocatorGetsItsMemoryBackFirst",
                 "count.total");
  ExpectFoundOut("EndIsSuccess", "HalfCloseLeavesTheOtherDirection",
                 "end.error");
  ExpectFoundOut("EarlyEnd", "CloseAbortsOwnAndEndsThePeer",
                 "Connection reset");
}

}  // namespace
}  // namespace coffer_testing
