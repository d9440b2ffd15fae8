// RocksDbBackups: backups of the durable engine, by RocksDB's own backup
// engine, on a thread of their own, one at a time. A folder holds any number of
// them and shares the files that have not changed between them.
//
// A backup uses the database all the time: it is stopped, and fails, when the
// database has to be closed.

#ifndef COFFER_SERVER_STORAGE_DURABLE_ROCKSDB_BACKUPS_H_
#define COFFER_SERVER_STORAGE_DURABLE_ROCKSDB_BACKUPS_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/server/storage/backups.h"
#include "rocksdb/db.h"
#include "rocksdb/utilities/backup_engine.h"

namespace coffer::server {

class RocksDbBackups final : public Backups {
 public:
  // Calls `use` with the database, which is not closed meanwhile; or gives the
  // reason why there is none to be used.
  using UseDatabase = std::function<absl::Status(
      absl::FunctionRef<absl::Status(rocksdb::DB&)> use)>;
  // Whether a backup may run now. Told before Stop is called: a closed gate.
  using Check = std::function<absl::Status()>;

  // `root`: the folder that all of them are in; "": none may be made.
  RocksDbBackups(std::string root, UseDatabase use_database, Check check);
  ~RocksDbBackups() override { End(); }
  RocksDbBackups(const RocksDbBackups&) = delete;
  RocksDbBackups& operator=(const RocksDbBackups&) = delete;

  absl::StatusOr<std::string> Start(absl::string_view dir,
                                    uint32_t keep) override;
  BackupProgress progress() const override;

  // Makes the one that runs fail soon.
  void Stop();
  // As Stop, and waits for its end; none is started any more.
  void End();

 private:
  void Run(const std::string& dir, uint32_t keep);
  absl::Status MakeBackup(rocksdb::DB& db, const std::string& dir,
                          uint32_t keep, uint32_t* id);
  absl::Status MakeFolders(rocksdb::Env& env, const std::string& dir);
  // Null: none runs any more.
  void SetEngine(rocksdb::BackupEngine* engine);

  const std::string root_;
  const UseDatabase use_database_;
  const Check check_;

  mutable std::mutex mutex_;
  BackupProgress progress_;
  rocksdb::BackupEngine* engine_ = nullptr;  // of the backup that runs
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_ROCKSDB_BACKUPS_H_
