// AllocationHook: is told of each allocation of the thread that made it.
//
// Linking this library replaces the global operator new and delete, all their
// forms, and aligned_alloc: that is where Asio takes the memory of handlers and
// coroutines from. Memory still comes from malloc, so the sanitizers see it,
// except whether an array was deleted as one.

#ifndef COFFER_TESTING_SWEEP_ALLOCATION_HOOK_H_
#define COFFER_TESTING_SWEEP_ALLOCATION_HOOK_H_

#include <cstddef>

namespace coffer_testing::internal {

// Hooks nest: all are told, the innermost first. To be destroyed on the thread
// that made it.
class AllocationHook {
 public:
  AllocationHook(const AllocationHook&) = delete;
  AllocationHook& operator=(const AllocationHook&) = delete;

  // May throw, and the allocation fails: with what was thrown where it was
  // operator new's, with null otherwise. What it allocates itself is not told.
  virtual void OnAllocation(size_t bytes) = 0;

  // Those of this thread that `bytes` were asked of.
  static void Tell(size_t bytes);

 protected:
  AllocationHook();
  ~AllocationHook();

 private:
  AllocationHook* outer_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_SWEEP_ALLOCATION_HOOK_H_
