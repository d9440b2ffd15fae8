#include "coffer/testing/sweep/sweep_report.h"

#include "absl/strings/str_cat.h"

namespace coffer_testing {

std::string SweepReport::ToString() const {
  return absl::StrCat(runs, runs == 1 ? " run" : " runs",
                      ", the fault fired in ", fired);
}

}  // namespace coffer_testing
