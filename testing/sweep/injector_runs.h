// InjectorRuns: runs of a flow, each with a FaultInjector of its own; what
// FailSweep and StallSweep have in common.

#ifndef COFFER_TESTING_SWEEP_INJECTOR_RUNS_H_
#define COFFER_TESTING_SWEEP_INJECTOR_RUNS_H_

#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "coffer/testing/fault/fault_injector.h"
#include "coffer/testing/fault/fault_plan.h"
#include "coffer/testing/sweep/sweep_driver.h"
#include "coffer/testing/sweep/sweep_report.h"

namespace coffer_testing::internal {

class InjectorRuns {
 public:
  using Fn = absl::FunctionRef<void(std::shared_ptr<FaultInjector>)>;
  enum Outcome { kFailed, kFired, kUndisturbed };

  InjectorRuns(SweepDriver& driver, Fn fn) : driver_(driver), fn_(fn) {}

  // `value` is the flag's that stands for this run.
  Outcome Run(const std::string& value, FaultPlan plan);

  void FailIfNothingWasTested() const;

  const SweepReport& report() const { return report_; }

 private:
  SweepDriver& driver_;
  const Fn fn_;
  SweepReport report_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_SWEEP_INJECTOR_RUNS_H_
