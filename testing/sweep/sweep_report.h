// SweepReport: what a sweep did, to be asserted or shown.

#ifndef COFFER_TESTING_SWEEP_SWEEP_REPORT_H_
#define COFFER_TESTING_SWEEP_SWEEP_REPORT_H_

#include <cstdint>
#include <ostream>
#include <string>

namespace coffer_testing {

struct SweepReport {
  uint64_t runs = 0;
  // Runs that reached their fault; in the others the flow was undisturbed.
  uint64_t fired = 0;

  bool operator==(const SweepReport&) const = default;

  // "24 runs, the fault fired in 16"
  std::string ToString() const;
  friend std::ostream& operator<<(std::ostream& out, const SweepReport& r) {
    return out << r.ToString();
  }
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SWEEP_SWEEP_REPORT_H_
