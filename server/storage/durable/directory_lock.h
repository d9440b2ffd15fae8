// DirectoryLock: says that a server has a data directory, for as long as it
// lives: also while RocksDB, whose lock is its own, closes the data and opens
// them again after trouble, or has them open only to read.
//
// It is the file IN_USE in it, locked; the system lets go of it when the
// process ends, however it ends.

#ifndef COFFER_SERVER_STORAGE_DURABLE_DIRECTORY_LOCK_H_
#define COFFER_SERVER_STORAGE_DURABLE_DIRECTORY_LOCK_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

namespace coffer::server {

class DirectoryLock {
 public:
  // Makes the directory if it is not there; the folder that it is in must be.
  // FailedPrecondition: another process has it. `files` null: the machine's.
  static absl::StatusOr<std::unique_ptr<DirectoryLock>> Take(
      std::shared_ptr<rocksdb::FileSystem> files, const std::string& dir);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(std::unique_ptr<rocksdb::Env> env)
      : env_(std::move(env)) {}

  const std::unique_ptr<rocksdb::Env> env_;
  rocksdb::FileLock* lock_ = nullptr;
};

// Takes RocksDB's own lock of the directory and lets go of it. Errors as above.
absl::Status CheckRocksDbLock(rocksdb::Env& env, const std::string& dir);

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_DIRECTORY_LOCK_H_
