// START_BACKUP, GET_BACKUP. They need no storage operation: each takes effect
// when it is answered.

#include "coffer/server/storage/backups.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/server/service/commands/commands.h"

namespace coffer::server {
namespace {

constexpr uint32_t kOk = 200;

v1::BackupState::Phase PhaseOf(BackupProgress::Phase phase) {
  switch (phase) {
    case BackupProgress::Phase::kNone:
      return v1::BackupState::NONE;
    case BackupProgress::Phase::kRunning:
      return v1::BackupState::RUNNING;
    case BackupProgress::Phase::kDone:
      return v1::BackupState::DONE;
    case BackupProgress::Phase::kFailed:
      return v1::BackupState::FAILED;
  }
  return v1::BackupState::NONE;
}

// Whether the engine makes backups; if not, the error is built.
bool HasBackups(const AnswerContext& context) {
  if (context.backups != nullptr) return true;
  AnswerError(context,
              absl::UnimplementedError(
                  "this engine keeps nothing on the disk to make a backup of; "
                  "kvc dump copies what it has"));
  return false;
}

}  // namespace

void AnswerStartBackup(const AnswerContext& context) {
  if (!HasBackups(context)) return;
  const v1::StartBackup& request = context.request.start_backup();
  absl::StatusOr<std::string> dir =
      context.backups->Start(request.dir(), request.keep());
  if (!dir.ok()) return AnswerError(context, dir.status());
  context.response->set_status(kOk);
  v1::BackupState& state = *context.response->mutable_backup();
  state.set_phase(v1::BackupState::RUNNING);
  state.set_dir(*std::move(dir));
}

void AnswerGetBackup(const AnswerContext& context) {
  if (!HasBackups(context)) return;
  const BackupProgress progress = context.backups->progress();
  context.response->set_status(kOk);
  v1::BackupState& state = *context.response->mutable_backup();
  state.set_phase(PhaseOf(progress.phase));
  state.set_dir(progress.dir);
  state.set_id(progress.id);
  state.set_bytes_done(progress.bytes_done);
  state.set_bytes_total(progress.bytes_total);
  state.set_error(std::string(progress.error.message()));
}

}  // namespace coffer::server
