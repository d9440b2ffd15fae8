// Debian's librocksdb is built without the thread sanitizer, which so sees the
// memory that it copies, and some of its locks, and not its atomics: what it
// reports inside the library is no finding. Nor is what it reports where an
// iterator's records, which are in RocksDB's memory, are read: ForEachRecord.
// (Not "librocksdb" alone: the library of our own code has that in its name.)

#include "coffer/sdk/internal/sanitizer.h"

#if defined(COFFER_THREAD_SANITIZER)

extern "C" const char* __tsan_default_suppressions() {
  return "race:librocksdb.so\n"
         "mutex:librocksdb.so\n"
         "deadlock:librocksdb.so\n"
         "race:coffer::server::ForEachRecord\n";
}

#endif
