// Crash points: the durable engine on a disk that fails at one of its
// operations, for each of them.
//
// A run does the same writes, one batch after another, of all kinds: single
// keys, groups over two tables, conditions, whole tables, expiry, notes. At the
// operation that is asked for the disk loses its power, or fails. What is
// answered, and what is there afterwards, is compared with ModelStorage, which
// was given the same batches: everything that was answered, and of the one
// batch that was not, all or nothing; all from the first read that has seen it.
// Versions are not the model's, but in the same order, and none twice.

#ifndef COFFER_SERVER_STORAGE_DURABLE_CRASH_POINTS_H_
#define COFFER_SERVER_STORAGE_DURABLE_CRASH_POINTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/storage/durable/durable_options.h"

namespace coffer_testing {

struct CrashPoint {
  enum class Trouble {
    // The power goes at the operation; what was not synced is gone, torn, or
    // written in another order (PowerLoss).
    kDropped,
    kTorn,
    kReordered,
    // It fails, alone; a sync that fails loses what it was to write, an append
    // leaves a part. In the end the power goes.
    kNoSpace,
    kFails,
    // It fails, and a little later some more do, while the engine opens its
    // data again.
    kFailsAgain,
    // It fails, and a little later all others, until the power has gone.
    kStaysBroken,
  };
  static constexpr int kTroubles = 7;

  Trouble trouble = Trouble::kDropped;
  // Of the disk, from 1.
  std::uint64_t operation = 1;
  // Of the writes; with the operation, of what a loss of power leaves, which
  // operations fail later, and whether the power goes again in the next start.
  std::uint64_t seed = 1;
  coffer::server::SyncMode sync = coffer::server::SyncMode::kAlways;
};

absl::string_view ToString(CrashPoint::Trouble trouble);

// How many operations a run has that nothing happens to; about: the engine's
// threads work beside each other. An error: something is wrong already.
absl::StatusOr<std::uint64_t> CountOperations(const CrashPoint& like);

// Runs them, side by side: RocksDB rests for a second of real time after some
// errors. Returns what went wrong, with what it takes to run it again.
std::vector<std::string> RunCrashPoints(absl::Span<const CrashPoint> points);

}  // namespace coffer_testing

#endif  // COFFER_SERVER_STORAGE_DURABLE_CRASH_POINTS_H_
