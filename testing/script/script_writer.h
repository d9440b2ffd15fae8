// ScriptWriter: what a scripted peer sends, when, and in which pieces.
//
// Pieces go out apart from each other: the next one only when whoever reads has
// had its turn, for time, which has to pass by a nanosecond, moves on only when
// nothing else is left to do. Items go out in their order; the delay of each
// counts from when it was given. So with a ManualClock that nobody moves
// nothing goes out behind the first piece: a VirtualTime runs it.

#ifndef COFFER_TESTING_SCRIPT_SCRIPT_WRITER_H_
#define COFFER_TESTING_SCRIPT_SCRIPT_WRITER_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "coffer/sdk/clock.h"
#include "coffer/testing/memory_pipe.h"

namespace coffer_testing::internal {

struct ScriptItem {
  enum class Then { kGoOn, kEnd, kReset };

  std::string bytes;
  // The sizes of the first pieces; the rest is one more. None: all in one.
  std::vector<size_t> pieces = {};
  coffer::Clock::Duration after = {};
  Then then = Then::kGoOn;
};

class ScriptWriter : public std::enable_shared_from_this<ScriptWriter> {
 public:
  // `pipe` and `clock` live until Stop.
  ScriptWriter(MemoryPipe* pipe, coffer::Clock* clock);

  void Send(ScriptItem item);
  // Forgets what was not sent, and touches the pipe no more.
  void Stop();

 private:
  struct Due {
    ScriptItem item;
    coffer::Clock::TimePoint when;
  };

  void Next();
  void WaitUntil(coffer::Clock::TimePoint when, void (ScriptWriter::*then)());
  void StartItem();
  void WritePiece();
  void Finish();

  MemoryPipe* pipe_;  // null: stopped
  coffer::Clock* const clock_;
  const std::unique_ptr<coffer::Timer> timer_;
  std::deque<Due> queue_;
  bool busy_ = false;
  size_t written_ = 0;  // of the first item
  size_t piece_ = 0;    // its piece that is next
  size_t piece_end_ = 0;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_SCRIPT_SCRIPT_WRITER_H_
