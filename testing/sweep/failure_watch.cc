#include "coffer/testing/sweep/failure_watch.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace coffer_testing::internal {
namespace {

// Null outside of a test.
const ::testing::TestResult* CurrentResult() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  return test == nullptr ? nullptr : test->result();
}

}  // namespace

FailureWatch::FailureWatch()
    : parts_before_(CurrentResult() == nullptr
                        ? 0
                        : CurrentResult()->total_part_count()) {}

bool FailureWatch::failed() const {
  if (failed_) return true;
  const ::testing::TestResult* const result = CurrentResult();
  if (result == nullptr) return false;
  for (int i = parts_before_; i < result->total_part_count(); ++i) {
    if (result->GetTestPartResult(i).failed()) return true;
  }
  return false;
}

void FailureWatch::ReportTestPartResult(
    const ::testing::TestPartResult& result) {
  if (result.failed() && !failed_) {
    failed_ = true;
    const char* const file = result.file_name();
    const std::string message = result.summary();
    // Newer versions of GoogleTest end it with a new line.
    first_ = absl::StrCat(
        file == nullptr ? "unknown file" : file, ":", result.line_number(),
        ": ",
        absl::StripTrailingAsciiWhitespace(absl::string_view(message).substr(
            0, message.find("\nGoogle Test trace:"))));
  }
  HasNewFatalFailureHelper::ReportTestPartResult(result);
}

}  // namespace coffer_testing::internal
