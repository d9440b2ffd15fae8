// kvc backup: has the server make a backup, and waits until it is made.
//
//   kvc backup NAME [KEEP]

#ifndef COFFER_TOOLS_CLI_BACKUP_COMMAND_H_
#define COFFER_TOOLS_CLI_BACKUP_COMMAND_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "coffer/tools/cli/executor.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

// The request of `kvc backup ARGUMENTS`, of which there are one or two.
absl::StatusOr<v1::CommandRequest> ParseBackup(
    absl::Span<const std::string> arguments);

// Executes the request, a START_BACKUP, and asks until the backup is over. The
// answer is that of the server which refused it, or that with how it ended. An
// error: there is no connection, or the process was told to end; the backup
// goes on all the same.
//
// `show` is told how far it is, a few times a second.
absl::StatusOr<v1::CommandResponse> RunBackup(
    Executor* executor, const v1::CommandRequest& request,
    const std::function<void(const v1::BackupState&)>& show);

// "backup to DIR: 12.0 of 34.5 MiB".
std::string FormatBackupProgress(const v1::BackupState& state);
// "backup 3 in DIR: 34.5 MiB copied", of one that is done.
std::string FormatBackup(const v1::BackupState& state);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_BACKUP_COMMAND_H_
