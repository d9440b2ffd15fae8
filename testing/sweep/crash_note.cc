#include "coffer/testing/sweep/crash_note.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <iterator>
#include <string_view>

// Of the sanitizers, where the test is built with one.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(
    void (*callback)());

namespace coffer_testing::internal {
namespace {

std::atomic<const std::string*> innermost = nullptr;

constexpr int kSignals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
struct sigaction before[std::size(kSignals)];

// Only what a signal handler may do; each note at most once.
void Print() {
  const std::string* const note = innermost.exchange(nullptr);
  if (note == nullptr) return;
  for (const std::string_view text : {std::string_view(*note), {"\n", 1}}) {
    const ssize_t ignored = write(STDERR_FILENO, text.data(), text.size());
    static_cast<void>(ignored);
  }
}

// The signal comes again on return, for whoever handled it before.
void OnSignal(int) {
  Print();
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    sigaction(kSignals[i], &before[i], nullptr);
  }
}

// Once for the process: without a note it changes nothing.
bool Install() {
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    struct sigaction action = {};
    action.sa_handler = OnSignal;
    sigemptyset(&action.sa_mask);
    sigaction(kSignals[i], &action, &before[i]);
  }
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(Print);
  }
  return true;
}

}  // namespace

CrashNote::CrashNote(const std::string* text) : outer_(innermost) {
  static const bool installed = Install();
  static_cast<void>(installed);
  innermost = text;
}

CrashNote::~CrashNote() { innermost = outer_; }

}  // namespace coffer_testing::internal
