// Debian's librocksdb is built without the thread sanitizer, which so sees the
// memory that it copies and some of its locks, and not its atomics: what it
// reports inside the library is no finding.

#if defined(__SANITIZE_THREAD__)

extern "C" const char* __tsan_default_suppressions() {
  return "race:librocksdb\nmutex:librocksdb\ndeadlock:librocksdb\n";
}

#endif
