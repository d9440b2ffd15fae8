#include "coffer/tools/cli/progress.h"

#include <algorithm>
#include <chrono>

namespace coffer::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenShows{250};
constexpr std::chrono::seconds kBetweenLines{10};

}  // namespace

void Progress::Show(const std::function<std::string()>& text) {
  if (kind_ == Kind::kNone || clock_.Now() < next_) return;
  const std::string line = text();
  if (kind_ == Kind::kTerminal) {
    next_ = clock_.Now() + kBetweenShows;
    const std::size_t padding = shown_ - std::min(shown_, line.size());
    err_ << "\r" << line << std::string(padding, ' ') << std::flush;
    shown_ = line.size();
  } else {
    next_ = clock_.Now() + kBetweenLines;
    err_ << "kvc: " << line << "\n" << std::flush;
  }
}

void Progress::Clear() {
  if (shown_ == 0) return;
  err_ << "\r" << std::string(shown_, ' ') << "\r" << std::flush;
  shown_ = 0;
}

}  // namespace coffer::cli
