// Database: a RocksDB database that holds Coffer's data in the format of this
// version. It opens and checks the data directory, and closes it.

#ifndef COFFER_SERVER_STORAGE_DURABLE_DATABASE_H_
#define COFFER_SERVER_STORAGE_DURABLE_DATABASE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/storage/durable/commit_plan.h"
#include "coffer/server/storage/durable/durable_options.h"
#include "coffer/server/storage/durable/log_file_system.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/server/storage/durable/table_catalogue.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/status.h"

namespace coffer::server {

class Database {
 public:
  // Told of each error after which RocksDB takes no writes, on any thread, also
  // while Open and the destructor run.
  using OnError = std::function<void(const rocksdb::Status&)>;

  // Opens options.data_dir, a folder that is there, and writes again what was
  // not yet in files. FailedPrecondition: it is in use, or not ours,
  // or of a newer format. DataLoss: it is damaged. Others: the disk.
  //
  // Read only, nothing is written: for a disk that takes nothing. `synced` is
  // kept up, if there is one; with SyncMode::kAlways nothing is read then that
  // was written and not synced.
  enum class Access { kReadWrite, kReadOnly };
  static absl::StatusOr<std::unique_ptr<Database>> Open(
      const DurableOptions& options, OnError on_error,
      Access access = Access::kReadWrite,
      std::shared_ptr<SyncedFiles> synced = nullptr);
  // No other call runs.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  rocksdb::DB& db() { return *db_; }

  // What the latest sync of the log took; 0: there was none. Any thread.
  Clock::Duration last_log_sync() const { return files_->last_sync(); }

  // What is to be known before the first batch.
  absl::Status Load(TableCatalogue* catalogue, CommitCounters* counters);

  // Versions go on far above those that were given, as Load tells the next
  // time: for data that is a copy, beside which others may have been given.
  absl::Status LeapVersions();

  // Whether the disk takes writes: a small file was written, synced and
  // removed, and there is room for what a start has to write. Any thread.
  absl::Status ProbeDisk();

 private:
  Database(const DurableOptions& options, Access access,
           std::shared_ptr<SyncedFiles> synced);

  absl::Status CheckFiles();
  absl::Status CheckColumnFamilies();
  absl::Status OpenRocksDb(OnError on_error);
  absl::Status WriteProbe(const std::string& path);
  absl::Status CheckFormat();
  // Data of format 1 does not say how many bytes a table has.
  absl::Status CountBytes(TableCatalogue* catalogue);
  absl::Status WriteFormat();
  absl::Status ReadNumber(const std::string& key, uint64_t* number);
  std::string Doing(absl::string_view what) const;

  const DurableOptions options_;
  const Access access_;
  const std::shared_ptr<LogFileSystem> files_;
  const std::unique_ptr<rocksdb::Env> env_;  // over files_
  std::unique_ptr<rocksdb::DB> db_;
  uint64_t format_ = kDataFormat;  // of the data
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_DATABASE_H_
