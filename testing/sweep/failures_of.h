// FailuresOf: what a piece of a test reports as failures, for the tests of the
// sweeps. They are asserted when it has returned: an assertion inside would be
// captured as well, and could not fail.

#ifndef COFFER_TESTING_SWEEP_FAILURES_OF_H_
#define COFFER_TESTING_SWEEP_FAILURES_OF_H_

#include <ostream>
#include <vector>

#include "absl/functional/function_ref.h"
#include "coffer/testing/internal/captured_failures.h"

namespace coffer_testing::internal {

inline std::vector<CapturedFailures::Failure> FailuresOf(
    absl::FunctionRef<void()> body) {
  const CapturedFailures captured;
  body();
  return captured.Get();
}

// For gtest.
inline void PrintTo(const CapturedFailures::Failure& failure,
                    std::ostream* out) {
  *out << failure.file << ":" << failure.line << ": " << failure.message;
}

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_SWEEP_FAILURES_OF_H_
