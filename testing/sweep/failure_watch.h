// FailureWatch: whether the test failed since the watch began. The failures
// themselves go where they went before: to the running test, or to whoever
// captures them.

#ifndef COFFER_TESTING_SWEEP_FAILURE_WATCH_H_
#define COFFER_TESTING_SWEEP_FAILURE_WATCH_H_

#include <string>

#include "gtest/gtest.h"

namespace coffer_testing::internal {

// The base class is what ASSERT_NO_FATAL_FAILURE uses: it takes the place of
// this thread's reporter, passes on to that, and gives the place back. Watches
// and captures end in the reverse order of their beginnings.
class FailureWatch final
    : private ::testing::internal::HasNewFatalFailureHelper {
 public:
  FailureWatch();

  // Of this thread; those of others are seen unless they are captured.
  bool failed() const;

  // "file:line: summary" of this thread's first failure; else empty.
  const std::string& first() const { return first_; }

 private:
  void ReportTestPartResult(const ::testing::TestPartResult& result) override;

  int parts_before_;
  bool failed_ = false;
  std::string first_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_SWEEP_FAILURE_WATCH_H_
