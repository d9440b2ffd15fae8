#include "coffer/server/storage/durable/faulty_file_system.h"

#include <atomic>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"

namespace coffer_testing {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class FaultyFileSystem::File final
    : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> file, FaultyFileSystem* system,
       const std::string& name)
      : FSWritableFileOwnerWrapper(std::move(file)),
        system_(*system),
        name_(name) {}

  IOStatus Append(const Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    IOStatus status = system_.OnAppend();
    if (!status.ok()) return status;
    written_ += data.size();
    return FSWritableFileOwnerWrapper::Append(data, options, debug);
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* debug) override {
    IOStatus status = system_.OnAppend();
    if (!status.ok()) return status;
    written_ += data.size();
    return FSWritableFileOwnerWrapper::Append(data, options, verification,
                                              debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const uint64_t written = written_;
    IOStatus status = system_.OnSync(absl::EndsWith(name_, ".log"));
    if (status.ok()) status = FSWritableFileOwnerWrapper::Sync(options, debug);
    if (status.ok()) system_.SetSynced(name_, written);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }

 private:
  FaultyFileSystem& system_;
  const std::string name_;
  // A log is synced on one thread while another one appends.
  std::atomic<uint64_t> written_{0};
};

FaultyFileSystem::FaultyFileSystem()
    : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

void FaultyFileSystem::FailAppends(IOStatus with) {
  std::lock_guard lock(mutex_);
  append_error_ = std::move(with);
}

void FaultyFileSystem::FailSyncs(IOStatus with) {
  std::lock_guard lock(mutex_);
  sync_error_ = std::move(with);
}

void FaultyFileSystem::HoldLogSyncs() {
  std::lock_guard lock(mutex_);
  held_ = true;
}

void FaultyFileSystem::ReleaseLogSyncs() {
  std::lock_guard lock(mutex_);
  held_ = false;
  changed_.notify_all();
}

void FaultyFileSystem::WaitForLogSyncs(uint64_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return log_syncs_ >= count; });
}

uint64_t FaultyFileSystem::log_syncs() const {
  std::lock_guard lock(mutex_);
  return log_syncs_;
}

IOStatus FaultyFileSystem::OnAppend() const {
  std::lock_guard lock(mutex_);
  return append_error_;
}

IOStatus FaultyFileSystem::OnSync(bool is_log) {
  std::unique_lock lock(mutex_);
  if (is_log) {
    ++log_syncs_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
  }
  return sync_error_;
}

IOStatus FaultyFileSystem::NewWritableFile(
    const std::string& name, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> made;
  IOStatus status =
      FileSystemWrapper::NewWritableFile(name, options, &made, debug);
  if (status.ok()) {
    SetSynced(name, 0);
    *file = std::make_unique<File>(std::move(made), this, name);
  }
  return status;
}

IOStatus FaultyFileSystem::RenameFile(const std::string& from,
                                      const std::string& to,
                                      const IOOptions& options,
                                      IODebugContext* debug) {
  IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
  std::lock_guard lock(mutex_);
  auto moved = synced_bytes_.extract(from);
  if (status.ok() && !moved.empty()) synced_bytes_[to] = moved.mapped();
  return status;
}

void FaultyFileSystem::SetSynced(const std::string& name, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  synced_bytes_[name] = bytes;
}

void FaultyFileSystem::CopyAfterPowerLoss(const std::string& from,
                                          const std::string& to) const {
  std::lock_guard lock(mutex_);
  std::filesystem::copy(from, to);
  for (const auto& [name, bytes] : synced_bytes_) {
    const std::filesystem::path path(name);
    if (path.parent_path() != from) continue;
    const std::filesystem::path copy = to / path.filename();
    // RocksDB may have removed it since.
    if (std::filesystem::exists(copy))
      std::filesystem::resize_file(copy, bytes);
  }
}

}  // namespace coffer_testing
