// AllocationBudget: fails the test if a stretch of code allocates more often
// than it may. Unlike a time, the number is the same on every machine:
//
//   Serve(session, request);  // warms up
//   AllocationBudget budget{0};
//   Serve(session, request);
//   budget.End();
//   EXPECT_EQ(...);  // assertions may allocate
//
// What counts is operator new in all its forms, and aligned_alloc, from which
// Asio takes memory, by this thread; not malloc itself, nor other threads.
// Freed memory counts as well. At the end of the budget (End, or destruction)
// more is a failure at the line of the budget, which says how many allocations
// of how many bytes there were, and where the first one too many came from.
//
// Linking this library replaces operator new and delete of the whole program.
// Threads: destroyed on the thread that made it, which is asserted. Budgets may
// nest.

#ifndef COFFER_TESTING_SWEEP_ALLOCATION_BUDGET_H_
#define COFFER_TESTING_SWEEP_ALLOCATION_BUDGET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>

#include "coffer/testing/sweep/allocation_hook.h"

namespace coffer_testing {

class AllocationBudget final : private internal::AllocationHook {
 public:
  explicit AllocationBudget(
      uint64_t allocations_max,
      std::source_location where = std::source_location::current());
  ~AllocationBudget();

  // Counts no more, and fails if there were too many. Once.
  void End();

  // So far, or until the end.
  uint64_t allocations() const { return allocations_; }
  uint64_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kFramesMax = 24;

  void OnAllocation(size_t bytes) override;
  std::string Excess() const;

  const uint64_t allocations_max_;
  const std::source_location where_;
  bool ended_ = false;
  uint64_t allocations_ = 0;
  uint64_t bytes_ = 0;
  // Of the first one too many.
  size_t excess_bytes_ = 0;
  std::array<void*, kFramesMax> frames_;
  int frame_count_ = 0;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_SWEEP_ALLOCATION_BUDGET_H_
