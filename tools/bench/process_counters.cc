#include "coffer/tools/bench/process_counters.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "coffer/sdk/internal/sanitizer.h"

// glibc's own names for its allocator, which stay when the usual ones are
// replaced (its manual, "Replacing malloc").
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace coffer::bench {
namespace {

constinit std::atomic<int64_t> allocations{0};
constinit std::atomic<int64_t> system_calls{0};

[[maybe_unused]] void CountAllocation() {
  allocations.fetch_add(1, std::memory_order_relaxed);
}

// The function of that name that would have been called without ours.
template <class Function>
Function Counted(std::atomic<Function>* next, const char* name) {
  system_calls.fetch_add(1, std::memory_order_relaxed);
  Function found = next->load(std::memory_order_relaxed);
  if (found == nullptr) {
    found = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
    if (found == nullptr) std::abort();
    next->store(found, std::memory_order_relaxed);
  }
  return found;
}

}  // namespace

ProcessCounters CountsSoFar() {
  return {allocations.load(std::memory_order_relaxed),
          system_calls.load(std::memory_order_relaxed)};
}

}  // namespace coffer::bench

// A sanitizer has an allocator of its own, and looks at the system calls
// itself.
#if !defined(COFFER_SANITIZER)

// --- The allocator

using coffer::bench::CountAllocation;

extern "C" {

void* malloc(std::size_t size) noexcept {
  CountAllocation();
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept {
  CountAllocation();
  return __libc_calloc(count, size);
}

void* realloc(void* old, std::size_t size) noexcept {
  CountAllocation();
  return __libc_realloc(old, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  CountAllocation();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** out, std::size_t alignment,
                   std::size_t size) noexcept {
  CountAllocation();
  *out = __libc_memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}

}  // extern "C"

// --- The kernel

// One function of the C library that counts and hands on. Macros, since the
// name is needed as an identifier and as text.
#define COUNT_CALL(result, name, parameters, arguments, exceptions)   \
  extern "C" result name parameters exceptions {                      \
    static constinit std::atomic<result(*) parameters> next{nullptr}; \
    return coffer::bench::Counted(&next, #name) arguments;            \
  }                                                                   \
  static_assert(true)

COUNT_CALL(ssize_t, read, (int fd, void* data, std::size_t size),
           (fd, data, size), );
COUNT_CALL(ssize_t, write, (int fd, const void* data, std::size_t size),
           (fd, data, size), );
COUNT_CALL(ssize_t, readv, (int fd, const iovec* parts, int count),
           (fd, parts, count), );
COUNT_CALL(ssize_t, writev, (int fd, const iovec* parts, int count),
           (fd, parts, count), );
COUNT_CALL(ssize_t, recv, (int fd, void* data, std::size_t size, int flags),
           (fd, data, size, flags), );
COUNT_CALL(ssize_t, send,
           (int fd, const void* data, std::size_t size, int flags),
           (fd, data, size, flags), );
COUNT_CALL(ssize_t, recvmsg, (int fd, msghdr* message, int flags),
           (fd, message, flags), );
COUNT_CALL(ssize_t, sendmsg, (int fd, const msghdr* message, int flags),
           (fd, message, flags), );
COUNT_CALL(int, poll, (pollfd * fds, nfds_t count, int timeout),
           (fds, count, timeout), );
COUNT_CALL(int, epoll_wait,
           (int fd, epoll_event* events, int count, int timeout),
           (fd, events, count, timeout), );
COUNT_CALL(int, epoll_ctl, (int fd, int op, int target, epoll_event* event),
           (fd, op, target, event), noexcept);
COUNT_CALL(int, timerfd_settime,
           (int fd, int flags, const itimerspec* value, itimerspec* old),
           (fd, flags, value, old), noexcept);

#endif  // no sanitizer
