// COFFER_ASSERT(condition): an invariant of our own code or a precondition on
// our caller, checked in every build. Prints the condition and its place, then
// aborts: a broken invariant must not go on to answer requests.
//
// Never for what a peer sends: that is an error to report, not a fault of ours.

#ifndef COFFER_SDK_INTERNAL_ASSERT_H_
#define COFFER_SDK_INTERNAL_ASSERT_H_

#include <cstdio>
#include <cstdlib>

namespace coffer::internal {

[[noreturn]] inline void AssertFailed(const char* what, const char* file,
                                      int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
  std::abort();
}

}  // namespace coffer::internal

// With a message: COFFER_ASSERT(!reading_ && "one Next at a time").
#define COFFER_ASSERT(condition) \
  (static_cast<bool>(condition)  \
       ? static_cast<void>(0)    \
       : ::coffer::internal::AssertFailed(#condition, __FILE__, __LINE__))

#endif  // COFFER_SDK_INTERNAL_ASSERT_H_
