#include "coffer/testing/disk/fake_file_system.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "coffer/testing/disk/fake_path.h"
#include "rocksdb/env.h"

namespace coffer_testing {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// Of how many bytes an append that fails has written, which are fewer than it
// was given.
size_t LeftByAppend(std::uint64_t operation, size_t size) {
  if (size == 0) return 0;
  // Numbers beside each other give lengths that are far apart.
  const std::uint64_t mixed = operation * 0x9e3779b97f4a7c15u;
  // Every other one leaves nothing at all, as a full disk does.
  if ((mixed >> 63) == 0) return 0;
  return static_cast<size_t>((mixed >> 16) % size);
}

class NullLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
  size_t GetLogFileSize() const override { return 0; }
};

}  // namespace

// --- What goes wrong

std::uint64_t FakeFileSystem::operations() const {
  std::lock_guard lock(mutex_);
  return operations_;
}

void FakeFileSystem::CrashAt(std::uint64_t operation) {
  std::lock_guard lock(mutex_);
  crash_at_ = operation;
}

void FakeFileSystem::FailFrom(std::uint64_t operation, std::uint64_t count,
                              IOStatus with) {
  std::lock_guard lock(mutex_);
  faults_.push_back({operation, count, std::move(with)});
}

void FakeFileSystem::FailAt(std::uint64_t operation, IOStatus with) {
  FailFrom(operation, 1, std::move(with));
}

void FakeFileSystem::FailAppends(IOStatus with) {
  std::lock_guard lock(mutex_);
  append_error_ = std::move(with);
}

void FakeFileSystem::FailSyncs(IOStatus with) {
  std::lock_guard lock(mutex_);
  sync_error_ = std::move(with);
}

std::uint64_t FakeFileSystem::failures() const {
  std::lock_guard lock(mutex_);
  return failures_;
}

void FakeFileSystem::LosePower(PowerLoss manner, std::uint64_t seed) {
  std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed);
  const std::size_t kept =
      manner == PowerLoss::kDropped ? 0 : random() % (pending_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i) Apply(pending_[i], &synced_names_);
  pending_.clear();
  for (const std::string& dir : dirs_) {
    if (manner != PowerLoss::kDropped && random() % 2 == 0) {
      synced_dirs_.insert(dir);
    }
  }
  dirs_ = synced_dirs_;
  for (auto at = synced_names_.begin(); at != synced_names_.end();) {
    at = dirs_.count(DirOf(at->first)) > 0 ? std::next(at)
                                           : synced_names_.erase(at);
  }
  names_ = synced_names_;
  std::set<FakeFile*> files;
  for (const auto& [path, file] : names_) {
    // By one name, if it has several: in an order that the seed gives.
    if (files.insert(file.get()).second) file->LosePower(manner, random);
  }
  locks_.clear();
  crash_at_ = 0;
  faults_.clear();
  failures_ = 0;
}

void FakeFileSystem::FlipBit(const std::string& path, std::uint64_t offset,
                             int bit) {
  std::lock_guard lock(mutex_);
  if (const FilePtr file = Find(path)) file->FlipBit(offset, bit);
}

void FakeFileSystem::set_free_space(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  free_space_ = bytes;
}

void FakeFileSystem::HoldLogSyncs() {
  std::lock_guard lock(mutex_);
  held_ = true;
}

void FakeFileSystem::ReleaseLogSyncs() {
  std::lock_guard lock(mutex_);
  held_ = false;
  changed_.notify_all();
}

void FakeFileSystem::WaitForLogSyncs(std::uint64_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return log_syncs_ >= count; });
}

std::uint64_t FakeFileSystem::log_syncs() const {
  std::lock_guard lock(mutex_);
  return log_syncs_;
}

std::vector<std::string> FakeFileSystem::FilesIn(
    const std::string& path_of_dir) const {
  const std::string dir = Plain(path_of_dir);
  std::lock_guard lock(mutex_);
  std::vector<std::string> files;
  for (const auto& [path, file] : names_) {
    if (DirOf(path) == dir) files.push_back(path.substr(path.rfind('/') + 1));
  }
  return files;
}

std::string FakeFileSystem::BytesOf(const std::string& path) const {
  std::lock_guard lock(mutex_);
  const FilePtr file = Find(path);
  return file == nullptr ? "" : file->bytes();
}

// --- With the lock held

IOStatus FakeFileSystem::Begin(Kind kind) {
  ++operations_;
  if (is_off()) {
    ++failures_;
    return IOStatus::IOError("the power is off");
  }
  for (const Faults& faults : faults_) {
    if (operations_ < faults.first) continue;
    if (operations_ - faults.first >= faults.count) continue;
    ++failures_;
    return faults.with;
  }
  if (kind == Kind::kAppend) return append_error_;
  if (kind == Kind::kSync) return sync_error_;
  return IOStatus::OK();
}

