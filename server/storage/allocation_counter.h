// AllocationCounter: what the calling thread has taken from operator new since
// the counter was made. Linking this library replaces the global operator new
// and delete of the test.

#ifndef COFFER_SERVER_STORAGE_ALLOCATION_COUNTER_H_
#define COFFER_SERVER_STORAGE_ALLOCATION_COUNTER_H_

#include <cstdint>

namespace coffer_testing {

class AllocationCounter {
 public:
  AllocationCounter();
  uint64_t allocations() const;
  uint64_t bytes() const;  // asked for in all, freed or not

 private:
  uint64_t allocations_before_;
  uint64_t bytes_before_;
};

}  // namespace coffer_testing

#endif  // COFFER_SERVER_STORAGE_ALLOCATION_COUNTER_H_
