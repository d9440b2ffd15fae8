// The half of FakeFileSystem that opens: its files, folders and locks.

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "coffer/testing/disk/fake_file_system.h"
#include "coffer/testing/disk/fake_path.h"

namespace coffer_testing {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class FakeFileSystem::SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  SequentialFile(FakeFileSystem* disk, FilePtr file)
      : disk_(*disk), file_(std::move(file)) {}
  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    IOStatus status = disk_.Read(*file_, offset_, n, result, scratch);
    offset_ += result->size();
    return status;
  }
  IOStatus Skip(uint64_t n) override {
    offset_ += n;
    return IOStatus::OK();
  }

 private:
  FakeFileSystem& disk_;
  const FilePtr file_;
  std::uint64_t offset_ = 0;
};

class FakeFileSystem::RandomAccessFile final
    : public rocksdb::FSRandomAccessFile {
 public:
  RandomAccessFile(FakeFileSystem* disk, FilePtr file)
      : disk_(*disk), file_(std::move(file)) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result,
                char* scratch, IODebugContext*) const override {
    return disk_.Read(*file_, offset, n, result, scratch);
  }

 private:
  FakeFileSystem& disk_;
  const FilePtr file_;
};

// As a POSIX file: what is appended goes where the last append ended; what is
// written to a position does not move that place.
class FakeFileSystem::WritableFile final : public rocksdb::FSWritableFile {
 public:
  WritableFile(FakeFileSystem* disk, FilePtr file, bool is_log,
               std::uint64_t offset)
      : disk_(*disk),
        file_(std::move(file)),
        is_log_(is_log),
        offset_(offset) {}

  using rocksdb::FSWritableFile::Append;
  using rocksdb::FSWritableFile::PositionedAppend;
  IOStatus Append(const Slice& data, const IOOptions&,
                  IODebugContext*) override {
    size_t written = 0;
    IOStatus status = disk_.Append(*file_, offset_, data, &written);
    offset_ += written;
    return status;
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset,
                            const IOOptions&, IODebugContext*) override {
    size_t written = 0;
    return disk_.Append(*file_, offset, data, &written);
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    return disk_.TruncateFile(*file_, size);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return disk_.SyncFile(*file_, is_log_);
  }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    return offset_;
  }

 private:
  FakeFileSystem& disk_;
  const FilePtr file_;
  const bool is_log_;
  std::uint64_t offset_;
};

class FakeFileSystem::Directory final : public rocksdb::FSDirectory {
 public:
  Directory(FakeFileSystem* disk, std::string path)
      : disk_(*disk), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return disk_.SyncDir(path_);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  FakeFileSystem& disk_;
  const std::string path_;
};

class FakeFileSystem::Lock final : public rocksdb::FileLock {
 public:
  explicit Lock(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

IOStatus FakeFileSystem::NewSequentialFile(
    const std::string& path, const FileOptions&,
    std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext*) {
  std::lock_guard lock(mutex_);
  const FilePtr found = Find(path);
  if (found == nullptr) return NoSuch(path);
  *file = std::make_unique<SequentialFile>(this, found);
  return IOStatus::OK();
}

IOStatus FakeFileSystem::NewRandomAccessFile(
    const std::string& path, const FileOptions&,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* file, IODebugContext*) {
  std::lock_guard lock(mutex_);
  const FilePtr found = Find(path);
  if (found == nullptr) return NoSuch(path);
  *file = std::make_unique<RandomAccessFile>(this, found);
  return IOStatus::OK();
}

IOStatus FakeFileSystem::NewWritableFile(
    const std::string& path, const FileOptions&,
    std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext*) {
  std::lock_guard lock(mutex_);
  FilePtr made;
  IOStatus status = MakeFile(path, &made);
  if (!status.ok()) return status;
  *file = std::make_unique<WritableFile>(this, made,
                                         absl::EndsWith(path, ".log"), 0);
  return status;
}

IOStatus FakeFileSystem::ReopenWritableFile(
    const std::string& path, const FileOptions&,
    std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext*) {
  std::lock_guard lock(mutex_);
  FilePtr found = Find(path);
  if (found == nullptr) {
    IOStatus status = MakeFile(path, &found);
    if (!status.ok()) return status;
  }
  *file = std::make_unique<WritableFile>(
      this, found, absl::EndsWith(path, ".log"), found->bytes().size());
  return IOStatus::OK();
}

IOStatus FakeFileSystem::ReuseWritableFile(
    const std::string& path, const std::string& old, const FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  IOStatus status = RenameFile(old, path, options.io_options, debug);
  if (!status.ok()) return status;
  std::lock_guard lock(mutex_);
  *file = std::make_unique<WritableFile>(this, Find(path),
                                         absl::EndsWith(path, ".log"), 0);
  return status;
}

IOStatus FakeFileSystem::NewDirectory(
    const std::string& path, const IOOptions&,
    std::unique_ptr<rocksdb::FSDirectory>* dir, IODebugContext*) {
  std::lock_guard lock(mutex_);
  if (dirs_.count(Plain(path)) == 0) return NoSuch(path);
  *dir = std::make_unique<Directory>(this, Plain(path));
  return IOStatus::OK();
}

IOStatus FakeFileSystem::LockFile(const std::string& path, const IOOptions&,
                                  rocksdb::FileLock** lock, IODebugContext*) {
  std::lock_guard held(mutex_);
  if (!locks_.insert(Plain(path)).second) {
    return IOStatus::IOError("While lock file: " + path, "is held");
  }
  if (Find(path) == nullptr) {
    FilePtr made;
    IOStatus status = MakeFile(path, &made);
    if (!status.ok()) {
      locks_.erase(Plain(path));
      return status;
    }
  }
  *lock = new Lock(Plain(path));
  return IOStatus::OK();
}

IOStatus FakeFileSystem::UnlockFile(rocksdb::FileLock* lock, const IOOptions&,
                                    IODebugContext*) {
  const std::unique_ptr<Lock> mine(static_cast<Lock*>(lock));
  std::lock_guard held(mutex_);
  locks_.erase(mine->path());
  return IOStatus::OK();
}

}  // namespace coffer_testing
