#include "coffer/testing/sweep/stall_sweep.h"

#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coffer/testing/sweep/injector_runs.h"
#include "coffer/testing/sweep/sweep_driver.h"

namespace coffer_testing {
namespace {

FaultPlan StallOne(FaultOp kind, uint64_t n) {
  FaultPlan plan;
  plan.StallAt(kind, n);
  return plan;
}

}  // namespace

SweepReport StallSweep(
    absl::FunctionRef<void(std::shared_ptr<FaultInjector>)> fn,
    const StallSweepOptions& options, std::source_location where) {
  internal::SweepDriver driver({.sweep = "StallSweep",
                                .flag = "stall",
                                .steps = "operations",
                                .steps_max = options.operations_max,
                                .where = where});
  internal::InjectorRuns runs(driver, fn);
  if (const std::optional<std::string> replay = driver.Replay()) {
    uint64_t n = 0;
    if (absl::SimpleAtoi(*replay, &n)) {
      runs.Run(*replay, StallOne(options.kind, n));
    } else {
      driver.FailReplay(*replay, "not the number of an operation");
    }
    return runs.report();
  }
  uint64_t n = 0;
  auto outcome = internal::InjectorRuns::kFired;
  while (outcome == internal::InjectorRuns::kFired) {
    outcome = runs.Run(absl::StrCat(n), StallOne(options.kind, n));
    ++n;
  }
  if (outcome == internal::InjectorRuns::kUndisturbed) {
    runs.FailIfNothingWasTested();
  }
  return runs.report();
}

}  // namespace coffer_testing
