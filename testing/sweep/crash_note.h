// CrashNote: words that are printed if the process dies while the note exists,
// so that a crash inside a sweep says which run it was. By an abort (of
// std::terminate, of an assertion), a bad access, or a sanitizer's report.

#ifndef COFFER_TESTING_SWEEP_CRASH_NOTE_H_
#define COFFER_TESTING_SWEEP_CRASH_NOTE_H_

#include <string>

namespace coffer_testing::internal {

// Notes nest; the innermost is printed. Threads: one at a time makes notes.
class CrashNote {
 public:
  // `text` is read then, so it may still change.
  explicit CrashNote(const std::string* text);
  CrashNote(const CrashNote&) = delete;
  CrashNote& operator=(const CrashNote&) = delete;
  ~CrashNote();

 private:
  const std::string* const outer_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_SWEEP_CRASH_NOTE_H_
