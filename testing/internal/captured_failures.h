// CapturedFailures: the test failures of this thread during its lifetime, which
// do not count as failures of the running test: for tests that a double fails
// the test as it should, and names the right place.

#ifndef COFFER_TESTING_INTERNAL_CAPTURED_FAILURES_H_
#define COFFER_TESTING_INTERNAL_CAPTURED_FAILURES_H_

#include <string>
#include <vector>

#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {

class CapturedFailures {
 public:
  struct Failure {
    std::string file;
    int line;
    std::string message;
  };

  CapturedFailures()
      : reporter_(::testing::ScopedFakeTestPartResultReporter::
                      INTERCEPT_ONLY_CURRENT_THREAD,
                  &results_) {}

  // Those so far, in order.
  std::vector<Failure> Get() const {
    std::vector<Failure> failures;
    for (int i = 0; i < results_.size(); ++i) {
      const ::testing::TestPartResult& result = results_.GetTestPartResult(i);
      const char* const file = result.file_name();
      failures.push_back({file == nullptr ? "" : file, result.line_number(),
                          result.message()});
    }
    return failures;
  }

 private:
  ::testing::TestPartResultArray results_;
  ::testing::ScopedFakeTestPartResultReporter reporter_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_CAPTURED_FAILURES_H_
