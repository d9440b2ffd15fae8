// LogFileSystem: a file system whose RocksDB logs (*.log) are cheap to sync.
//
// A file that grows by each write has to have its new length, and its new
// blocks, written down with each sync: with ext4's journal that takes two or
// three times as long as the data alone. So a log is made longer ahead of the
// writes, with zeros, a chunk at a time; writes then overwrite zeros. Closed, a
// log is cut to its length; after a kill, its zeros are not shown to RocksDB
// (log_end.h).
//
// Manifests are logs, too: of one whose last write was torn by a loss of power
// the rest is shown. RocksDB would take it for damage.
//
// It also measures the syncs of logs, and knows what is synced. Threads: any,
// as any file system.

#ifndef COFFER_SERVER_STORAGE_DURABLE_LOG_FILE_SYSTEM_H_
#define COFFER_SERVER_STORAGE_DURABLE_LOG_FILE_SYSTEM_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/storage/durable/log_end.h"
#include "rocksdb/file_system.h"
#include "rocksdb/io_status.h"

namespace coffer::server {

// What is on the disk for good of RocksDB's logs, its manifests (MANIFEST-*,
// which say what files there are) and CURRENT (which says which manifest
// holds), of those that this process has written: of their bytes, what is
// synced, and of a name, whether the folder was synced after it was made. Any
// thread.
class SyncedFiles {
 public:
  // It is made, or given this name, anew.
  void Add(const std::string& path);
  void SetWritten(const std::string& path, uint64_t bytes);
  void SetSynced(const std::string& path, uint64_t bytes);
  void Forget(const std::string& path);
  // A sync of the folder: what has a name before it is begun has it for good
  // when it has succeeded.
  std::vector<std::string> NewNamesIn(absl::string_view dir) const;
  void SetNamed(const std::vector<std::string>& paths);

  // How much was written to it; nullopt: not by this process.
  absl::optional<uint64_t> Written(const std::string& path) const;
  // How much of that no loss of power takes.
  absl::optional<uint64_t> Lasting(const std::string& path) const;

 private:
  struct File {
    uint64_t written = 0;
    uint64_t synced = 0;
    bool named = false;
  };

  mutable std::mutex mutex_;
  absl::flat_hash_map<std::string, File> files_;
};

class LogFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  struct Options {
    // Zeros that are written at once; 0: none are.
    size_t zeros_bytes = 0;
    // A log in which zeros stand before something else is cut there, and later
    // ones are left out, instead of being refused as damaged.
    bool accept_holes = false;
    // Each write is synced before the next: one that is not whole is the last
    // of all logs, or damaged.
    bool each_is_synced = false;
    // Kept up by this file system, and those before it that had the same; null:
    // one of its own. With `synced_only` nothing else is read of what it knows:
    // it may be there today and gone tomorrow.
    std::shared_ptr<SyncedFiles> synced = nullptr;
    bool synced_only = false;
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
  rocksdb::IOStatus NewDirectory(const std::string& name,
                                 const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* dir,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  class WrittenManifest;
  class WrittenLog;
  class BegunFile;
  class SyncedDirectory;

  // How much of it may be read.
  uint64_t ReadableBytes(const std::string& name) const;
  rocksdb::IOStatus Look(const std::string& name,
                         const rocksdb::FileOptions& options,
                         LogEndFinder::Result* found,
                         rocksdb::IODebugContext* debug);
  // The first log behind this one that has a write; empty: there is none.
  rocksdb::IOStatus FindLaterWrite(const std::string& name,
                                   const rocksdb::FileOptions& options,
                                   std::string* later,
                                   rocksdb::IODebugContext* debug);
  // Of one that another process has left.
  rocksdb::IOStatus FindEnd(const std::string& name,
                            const rocksdb::FileOptions& options, uint64_t* end,
                            rocksdb::IODebugContext* debug);

  const Options options_;  // `synced` is there
  // What is in later logs stands on what is missing from this one.
  std::atomic<uint64_t> last_log_{UINT64_MAX};
  std::atomic<Clock::Duration> last_sync_{};
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_LOG_FILE_SYSTEM_H_
