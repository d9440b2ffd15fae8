// FakeFileSystem: a disk in memory, for RocksDB and whatever else takes a
// rocksdb::FileSystem, that fails and loses power when a test says so.
//
//   auto disk = std::make_shared<FakeFileSystem>();
//   options.file_system = disk;        // DurableOptions
//   disk->CrashAt(disk->operations() + 7);
//   ...                                // until something fails
//   storage.reset();
//   disk->LosePower(PowerLoss::kTorn, /*seed=*/1);
//   storage = Open(options);           // on what is left
//
// What is written is pending until its file is synced. A file that is made,
// renamed or removed, and a folder that is made, is so for good only once the
// folder that it is in is synced. What a loss of power leaves of the files'
// names is a beginning of them, in their order. "/" and "." are there.
//
// Operations are what changes the disk: appending, truncating, syncing a file
// or a folder, making, renaming and removing a file. They are numbered from 1.
// Reading always works.
//
// Any thread. Files that are open use it: it outlives them.

#ifndef COFFER_TESTING_DISK_FAKE_FILE_SYSTEM_H_
#define COFFER_TESTING_DISK_FAKE_FILE_SYSTEM_H_

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coffer/testing/disk/fake_file.h"
#include "rocksdb/file_system.h"
#include "rocksdb/io_status.h"

namespace coffer_testing {

class FakeFileSystem final : public rocksdb::FileSystem {
 public:
  FakeFileSystem() = default;
  const char* Name() const override { return "FakeFileSystem"; }

  // --- What goes wrong

  // How many there were; those that failed count, too.
  std::uint64_t operations() const;
  // That operation, and all behind it, fail and have no effect; 0: none does.
  // Until LosePower.
  void CrashAt(std::uint64_t operation);
  // From that operation on, so many fail with this; then the disk works again.
  // Each call adds to those before it, until LosePower. What one that fails
  // does:
  // - An append leaves a beginning of its bytes, often none of them; how many,
  //   the operation's number gives. What is appended next goes behind it, as in
  //   a POSIX file.
  // - A sync takes what was pending for written (FakeFile::ForgetPending).
  // - The others have no effect.
  void FailFrom(std::uint64_t operation, std::uint64_t count,
                rocksdb::IOStatus with);
  // That operation alone.
  void FailAt(std::uint64_t operation, rocksdb::IOStatus with);
  // Until the next call each append, or each sync, fails so; with an OK status
  // none does.
  void FailAppends(rocksdb::IOStatus with);
  void FailSyncs(rocksdb::IOStatus with);
  // How many operations have failed since LosePower; but for those of
  // FailAppends and FailSyncs.
  std::uint64_t failures() const;
  bool has_failed() const { return failures() > 0; }

  // Power is lost and back. Files that are still open must not be used again.
  void LosePower(PowerLoss manner, std::uint64_t seed);
  void FlipBit(const std::string& path, std::uint64_t offset, int bit);
  // What is told of the disk's free space, in bytes.
  void set_free_space(std::uint64_t bytes);

  // Syncs of files named *.log wait inside until they are released.
  void HoldLogSyncs();
  void ReleaseLogSyncs();
  // Blocks until so many of them have begun in all.
  void WaitForLogSyncs(std::uint64_t count);
  std::uint64_t log_syncs() const;

  // --- What is there

  std::vector<std::string> FilesIn(const std::string& dir) const;
  // Of no file: empty.
  std::string BytesOf(const std::string& path) const;

  // --- For RocksDB