FakeFileSystem::FilePtr FakeFileSystem::Find(const std::string& path) const {
  const auto found = names_.find(Plain(path));
  return found == names_.end() ? nullptr : found->second;
}

IOStatus FakeFileSystem::Name(
    const std::string& dir,
    std::vector<std::pair<std::string, FilePtr>> names) {
  IOStatus status = Begin(Kind::kOther);
  if (!status.ok()) return status;
  pending_.push_back({dir, std::move(names)});
  Apply(pending_.back(), &names_);
  return status;
}

void FakeFileSystem::Apply(const Naming& naming, Names* to) {
  for (const auto& [path, file] : naming.names) {
    if (file == nullptr) {
      to->erase(path);
    } else {
      (*to)[path] = file;
    }
  }
}

IOStatus FakeFileSystem::MakeFile(const std::string& its_path, FilePtr* file) {
  const std::string path = Plain(its_path);
  if (dirs_.count(DirOf(path)) == 0) return NoSuch(DirOf(path));
  *file = std::make_shared<FakeFile>();
  return Name(DirOf(path), {{path, *file}});
}

// --- Of open files

IOStatus FakeFileSystem::Append(FakeFile& file, std::uint64_t offset,
                                const Slice& bytes, size_t* written) {
  std::lock_guard lock(mutex_);
  IOStatus status = Begin(Kind::kAppend);
  *written = bytes.size();
  if (!status.ok()) {
    *written = is_off() ? 0 : LeftByAppend(operations_, bytes.size());
  }
  if (status.ok() || *written > 0) file.Write(offset, {bytes.data(), *written});
  return status;
}

IOStatus FakeFileSystem::TruncateFile(FakeFile& file, std::uint64_t size) {
  std::lock_guard lock(mutex_);
  IOStatus status = Begin(Kind::kOther);
  if (status.ok()) file.Truncate(size);
  return status;
}

IOStatus FakeFileSystem::SyncFile(FakeFile& file, bool is_log) {
  std::unique_lock lock(mutex_);
  if (is_log) {
    ++log_syncs_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
  }
  IOStatus status = Begin(Kind::kSync);
  if (status.ok()) {
    file.Sync();
  } else if (!is_off()) {
    file.ForgetPending();
  }
  return status;
}

// One that fails leaves the names pending, other than that of a file does with
// its bytes. No file system that a server's data is on forgets names and works
// on: where ext4 cannot commit its journal it aborts it, and XFS shuts down.
// Either takes no further change until it is mounted again, on what was
// committed, and that is CrashAt at this operation, and LosePower. What is left
// is a sync that failed before it began, for want of memory: the next one finds
// the names as they were.
IOStatus FakeFileSystem::SyncDir(const std::string& dir) {
  std::lock_guard lock(mutex_);
  IOStatus status = Begin(Kind::kSync);
  if (!status.ok()) return status;
  std::vector<Naming> others;
  for (Naming& naming : pending_) {
    if (naming.dir == dir) {
      Apply(naming, &synced_names_);
    } else {
      others.push_back(std::move(naming));
    }
  }
  pending_ = std::move(others);
  for (const std::string& made : dirs_) {
    if (DirOf(made) == dir) synced_dirs_.insert(made);
  }
  return status;
}

IOStatus FakeFileSystem::Read(const FakeFile& file, std::uint64_t offset,
                              size_t count, Slice* result,
                              char* scratch) const {
  std::lock_guard lock(mutex_);
  const std::string& bytes = file.bytes();
  const std::uint64_t at = std::min<std::uint64_t>(offset, bytes.size());
  const auto size =
      static_cast<size_t>(std::min<std::uint64_t>(count, bytes.size() - at));
  if (size > 0) std::memcpy(scratch, bytes.data() + at, size);
  *result = Slice(scratch, size);
  return IOStatus::OK();
}

// --- For RocksDB

IOStatus FakeFileSystem::FileExists(const std::string& path, const IOOptions&,
                                    IODebugContext*) {
  std::lock_guard lock(mutex_);
  if (Find(path) != nullptr || dirs_.count(Plain(path)) > 0) {
    return IOStatus::OK();
  }
  return IOStatus::NotFound(path);
}

