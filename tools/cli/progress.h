// Progress: how far a long command is, on the stream of complaints: for people
// one line that changes, a few times a second; for a log a line now and then.
//
// Not thread-safe.

#ifndef COFFER_TOOLS_CLI_PROGRESS_H_
#define COFFER_TOOLS_CLI_PROGRESS_H_

#include <cstddef>
#include <functional>
#include <ostream>
#include <string>

#include "coffer/sdk/clock.h"

namespace coffer::cli {

class Progress {
 public:
  enum class Kind { kNone, kTerminal, kLog };

  // Both outlive it.
  Progress(Kind kind, std::ostream* err, Clock* clock)
      : kind_(kind), err_(*err), clock_(*clock) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { Clear(); }

  // Shows what `text` gives, which is asked only if it is time again.
  void Show(const std::function<std::string()>& text);

  // Nothing of it is left on the terminal's line.
  void Clear();

 private:
  const Kind kind_;
  std::ostream& err_;
  Clock& clock_;
  Clock::TimePoint next_ = Clock::TimePoint::min();
  std::size_t shown_ = 0;
};

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_PROGRESS_H_
