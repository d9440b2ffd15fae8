// FaultyFileSystem: the machine's file system for RocksDB, of which a test can
// hold up the syncs, let appends and syncs fail, and see what a loss of power
// would leave. (Of the files that are written; reading always works, and names
// are never lost.) Any thread.

#ifndef COFFER_SERVER_STORAGE_DURABLE_FAULTY_FILE_SYSTEM_H_
#define COFFER_SERVER_STORAGE_DURABLE_FAULTY_FILE_SYSTEM_H_

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "rocksdb/file_system.h"
#include "rocksdb/io_status.h"

namespace coffer_testing {

class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FaultyFileSystem();

  const char* Name() const override { return "FaultyFileSystem"; }

  // Until the next call, each append, or each sync, fails with this, before it
  // has had an effect; with an OK status none does.
  void FailAppends(rocksdb::IOStatus with);
  void FailSyncs(rocksdb::IOStatus with);

  // Syncs of files named *.log wait inside until they are released.
  void HoldLogSyncs();
  void ReleaseLogSyncs();
  // Blocks until so many syncs of *.log have begun in all.
  void WaitForLogSyncs(uint64_t count);
  uint64_t log_syncs() const;

  // Copies the files of a folder as a loss of power would leave them at worst:
  // each only as far as it was synced. Nothing writes meanwhile.
  void CopyAfterPowerLoss(const std::string& from, const std::string& to) const;

  rocksdb::IOStatus NewWritableFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  class File;

  rocksdb::IOStatus OnAppend() const;
  rocksdb::IOStatus OnSync(bool is_log);
  void SetSynced(const std::string& name, uint64_t bytes);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  rocksdb::IOStatus append_error_;
  rocksdb::IOStatus sync_error_;
  bool held_ = false;
  uint64_t log_syncs_ = 0;
  std::map<std::string, uint64_t> synced_bytes_;  // by name
};

}  // namespace coffer_testing

#endif  // COFFER_SERVER_STORAGE_DURABLE_FAULTY_FILE_SYSTEM_H_
