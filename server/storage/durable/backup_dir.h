// Which folders backups may go to. Whoever asks for a backup is a peer, and is
// not to write anywhere on the server's machine: all of them are inside one
// folder that the server's owner names.

#ifndef COFFER_SERVER_STORAGE_DURABLE_BACKUP_DIR_H_
#define COFFER_SERVER_STORAGE_DURABLE_BACKUP_DIR_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace coffer::server {

// The full name of the folder that `dir` means inside `root`, by the names
// alone: it asks no disk. InvalidArgument: no name of a folder.
// PermissionDenied: not inside of `root`, or there is none ("").
absl::StatusOr<std::string> ResolveBackupDir(absl::string_view root,
                                             absl::string_view dir);

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_BACKUP_DIR_H_
