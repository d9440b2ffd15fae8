#include "coffer/server/storage/durable/directory_lock.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/storage/durable/engine_status.h"

namespace coffer::server {
namespace {

// By its words: RocksDB has no status for it.
bool IsHeldByAnother(const rocksdb::Status& status) {
  if (!status.IsIOError()) return false;
  const std::string message = status.ToString();
  return absl::StrContains(message, "While lock file") ||
         absl::StrContains(message, "lock hold by");
}

absl::Status ToStatus(const rocksdb::Status& status, const std::string& dir) {
  if (IsHeldByAnother(status)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot open data directory ", dir, ": another server has it open"));
  }
  return FromRocksDb(status, absl::StrCat("cannot use data directory ", dir));
}

// One that is new is there for good only once the folder that it is in is
// synced: RocksDB syncs what is in it, and not this.
rocksdb::Status MakeDirectory(rocksdb::Env& env, const std::string& dir) {
  const bool is_new = env.FileExists(dir).IsNotFound();
  rocksdb::Status status = env.CreateDirIfMissing(dir);
  if (!status.ok()) return status;
  const size_t name = dir.find_last_not_of('/');
  const size_t slash = dir.rfind('/', name);
  std::string parent = ".";
  if (slash != std::string::npos) parent = dir.substr(0, slash + 1);
  std::unique_ptr<rocksdb::Directory> opened;
  status = env.NewDirectory(parent, &opened);
  if (status.ok()) status = opened->Fsync();
  // An earlier start may have ended before it was; but whose parent may not be
  // read is not refused for that.
  return is_new ? status : rocksdb::Status::OK();
}

}  // namespace

absl::StatusOr<std::unique_ptr<DirectoryLock>> DirectoryLock::Take(
    std::shared_ptr<rocksdb::FileSystem> files, const std::string& dir) {
  if (files == nullptr) files = rocksdb::FileSystem::Default();
  std::unique_ptr<DirectoryLock> taken(
      new DirectoryLock(rocksdb::NewCompositeEnv(std::move(files))));
  rocksdb::Status status = MakeDirectory(*taken->env_, dir);
  if (status.ok()) {
    status = taken->env_->LockFile(dir + "/IN_USE", &taken->lock_);
  }
  if (!status.ok()) return ToStatus(status, dir);
  return taken;
}

DirectoryLock::~DirectoryLock() {
  // That it cannot let go is of no use to anybody: the process does when it
  // ends.
  if (lock_ != nullptr) env_->UnlockFile(lock_).PermitUncheckedError();
}

absl::Status CheckRocksDbLock(rocksdb::Env& env, const std::string& dir) {
  rocksdb::FileLock* lock = nullptr;
  rocksdb::Status status = env.LockFile(dir + "/LOCK", &lock);
  if (status.ok()) status = env.UnlockFile(lock);
  return ToStatus(status, dir);
}

}  // namespace coffer::server
