// StallSweep: runs a flow with its first operation never completing, then with
// its second, and so on, until a run completes in which all did. The flow has
// to give up by its own deadline, wherever it waits:
//
//   StallSweep([](std::shared_ptr<FaultInjector> injector) {
//     asio::io_context io;
//     ManualClock clock;
//     ...  // start the flow over a FaultStream with `injector`
//     io.poll();
//     clock.AdvanceBy(kDeadline);
//     io.poll();
//     ASSERT_TRUE(result) << "hangs";
//     EXPECT_EQ(stream.next_layer().pending_reads(), 0);
//   });
//
// Operations of both kinds are counted together, from 0; a flow of N takes
// N + 1 runs. Nothing is released at the end of a run: what `fn` leaves pending
// is its own to assert. (io.run() would wait for ever for it.)
//
// A failure inside `fn` ends the sweep, and the command is printed that makes
// that run alone (--stall=5). A sweep in which no operation was started through
// the injector has tested nothing: a failure.
//
// Threads: `fn` runs here, and the operations are started here.

#ifndef COFFER_TESTING_SWEEP_STALL_SWEEP_H_
#define COFFER_TESTING_SWEEP_STALL_SWEEP_H_

#include <cstdint>
#include <memory>
#include <source_location>

#include "absl/functional/function_ref.h"
#include "coffer/testing/fault/fault_injector.h"
#include "coffer/testing/fault/fault_plan.h"
#include "coffer/testing/sweep/sweep_report.h"

namespace coffer_testing {

struct StallSweepOptions {
  // kAny: both, counted together.
  FaultOp kind = FaultOp::kAny;
  // Started in all runs together; more is a failure: a flow that tries again
  // for ever would not let the sweep end.
  uint64_t operations_max = 1'000'000;
};

SweepReport StallSweep(
    absl::FunctionRef<void(std::shared_ptr<FaultInjector> injector)> fn,
    const StallSweepOptions& options = {},
    std::source_location where = std::source_location::current());

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SWEEP_STALL_SWEEP_H_
