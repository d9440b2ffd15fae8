#include "coffer/tools/cli/backup_command.h"

#include <chrono>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coffer/tools/cli/escapes.h"

namespace coffer::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenQuestions{250};

std::string Mebibytes(std::uint64_t bytes) {
  return absl::StrFormat("%.1f", static_cast<double>(bytes) / (1 << 20));
}

std::string Folder(const v1::BackupState& state) {
  return Escape(state.dir(), "");
}

// As the server would have refused it.
v1::CommandResponse Failed(const v1::BackupState& state) {
  v1::CommandResponse response;
  response.set_status(500);
  response.set_message(
      absl::StrCat("backup to ", state.dir(), " failed: ", state.error()));
  return response;
}

}  // namespace

absl::StatusOr<v1::CommandRequest> ParseBackup(
    absl::Span<const std::string> arguments) {
  v1::CommandRequest request;
  v1::StartBackup& backup = *request.mutable_start_backup();
  backup.set_dir(arguments[0]);
  if (arguments.size() > 1) {
    std::uint32_t keep = 0;
    if (!absl::SimpleAtoi(arguments[1], &keep) || keep == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("KEEP: ", Quoted(arguments[1]), " is no number from 1"));
    }
    backup.set_keep(keep);
  }
  return request;
}

absl::StatusOr<v1::CommandResponse> RunBackup(
    Executor* executor, const v1::CommandRequest& request,
    const std::function<void(const v1::BackupState&)>& show) {
  absl::StatusOr<v1::CommandResponse> response = executor->Execute(request);
  v1::CommandRequest question;
  question.mutable_get_backup();
  while (response.ok() && response->status() == 200) {
    const v1::BackupState& state = response->backup();
    if (state.phase() == v1::BackupState::FAILED) return Failed(state);
    if (state.phase() != v1::BackupState::RUNNING) break;
    show(state);
    const absl::Status waited = executor->Wait(kBetweenQuestions);
    if (!waited.ok()) return waited;
    response = executor->Execute(question);
  }
  return response;
}

std::string FormatBackupProgress(const v1::BackupState& state) {
  return absl::StrCat("backup to ", Folder(state), ": ",
                      Mebibytes(state.bytes_done()), " of ",
                      Mebibytes(state.bytes_total()), " MiB");
}

std::string FormatBackup(const v1::BackupState& state) {
  return absl::StrCat("backup ", state.id(), " in ", Folder(state), ": ",
                      Mebibytes(state.bytes_done()), " MiB copied");
}

}  // namespace coffer::cli
