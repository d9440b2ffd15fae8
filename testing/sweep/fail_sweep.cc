#include "coffer/testing/sweep/fail_sweep.h"

#include <boost/asio/error.hpp>
#include <optional>
#include <string>

#include "coffer/testing/sweep/injector_runs.h"
#include "coffer/testing/sweep/sweep_driver.h"

namespace coffer_testing {
namespace {

using boost::system::error_code;

struct Combination {
  FaultOp kind;
  error_code error;
  FaultMode mode;
};

std::vector<error_code> DefaultErrors(FaultOp kind) {
  namespace error = boost::asio::error;
  switch (kind) {
    case FaultOp::kRead:
      return {error::eof, error::connection_reset};
    case FaultOp::kWrite:
      return {error::broken_pipe, error::connection_reset};
    case FaultOp::kAny:
      break;
  }
  return {error::connection_reset, error::timed_out};
}

std::vector<Combination> Combinations(const FailSweepOptions& options) {
  std::vector<Combination> combinations;
  for (const FaultOp kind : options.kinds) {
    for (const error_code& error :
         options.errors.empty() ? DefaultErrors(kind) : options.errors) {
      for (const FaultMode mode : options.modes) {
        combinations.push_back({kind, error, mode});
      }
    }
  }
  return combinations;
}

}  // namespace

SweepReport FailSweep(
    absl::FunctionRef<void(std::shared_ptr<FaultInjector>)> fn,
    const FailSweepOptions& options, std::source_location where) {
  internal::SweepDriver driver({.sweep = "FailSweep",
                                .flag = "fault",
                                .steps = "operations",
                                .steps_max = options.operations_max,
                                .where = where});
  internal::InjectorRuns runs(driver, fn);
  if (const std::optional<std::string> replay = driver.Replay()) {
    auto plan = FaultPlan::Parse(*replay);
    if (plan.ok()) {
      runs.Run(plan->ToString(), *plan);
    } else {
      driver.FailReplay(*replay, std::string(plan.status().message()));
    }
    return runs.report();
  }

  std::vector<Combination> left = Combinations(options);
  for (uint64_t n = 0; !left.empty(); ++n) {
    for (auto next = left.begin(); next != left.end();) {
      FaultPlan plan;
      plan.FailAt(next->kind, n, next->error, next->mode);
      switch (runs.Run(plan.ToString(), plan)) {
        case internal::InjectorRuns::kFailed:
          return runs.report();
        case internal::InjectorRuns::kFired:
          ++next;
          break;
        case internal::InjectorRuns::kUndisturbed:
          next = left.erase(next);
          break;
      }
    }
  }
  runs.FailIfNothingWasTested();
  return runs.report();
}

}  // namespace coffer_testing
