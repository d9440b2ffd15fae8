// Restore: from a backup to a data directory, before it is opened.

#ifndef COFFER_SERVER_STORAGE_DURABLE_RESTORE_H_
#define COFFER_SERVER_STORAGE_DURABLE_RESTORE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "coffer/server/storage/durable/durable_options.h"

namespace coffer::server {

struct RestoreSource {
  std::string dir;  // of the backups
  uint32_t id = 0;  // of one of them; 0: the latest
};

// Makes options.data_dir, which is absent or empty, of a backup. It is there as
// a whole or not at all: what is half done stands beside it, and is done anew
// the next time. Every file is checked against what was noted of it when the
// backup was made.
//
// Versions go on far above those of the backup: none that was given after it,
// in what is lost now, is given again.
//
// FailedPrecondition: the directory has something in it, or there is no such
// backup. DataLoss: the backup is damaged. Others: the disk. Blocks.
absl::Status RestoreBackup(const RestoreSource& from,
                           const DurableOptions& options);

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_RESTORE_H_