IOStatus FakeFileSystem::GetChildren(const std::string& dir, const IOOptions&,
                                     std::vector<std::string>* names,
                                     IODebugContext*) {
  const std::string path = Plain(dir);
  *names = FilesIn(path);
  std::lock_guard lock(mutex_);
  if (dirs_.count(path) == 0) return IOStatus::NotFound(dir);
  for (const std::string& other : dirs_) {
    if (other != path && DirOf(other) == path) {
      names->push_back(other.substr(other.rfind('/') + 1));
    }
  }
  return IOStatus::OK();
}

IOStatus FakeFileSystem::DeleteFile(const std::string& path, const IOOptions&,
                                    IODebugContext*) {
  std::lock_guard lock(mutex_);
  if (Find(path) == nullptr) return NoSuch(path);
  const std::string plain = Plain(path);
  return Name(DirOf(plain), {{plain, nullptr}});
}

IOStatus FakeFileSystem::Truncate(const std::string& path, size_t size,
                                  const IOOptions&, IODebugContext*) {
  FilePtr file;
  {
    std::lock_guard lock(mutex_);
    file = Find(path);
  }
  return file == nullptr ? NoSuch(path) : TruncateFile(*file, size);
}

IOStatus FakeFileSystem::CreateDir(const std::string& path, const IOOptions&,
                                   IODebugContext*) {
  std::lock_guard lock(mutex_);
  if (dirs_.insert(Plain(path)).second) return IOStatus::OK();
  return IOStatus::IOError(path, "is there already");
}

IOStatus FakeFileSystem::CreateDirIfMissing(const std::string& path,
                                            const IOOptions&, IODebugContext*) {
  std::lock_guard lock(mutex_);
  dirs_.insert(Plain(path));
  return IOStatus::OK();
}

IOStatus FakeFileSystem::DeleteDir(const std::string& path, const IOOptions&,
                                   IODebugContext*) {
  if (!FilesIn(Plain(path)).empty()) {
    return IOStatus::IOError(path, "is not empty");
  }
  std::lock_guard lock(mutex_);
  synced_dirs_.erase(Plain(path));
  return dirs_.erase(Plain(path)) > 0 ? IOStatus::OK() : NoSuch(path);
}

IOStatus FakeFileSystem::GetFileSize(const std::string& path, const IOOptions&,
                                     uint64_t* size, IODebugContext*) {
  std::lock_guard lock(mutex_);
  const FilePtr file = Find(path);
  if (file == nullptr) return NoSuch(path);
  *size = file->bytes().size();
  return IOStatus::OK();
}

IOStatus FakeFileSystem::GetFileModificationTime(const std::string& path,
                                                 const IOOptions&,
                                                 uint64_t* time,
                                                 IODebugContext*) {
  std::lock_guard lock(mutex_);
  *time = 0;
  return Find(path) == nullptr ? NoSuch(path) : IOStatus::OK();
}

IOStatus FakeFileSystem::RenameFile(const std::string& from,
                                    const std::string& to, const IOOptions&,
                                    IODebugContext*) {
  const std::string old_path = Plain(from);
  const std::string new_path = Plain(to);
  std::lock_guard lock(mutex_);
  const FilePtr file = Find(old_path);
  if (file == nullptr) return NoSuch(from);
  if (DirOf(old_path) != DirOf(new_path)) {
    return IOStatus::NotSupported(to, "is in another folder");
  }
  return Name(DirOf(new_path), {{old_path, nullptr}, {new_path, file}});
}

IOStatus FakeFileSystem::GetTestDirectory(const IOOptions&, std::string* path,
                                          IODebugContext*) {
  *path = "/test";
  return IOStatus::OK();
}

IOStatus FakeFileSystem::NewLogger(const std::string&, const IOOptions&,
                                   std::shared_ptr<rocksdb::Logger>* logger,
                                   IODebugContext*) {
  *logger = std::make_shared<NullLogger>();
  return IOStatus::OK();
}

IOStatus FakeFileSystem::GetAbsolutePath(const std::string& path,
                                         const IOOptions&,
                                         std::string* absolute,
                                         IODebugContext*) {
  *absolute = path;
  return IOStatus::OK();
}

IOStatus FakeFileSystem::GetFreeSpace(const std::string&, const IOOptions&,
                                      uint64_t* bytes, IODebugContext*) {
  std::lock_guard lock(mutex_);
  *bytes = free_space_;
  return IOStatus::OK();
}

IOStatus FakeFileSystem::IsDirectory(const std::string& path, const IOOptions&,
                                     bool* is_directory, IODebugContext*) {
  std::lock_guard lock(mutex_);
  *is_directory = dirs_.count(Plain(path)) > 0;
  return *is_directory || Find(path) != nullptr ? IOStatus::OK() : NoSuch(path);
}

}  // namespace coffer_testing
