// StreamConformance finds what is wrong with the streams of wrong_streams.cc,
// and nothing wrong with the right one.

#include <set>
#include <sstream>
#include <string>

#include "coffer/testing/internal/child_test.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using internal::ChildTest;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

ChildTest RunSuite(const std::string& stream, const std::string& test,
                   const std::string& more = "") {
  return internal::RunChildTest("testing/wrong_streams",
                                "--gtest_filter='" + stream +
                                    "/StreamConformance/0." + test + "' " +
                                    more);
}

// The tests of the suite.
std::set<std::string> Tests() {
  std::istringstream lines(RunSuite("Right", "*", "--gtest_list_tests").output);
  std::set<std::string> tests;
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, 2, "  ") == 0) tests.insert(line.substr(2));
  }
  return tests;
}

// A stream, a test that finds out what is wrong with it, and what that says.
struct Finding {
  const char* stream;
  const char* test;
  const char* message;
};

constexpr Finding kFindings[] = {
    {"Inline", "HandlersAreNotInvokedInsideTheCall",
     "has completed inside the call"},
    {"Twice", "HandlersAreInvokedExactlyOnce",
     "the handler of the operation that was started here was invoked twice"},
    {"DropsHandler", "HandlersAreInvokedExactlyOnce",
     "was destroyed, and was never invoked"},
    {"ForgetsHandler", "HandlersRunOnTheirExecutor",
     "handlers on the executor that is theirs"},
    {"ForgetsHandler", "HandlersAllocatorGetsItsMemoryBackFirst",
     "allocations by the handler's allocator"},
    {"KeepsHandler", "PendingOperationIsWork", "is no work"},
    {"EmptyWaits", "EmptyBuffersCompleteAtOnce", "does not complete"},
    {"PiecesBackwards", "BufferSequencesOfManyPieces", "abc|d|efg"},
    {"CorruptsFar", "BothDirectionsAtOnce",
     "what was sent is not what was got"},
    {"NeverFull", "FullStreamMakesWritesWait", "no write waits"},
    {"CancelledWriteGoes", "CancelledWriteHadNoEffect",
     "what the write that was cancelled would have sent has come"},
    {"CancelledReadTakes", "CancelledReadLosesNoByte", "does not complete"},
    {"ForgetsHandler", "CancelledReadLosesNoByte", "does not complete"},
    {"IgnoresCancel", "CancelAbortsWhatIsPending", "does not complete"},
    {"EarlyEnd", "CloseAbortsOwnAndEndsThePeer", "Connection reset"},
    {"ResetIsClose", "ResetIsToldFromAClose",
     "ended with \"End of file, 0 bytes\", not with \"Connection reset"},
    {"HidesOverlap", "OverlapIsReported", "which nobody reports"},
    {"CopiesEarly", "BytesMoveWhenTheTransferModeSays",
     "of a buffer that has changed"},
    {"KeepsHandler", "DestroyedStreamAbortsItsOperations",
     "was destroyed, and was never invoked"},
    {"EndIsSuccess", "HalfCloseLeavesTheOtherDirection", "Which is: system:0"},
    {"StartsAtOnce", "AnyCompletionToken", "while another is pending"},
};

TEST(WrongStreamsTest, TheRightOnePasses) {
  const ChildTest run = RunSuite("Right", "*");
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("[  PASSED  ] " + std::to_string(Tests().size()) +
                              " tests"),
                    Not(HasSubstr("SKIPPED"))));
}

TEST(WrongStreamsTest, TheOthersAreFoundOut) {
  for (const Finding& finding : kFindings) {
    const ChildTest run = RunSuite(finding.stream, finding.test);
    EXPECT_NE(run.status, 0) << run.output;
    // At the line that started an operation.
    EXPECT_THAT(
        run.output,
        AllOf(HasSubstr(std::string("[  FAILED  ] ") + finding.stream),
              HasSubstr(finding.message),
              ContainsRegex("stream_conformance[a-z_]*.cc:[0-9]+: Failure")))
        << finding.stream << ", " << finding.test;
  }
}

TEST(WrongStreamsTest, EveryTestHasAWrongStream) {
  std::set<std::string> found;
  for (const Finding& finding : kFindings) found.insert(finding.test);
  EXPECT_EQ(found, Tests());
}

}  // namespace
}  // namespace coffer_testing
