// Backups: copies of an engine's data as it is at one moment, made while the
// engine goes on. An engine that can make them says so by Storage::backups.

#ifndef COFFER_SERVER_STORAGE_BACKUPS_H_
#define COFFER_SERVER_STORAGE_BACKUPS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace coffer::server {

// Of the backup that runs, or of the last one.
struct BackupProgress {
  enum class Phase { kNone, kRunning, kDone, kFailed };
  Phase phase = Phase::kNone;
  std::string dir = {};  // where it goes
  uint32_t id = 0;       // once it is done: its number there
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;  // about
  absl::Status error = {};   // why it failed
};

// Any thread. No call blocks on the disk.
class Backups {
 public:
  virtual ~Backups() = default;

  // Begins one, of all that was answered before the call. `dir`, a folder of
  // the engine's machine, is made if it is absent; one that has backups gets
  // one more, of which only the latest `keep` stay, 0 for all. Gives the
  // folder's full name. PermissionDenied: it is not among those that the
  // engine's owner allows. FailedPrecondition: one runs. Unavailable: not at
  // present.
  virtual absl::StatusOr<std::string> Start(absl::string_view dir,
                                            uint32_t keep) = 0;
  virtual BackupProgress progress() const = 0;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_BACKUPS_H_
