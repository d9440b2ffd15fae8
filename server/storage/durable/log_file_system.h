// LogFileSystem: a file system whose RocksDB logs (*.log) are cheap to sync.
//
// A file that grows by each write has to have its new length, and its new
// blocks, written down with each sync: with ext4's journal that takes two or
// three times as long as the data alone. So a log is made longer ahead of the
// writes, with zeros, a chunk at a time; writes then overwrite zeros. Closed, a
// log is cut to its length; after a kill, its zeros are not shown to RocksDB
// (log_end.h).
//
// It also measures the syncs of logs. Threads: any, as any file system.

#ifndef COFFER_SERVER_STORAGE_DURABLE_LOG_FILE_SYSTEM_H_
#define COFFER_SERVER_STORAGE_DURABLE_LOG_FILE_SYSTEM_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "coffer/sdk/clock.h"
#include "rocksdb/file_system.h"
#include "rocksdb/io_status.h"

namespace coffer::server {

class LogFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  struct Options {
    // Zeros that are written at once; 0: none are.
    size_t zeros_bytes = 0;
    // A log in which zeros stand before something else is cut there, instead of
    // being refused as damaged.
    bool accept_holes = false;
    Clock* clock = &Clock::System();  // outlives it
  };

  LogFileSystem(std::shared_ptr<rocksdb::FileSystem> base,
                const Options& options);

  const char* Name() const override { return "LogFileSystem"; }

  // What the latest sync of a log took; 0: there was none.
  Clock::Duration last_sync() const {
    return last_sync_.load(std::memory_order_relaxed);
  }

  rocksdb::IOStatus NewWritableFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewSequentialFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSSequentialFile>* file,
      rocksdb::IODebugContext* debug) override;

 private:
  class WrittenLog;
  class ReadLog;

  rocksdb::IOStatus FindEnd(const std::string& name,
                            const rocksdb::FileOptions& options, uint64_t* end,
                            rocksdb::IODebugContext* debug);

  const Options options_;
  std::atomic<Clock::Duration> last_sync_{};
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_LOG_FILE_SYSTEM_H_
