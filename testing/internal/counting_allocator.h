// CountingAllocator: an allocator that counts, to see whether and how an
// operation uses the allocator of its handler.

#ifndef COFFER_TESTING_INTERNAL_COUNTING_ALLOCATOR_H_
#define COFFER_TESTING_INTERNAL_COUNTING_ALLOCATOR_H_

#include <cstddef>
#include <memory>

namespace coffer_testing::internal {

struct AllocationCount {
  size_t total = 0;  // ever made
  size_t live = 0;   // not given back yet
};

template <class T>
class CountingAllocator {
 public:
  using value_type = T;

  // Null: does not count.
  explicit CountingAllocator(AllocationCount* count) : count_(count) {}
  template <class U>
  CountingAllocator(const CountingAllocator<U>& other)  // NOLINT: rebinding
      : count_(other.count()) {}

  T* allocate(size_t n) {
    if (count_ != nullptr) {
      ++count_->total;
      ++count_->live;
    }
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* memory, size_t n) {
    if (count_ != nullptr) --count_->live;
    std::allocator<T>().deallocate(memory, n);
  }

  AllocationCount* count() const { return count_; }

  template <class U>
  bool operator==(const CountingAllocator<U>& other) const {
    return count_ == other.count();
  }

 private:
  AllocationCount* count_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_COUNTING_ALLOCATOR_H_
