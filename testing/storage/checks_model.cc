#include <string>

#include "coffer/testing/manual_clock.h"
#include "coffer/testing/storage/checks.h"
#include "coffer/testing/storage/model_comparison.h"

namespace coffer_testing {

// Conditions, changes, groups that choose and that fail half-way, tables
// dropped and renamed.
void CheckSameResultsAsTheModel(StorageDriver& driver) {
  ManualClock clock;
  ModelComparison how;
  how.seed = 1;
  how.expiry = false;
  how.after_round = [&](int round) {
    const bool reopen =
        round % 100 == 99 && driver.storage().capabilities().durable;
    if (reopen) driver.Reopen();
    return &driver.storage();
  };
  const std::string difference = FirstDifference(&driver.storage(), clock, how);
  driver.report().Expect(difference.empty(), difference);
}

// With expiry, in the time of the suite's clock.
void CheckSameResultsAsTheModelInTime(StorageDriver& driver) {
  ModelComparison how;
  how.seed = 2;
  // An engine on a disk may count what has expired of late.
  how.compare_counts = false;
  how.after_round = [&](int round) {
    const bool reopen =
        round % 100 == 99 && driver.storage().capabilities().durable;
    if (reopen) driver.Reopen();
    if (round % 5 == 0) driver.storage().Sweep();
    return &driver.storage();
  };
  const std::string difference =
      FirstDifference(&driver.storage(), *driver.clock(), how);
  driver.report().Expect(difference.empty(), difference);
}

}  // namespace coffer_testing