  using IOOptions = rocksdb::IOOptions;
  using IODebugContext = rocksdb::IODebugContext;
  using IOStatus = rocksdb::IOStatus;
  using FileOptions = rocksdb::FileOptions;

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file,
                             IODebugContext*) override;
  IOStatus NewRandomAccessFile(
      const std::string& path, const FileOptions&,
      std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
      IODebugContext*) override;
  IOStatus NewWritableFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext*) override;
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext*) override;
  IOStatus ReuseWritableFile(const std::string& path, const std::string& old,
                             const FileOptions&,
                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                             IODebugContext*) override;
  IOStatus NewDirectory(const std::string& path, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* dir,
                        IODebugContext*) override;
  IOStatus FileExists(const std::string& path, const IOOptions&,
                      IODebugContext*) override;
  IOStatus GetChildren(const std::string& dir, const IOOptions&,
                       std::vector<std::string>* names,
                       IODebugContext*) override;
  IOStatus DeleteFile(const std::string& path, const IOOptions&,
                      IODebugContext*) override;
  IOStatus Truncate(const std::string& path, size_t size, const IOOptions&,
                    IODebugContext*) override;
  IOStatus CreateDir(const std::string& path, const IOOptions&,
                     IODebugContext*) override;
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&,
                              IODebugContext*) override;
  IOStatus DeleteDir(const std::string& path, const IOOptions&,
                     IODebugContext*) override;
  IOStatus GetFileSize(const std::string& path, const IOOptions&,
                       uint64_t* size, IODebugContext*) override;
  IOStatus GetFileModificationTime(const std::string& path, const IOOptions&,
                                   uint64_t* time, IODebugContext*) override;
  IOStatus RenameFile(const std::string& from, const std::string& to,
                      const IOOptions&, IODebugContext*) override;
  IOStatus LockFile(const std::string& path, const IOOptions&,
                    rocksdb::FileLock** lock, IODebugContext*) override;
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&,
                      IODebugContext*) override;
  IOStatus GetTestDirectory(const IOOptions&, std::string* path,
                            IODebugContext*) override;
  IOStatus NewLogger(const std::string& path, const IOOptions&,
                     std::shared_ptr<rocksdb::Logger>* logger,
                     IODebugContext*) override;
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&,
                           std::string* absolute, IODebugContext*) override;
  IOStatus GetFreeSpace(const std::string& path, const IOOptions&,
                        uint64_t* bytes, IODebugContext*) override;
  IOStatus IsDirectory(const std::string& path, const IOOptions&,
                       bool* is_directory, IODebugContext*) override;

 private:
  class SequentialFile;
  class RandomAccessFile;
  class WritableFile;
  class Directory;
  class Lock;
  using FilePtr = std::shared_ptr<FakeFile>;
  using Names = std::map<std::string, FilePtr>;
  // What is done to the names of one folder: each becomes that file, or none.
  struct Naming {
    std::string dir;
    std::vector<std::pair<std::string, FilePtr>> names;
  };
  enum class Kind { kAppend, kSync, kOther };
  // Operations that fail.
  struct Faults {
    std::uint64_t first;
    std::uint64_t count;
    IOStatus with;
  };

  // With the lock held:
  IOStatus Begin(Kind kind);
  bool is_off() const { return crash_at_ != 0 && operations_ >= crash_at_; }
  FilePtr Find(const std::string& path) const;
  IOStatus Name(const std::string& dir,
                std::vector<std::pair<std::string, FilePtr>> names);
  static void Apply(const Naming& naming, Names* to);
  IOStatus MakeFile(const std::string& path, FilePtr* file);

  // `written`: how many of the bytes, also of one that fails.
  IOStatus Append(FakeFile& file, std::uint64_t offset,
                  const rocksdb::Slice& bytes, size_t* written);
  IOStatus TruncateFile(FakeFile& file, std::uint64_t size);
  IOStatus SyncFile(FakeFile& file, bool is_log);
  IOStatus SyncDir(const std::string& dir);
  IOStatus Read(const FakeFile& file, std::uint64_t offset, size_t count,
                rocksdb::Slice* result, char* scratch) const;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Names names_;
  Names synced_names_;
  std::vector<Naming> pending_;
  std::set<std::string> dirs_ = {"/", "."};
  std::set<std::string> synced_dirs_ = dirs_;
  std::set<std::string> locks_;

  std::uint64_t operations_ = 0;
  std::uint64_t crash_at_ = 0;
  std::vector<Faults> faults_;
  IOStatus append_error_;
  IOStatus sync_error_;
  std::uint64_t failures_ = 0;
  std::uint64_t free_space_ = std::uint64_t{1} << 40;
  bool held_ = false;
  std::uint64_t log_syncs_ = 0;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_DISK_FAKE_FILE_SYSTEM_H_
