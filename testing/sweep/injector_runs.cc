#include "coffer/testing/sweep/injector_runs.h"

#include <cstdint>
#include <utility>

namespace coffer_testing::internal {

InjectorRuns::Outcome InjectorRuns::Run(const std::string& value,
                                        FaultPlan plan) {
  auto injector = std::make_shared<FaultInjector>(std::move(plan));
  injector->OnInitiation([this](uint64_t) { driver_.CountStep(); });
  const bool passed = driver_.Run(value, [&] { fn_(injector); });
  // It may outlive the sweep.
  injector->OnInitiation(nullptr);
  ++report_.runs;
  if (injector->fired()) ++report_.fired;
  if (passed) return injector->fired() ? kFired : kUndisturbed;
  if (!injector->fired()) driver_.FailUndisturbed();
  return kFailed;
}

void InjectorRuns::FailIfNothingWasTested() const {
  if (driver_.steps() > 0) return;
  driver_.Fail(
      "nothing was tested: no run has started an operation through its "
      "injector");
}

}  // namespace coffer_testing::internal
