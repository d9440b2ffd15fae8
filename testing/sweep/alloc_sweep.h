// AllocSweep: lets the first allocation of a piece of code fail, in the next
// run the second, and so on, until a run completes in which none failed:
//
//   AllocSweep([](AllocPoint& point) {
//     Table table = MakeTable();
//     if (!point.Run([&] { table.Put("a", "b"); })) {
//       EXPECT_EQ(table, MakeTable());  // all or nothing
//     }
//   });
//
// Only what runs inside point.Run is swept: no test assertions there, which
// allocate. The Nth allocation of this thread there throws std::bad_alloc; as a
// one-shot fault those after it succeed again, as a sticky one they fail too.
// What counts as an allocation is said in allocation_budget.h.
//
// A failure inside `fn` ends the sweep; the command is printed that makes that
// run alone (--alloc=17:sticky). So does a sweep that has tested nothing. Leaks
// are for the address sanitizer. Where the exception meets a noexcept function,
// the process dies, and prints which run it was.
//
// Linking this library replaces operator new and delete of the whole program.
// Threads: `fn` runs here; allocations of other threads do not fail.

#ifndef COFFER_TESTING_SWEEP_ALLOC_SWEEP_H_
#define COFFER_TESTING_SWEEP_ALLOC_SWEEP_H_

#include <cstdint>
#include <source_location>
#include <vector>

#include "absl/functional/function_ref.h"
#include "coffer/testing/fault/fault_plan.h"
#include "coffer/testing/sweep/sweep_report.h"

namespace coffer_testing {

namespace internal {
class AllocSweeper;
}

// What a run has in place of a FaultInjector.
class AllocPoint {
 public:
  AllocPoint(const AllocPoint&) = delete;
  AllocPoint& operator=(const AllocPoint&) = delete;

  // Runs `body` with the fault armed; several calls are counted on. False if
  // std::bad_alloc left it. Other exceptions go on their way.
  bool Run(absl::FunctionRef<void()> body);

  // Whether an allocation has failed in this run.
  bool fired() const { return fired_; }

 private:
  class Armed;
  friend class internal::AllocSweeper;

  AllocPoint(uint64_t fail_at, FaultMode mode,
             absl::FunctionRef<void()> on_allocation)
      : fail_at_(fail_at), mode_(mode), on_allocation_(on_allocation) {}

  const uint64_t fail_at_;
  const FaultMode mode_;
  const absl::FunctionRef<void()> on_allocation_;
  uint64_t allocations_ = 0;
  bool fired_ = false;
};

struct AllocSweepOptions {
  std::vector<FaultMode> modes = {FaultMode::kOneShot, FaultMode::kSticky};
  // In all runs together; more is a failure: code that tries again for ever
  // would not let the sweep end.
  uint64_t allocations_max = 5'000'000;
};

SweepReport AllocSweep(
    absl::FunctionRef<void(AllocPoint& point)> fn,
    const AllocSweepOptions& options = {},
    std::source_location where = std::source_location::current());

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SWEEP_ALLOC_SWEEP_H_
