// FailSweep: runs a flow with its first operation failing, then with its second
// failing, and so on, until a run completes in which nothing failed: every
// place where an error can come from, without anyone having listed them.
//
//   FailSweep([](std::shared_ptr<FaultInjector> injector) {
//     asio::io_context io;
//     auto [near, far] = MakeMemoryPipe(io.get_executor());
//     FaultStream<MemoryPipe> stream(std::move(near), injector);
//     std::optional<error_code> result = ...;  // of a flow over `stream`
//     io.poll();
//     ASSERT_TRUE(result) << "hangs";
//     if (!injector->fired()) EXPECT_FALSE(*result);
//     if (!*result) EXPECT_EQ(Received(far), "all of it");
//   });
//
// `fn` makes everything anew each time, and says what must hold after a failure
// and without one. Use io.poll() or virtual time in it: io.run() waits for ever
// for what a wrong flow leaves pending.
//
// Reads and writes are counted apart, from 0, and each error is tried as a
// one-shot fault, after which operations succeed again, and as a sticky one. So
// a flow of R reads and W writes takes 4 (R + 1) + 4 (W + 1) runs by default,
// the last of each combination undisturbed.
//
// A failure inside `fn` ends the sweep; it is traced with the plan, and the
// command is printed that makes that run alone. With --fault=PLAN among the
// test's arguments (bazel test ... --test_arg=--fault=PLAN) every FailSweep
// makes just the run of that plan, which may be any FaultPlan. A sweep in which
// no operation was started through the injector has tested nothing: a failure.
// Where the process dies in a run, it prints which one it was.
//
// Threads: `fn` runs here, and the operations are started here. The injector
// may outlive the run.

#ifndef COFFER_TESTING_SWEEP_FAIL_SWEEP_H_
#define COFFER_TESTING_SWEEP_FAIL_SWEEP_H_

#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <source_location>
#include <vector>

#include "absl/functional/function_ref.h"
#include "coffer/testing/fault/fault_injector.h"
#include "coffer/testing/fault/fault_plan.h"
#include "coffer/testing/sweep/sweep_report.h"

namespace coffer_testing {

struct FailSweepOptions {
  // Empty: what a transport would give. Reads eof and connection_reset, writes
  // broken_pipe and connection_reset, and where both are meant (kAny)
  // connection_reset and timed_out.
  std::vector<boost::system::error_code> errors = {};
  std::vector<FaultOp> kinds = {FaultOp::kRead, FaultOp::kWrite};
  std::vector<FaultMode> modes = {FaultMode::kOneShot, FaultMode::kSticky};
  // Started in all runs together; more is a failure: a flow that tries again
  // for ever would not let the sweep end.
  uint64_t operations_max = 1'000'000;
};

SweepReport FailSweep(
    absl::FunctionRef<void(std::shared_ptr<FaultInjector> injector)> fn,
    const FailSweepOptions& options = {},
    std::source_location where = std::source_location::current());

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SWEEP_FAIL_SWEEP_H_
