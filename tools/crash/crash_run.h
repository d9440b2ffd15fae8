// RunCrashes: kvs, killed again and again (SIGKILL) under clients that write,
// and all that they were told checked.
//
// Each round: some clients write and read a few keys, as fast as they are
// answered: single keys, several keys at once, transactions over two tables,
// counters. After some answers kvs is killed, sometimes once more while it
// starts, and started again on the same data and port. The clients go on, and
// send again what was not answered. Then they stop, everything is read, and the
// history of each object is checked: it must be linearizable
// (linearizability.h) from what was there before the round to what is read
// behind it, a call of unknown outcome having happened or not. So an answered
// write that is lost, one that was told not to be executed and was, a counter
// that was added to twice, and a read of what was not written yet, are all
// found. Keys that are written together must always be read alike.
//
// It knows the server by its answers only.

#ifndef COFFER_TOOLS_CRASH_CRASH_RUN_H_
#define COFFER_TOOLS_CRASH_CRASH_RUN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace coffer::crash {

struct CrashOptions {
  std::string kvs;       // the program
  std::string data_dir;  // is removed before
  std::vector<std::string> kvs_flags = {"--sync=always"};
  int kills = 10;
  int clients = 4;
  unsigned seed = 1;
  // Answers before a kill: between 1 and so many.
  int answers_max = 400;
  // Called after each kill, before kvs is started again: for a test that does
  // harm to the data.
  std::function<void(int kill)> after_kill = nullptr;
  // Called after each round, for who watches.
  std::function<void(int kills)> progress = nullptr;
};

struct CrashResult {
  int kills = 0;
  uint64_t answered = 0;
  uint64_t unknown = 0;       // calls whose outcome was not known
  uint64_t not_executed = 0;  // calls that were refused
  uint64_t histories = 0;     // checked
  // What was found, with the history: the run ends with the first round that
  // finds something.
  std::vector<std::string> failures;
};

// An error: kvs does not start, or does not answer.
absl::StatusOr<CrashResult> RunCrashes(const CrashOptions& options);

}  // namespace coffer::crash

#endif  // COFFER_TOOLS_CRASH_CRASH_RUN_H_
