// Counts what a process asks of its allocator and of the kernel, whoever asks:
// our code, a library in C, the standard library. Unlike times, these counts do
// not jitter.
//
// A program that links this gets its own malloc, read, epoll_wait and so on,
// each of which counts and calls glibc's. Not counted: what glibc calls within
// itself, and system calls that are not listed in process_counters.cc. Nothing
// is counted in a build with a sanitizer.

#ifndef COFFER_TOOLS_BENCH_PROCESS_COUNTERS_H_
#define COFFER_TOOLS_BENCH_PROCESS_COUNTERS_H_

#include <cstdint>

namespace coffer::bench {

struct ProcessCounters {
  // malloc, calloc, realloc, aligned_alloc, posix_memalign; hence also new.
  int64_t allocations = 0;
  // Of sockets, epoll and timers.
  int64_t system_calls = 0;
};

// Since the process began. Any thread.
ProcessCounters CountsSoFar();

}  // namespace coffer::bench

#endif  // COFFER_TOOLS_BENCH_PROCESS_COUNTERS_H_
