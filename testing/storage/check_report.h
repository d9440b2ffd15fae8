// CheckReport: what a check has found wrong, as text. Checks report here and
// not to gtest, so that a test can run them on an engine that is wrong on
// purpose and look at what they say.
//
// Any thread may report at any time.

#ifndef COFFER_TESTING_STORAGE_CHECK_REPORT_H_
#define COFFER_TESTING_STORAGE_CHECK_REPORT_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace coffer_testing {

class CheckReport {
 public:
  CheckReport() = default;
  CheckReport(const CheckReport&) = delete;
  CheckReport& operator=(const CheckReport&) = delete;

  void Fail(std::string what);
  // Fails with `what` unless `condition`. Returns `condition`.
  bool Expect(bool condition, absl::string_view what);
  // As Expect, and says what was there and what should have been.
  bool ExpectEqual(absl::string_view what, absl::string_view got,
                   absl::string_view want);
  bool ExpectEqual(absl::string_view what, uint64_t got, uint64_t want);
  bool ExpectCode(absl::string_view what, const absl::Status& got,
                  absl::StatusCode want);

  // The first of them; a check that fails in a loop does not fill memory.
  std::vector<std::string> failures() const;
  bool failed() const { return !failures().empty(); }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> failures_;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_CHECK_REPORT_H_
