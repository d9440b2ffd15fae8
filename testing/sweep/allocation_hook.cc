#include "coffer/testing/sweep/allocation_hook.h"

#include <malloc.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

#include "coffer/sdk/internal/assert.h"

namespace coffer_testing::internal {
namespace {

thread_local AllocationHook* innermost = nullptr;

// While a hook is told of one, others are not.
class Silence {
 public:
  Silence() : before_(std::exchange(innermost, nullptr)) {}
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() { innermost = before_; }

 private:
  AllocationHook* const before_;
};

}  // namespace

AllocationHook::AllocationHook() : outer_(std::exchange(innermost, this)) {}

// In whatever order they end.
AllocationHook::~AllocationHook() {
  AllocationHook** hook = &innermost;
  while (*hook != nullptr && *hook != this) hook = &(*hook)->outer_;
  COFFER_ASSERT(*hook != nullptr &&
                "an AllocationHook ends on the thread that made it");
  *hook = outer_;
}

void AllocationHook::Tell(size_t bytes) {
  AllocationHook* hook = innermost;
  if (hook == nullptr) return;
  const Silence silence;
  for (; hook != nullptr; hook = hook->outer_) hook->OnAllocation(bytes);
}

}  // namespace coffer_testing::internal

namespace {

void* AllocateOrNull(size_t bytes, size_t alignment) {
  if (alignment <= alignof(std::max_align_t)) {
    return std::malloc(bytes == 0 ? 1 : bytes);
  }
  return memalign(alignment, bytes == 0 ? 1 : bytes);
}

void* Allocate(size_t bytes, size_t alignment = 1) {
  coffer_testing::internal::AllocationHook::Tell(bytes);
  void* const memory = AllocateOrNull(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* AllocateNoThrow(size_t bytes, size_t alignment = 1) noexcept {
  try {
    return Allocate(bytes, alignment);
  } catch (...) {
    return nullptr;
  }
}

size_t Bytes(std::align_val_t alignment) {
  return static_cast<size_t>(alignment);
}

}  // namespace

void* operator new(size_t bytes) { return Allocate(bytes); }
void* operator new[](size_t bytes) { return Allocate(bytes); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  return Allocate(bytes, Bytes(alignment));
}
void* operator new[](size_t bytes, std::align_val_t alignment) {
  return Allocate(bytes, Bytes(alignment));
}
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return AllocateNoThrow(bytes);
}
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  return AllocateNoThrow(bytes);
}
void* operator new(size_t bytes, std::align_val_t alignment,
                   const std::nothrow_t&) noexcept {
  return AllocateNoThrow(bytes, Bytes(alignment));
}
void* operator new[](size_t bytes, std::align_val_t alignment,
                     const std::nothrow_t&) noexcept {
  return AllocateNoThrow(bytes, Bytes(alignment));
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t,
                     const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t,
                       const std::nothrow_t&) noexcept {
  std::free(memory);
}

extern "C" void* aligned_alloc(size_t alignment, size_t bytes) noexcept {
  void* const memory = AllocateNoThrow(bytes, alignment);
  if (memory == nullptr) errno = ENOMEM;
  return memory;
}
