#include "coffer/server/storage/durable/rocksdb_backups.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/log.h"
#include "coffer/server/storage/durable/backup_dir.h"
#include "coffer/server/storage/durable/engine_status.h"

namespace coffer::server {
namespace {

// Between two reports of its progress.
constexpr uint64_t kStepBytes = 1 << 20;

}  // namespace

RocksDbBackups::RocksDbBackups(std::string root, UseDatabase use_database,
                               Check check)
    : root_(std::move(root)),
      use_database_(std::move(use_database)),
      check_(std::move(check)) {}

void RocksDbBackups::End() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    if (engine_ != nullptr) engine_->StopBackup();
  }
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<std::string> RocksDbBackups::Start(absl::string_view dir,
                                                  uint32_t keep) {
  absl::StatusOr<std::string> full = ResolveBackupDir(root_, dir);
  if (!full.ok()) return full;
  const absl::Status possible = check_();
  if (!possible.ok()) return possible;
  std::lock_guard lock(mutex_);
  if (ending_) return absl::UnavailableError("the server ends");
  if (progress_.phase == BackupProgress::Phase::kRunning) {
    return absl::FailedPreconditionError(
        absl::StrCat("a backup to ", progress_.dir, " runs"));
  }
  if (thread_.joinable()) thread_.join();  // it has said its last word
  try {
    thread_ = std::thread([this, to = *full, keep] { Run(to, keep); });
  } catch (const std::system_error& error) {
    return absl::UnavailableError(
        absl::StrCat("no thread for a backup: ", error.what()));
  }
  progress_ = BackupProgress();
  progress_.phase = BackupProgress::Phase::kRunning;
  progress_.dir = *full;
  return full;
}

BackupProgress RocksDbBackups::progress() const {
  std::lock_guard lock(mutex_);
  return progress_;
}

void RocksDbBackups::Stop() {
  std::lock_guard lock(mutex_);
  if (engine_ != nullptr) engine_->StopBackup();
}

void RocksDbBackups::SetEngine(rocksdb::BackupEngine* engine) {
  std::lock_guard lock(mutex_);
  engine_ = engine;
  if (engine_ != nullptr && ending_) engine_->StopBackup();
}

void RocksDbBackups::Run(const std::string& dir, uint32_t keep) {
  Log(LogLevel::kInfo, "backup begun", {{"dir", dir}});
  uint32_t id = 0;
  const absl::Status made = use_database_(
      [&](rocksdb::DB& db) { return MakeBackup(db, dir, keep, &id); });
  if (made.ok()) {
    Log(LogLevel::kInfo, "backup done",
        {{"dir", dir}, {"id", absl::StrCat(id)}});
  } else {
    Log(LogLevel::kError, "backup failed",
        {{"dir", dir}, {"error", std::string(made.message())}});
  }
  std::lock_guard lock(mutex_);
  progress_.phase =
      made.ok() ? BackupProgress::Phase::kDone : BackupProgress::Phase::kFailed;
  progress_.id = id;
  progress_.error = made;
  // It was estimated, and files that an earlier backup has are not copied.
  if (made.ok()) progress_.bytes_total = progress_.bytes_done;
}

absl::Status RocksDbBackups::MakeBackup(rocksdb::DB& db, const std::string& dir,
                                        uint32_t keep, uint32_t* id) {
  const std::string doing = absl::StrCat("backup to ", dir);
  rocksdb::Env& env = *db.GetEnv();
  const absl::Status folders = MakeFolders(env, dir);
  if (!folders.ok()) return folders;
  rocksdb::BackupEngineOptions options(dir, &env);
  options.callback_trigger_interval_size = kStepBytes;
  rocksdb::BackupEngine* opened = nullptr;
  rocksdb::Status status = rocksdb::BackupEngine::Open(options, &env, &opened);
  if (!status.ok()) return FromRocksDb(status, doing);
  const std::unique_ptr<rocksdb::BackupEngine> engine(opened);
  SetEngine(engine.get());
  const auto forget = absl::MakeCleanup([this] { SetEngine(nullptr); });
  // The gate may have been closed before there was anything to be stopped.
  const absl::Status possible = check_();
  if (!possible.ok()) return possible;
  uint64_t total = 0;
  db.GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &total);
  {
    std::lock_guard lock(mutex_);
    progress_.bytes_total = total;
  }
  rocksdb::CreateBackupOptions how;
  // All that was answered is in files then, and no log needs to be copied that
  // is being written.
  how.flush_before_backup = true;
  how.progress_callback = [this] {
    std::lock_guard lock(mutex_);
    progress_.bytes_done += kStepBytes;
    progress_.bytes_total =
        std::max(progress_.bytes_total, progress_.bytes_done);
  };
  rocksdb::BackupID made = 0;
  status = engine->CreateNewBackup(how, &db, &made);
  if (status.ok() && keep > 0) status = engine->PurgeOldBackups(keep);
  *id = made;
  return FromRocksDb(status, doing);
}

// RocksDB makes the last one only.
absl::Status RocksDbBackups::MakeFolders(rocksdb::Env& env,
                                         const std::string& dir) {
  std::filesystem::path made;
  for (const std::filesystem::path& name : std::filesystem::path(dir)) {
    made /= name;
    if (made == made.root_path()) continue;
    const rocksdb::Status status = env.CreateDirIfMissing(made.string());
    if (!status.ok()) {
      return FromRocksDb(status, absl::StrCat("making folder ", made.string()));
    }
  }
  return absl::OkStatus();
}

}  // namespace coffer::server
