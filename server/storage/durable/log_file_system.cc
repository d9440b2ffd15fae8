#include "coffer/server/storage/durable/log_file_system.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coffer/server/log.h"

namespace coffer::server {
namespace {

using rocksdb::DataVerificationInfo;
using rocksdb::FileOptions;
using rocksdb::FSSequentialFile;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr size_t kReadBytes = 1 << 20;

bool IsLog(absl::string_view name) { return absl::EndsWith(name, ".log"); }

absl::string_view NameOf(absl::string_view path) {
  return path.substr(path.rfind('/') + 1);  // from npos: all of it
}

absl::string_view DirOf(absl::string_view path) {
  return path.substr(0, path.size() - NameOf(path).size());
}

bool LogNumber(absl::string_view path, uint64_t* number) {
  absl::string_view name = NameOf(path);
  return absl::ConsumeSuffix(&name, ".log") && absl::SimpleAtoi(name, number);
}

// Without the slashes that say nothing.
std::string Plain(absl::string_view path) {
  absl::string_view dir = DirOf(path);
  while (absl::EndsWith(dir, "/")) dir.remove_suffix(1);
  return absl::StrCat(dir, "/", NameOf(path));
}

bool IsManifest(absl::string_view path) {
  return absl::StartsWith(NameOf(path), "MANIFEST-");
}

bool IsCurrent(absl::string_view path) { return NameOf(path) == "CURRENT"; }

LogFileSystem::Options WithSynced(LogFileSystem::Options options) {
  if (options.synced == nullptr) {
    options.synced = std::make_shared<SyncedFiles>();
  }
  return options;
}

}  // namespace

void SyncedFiles::Add(const std::string& path) {
  std::lock_guard lock(mutex_);
  // Of CURRENT it does not know the bytes.
  const uint64_t bytes = IsCurrent(path) ? UINT64_MAX : 0;
  files_[Plain(path)] = {.written = bytes, .synced = bytes};
}

void SyncedFiles::SetWritten(const std::string& path, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  files_[Plain(path)].written = bytes;
}

void SyncedFiles::SetSynced(const std::string& path, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  files_[Plain(path)].synced = bytes;
}

void SyncedFiles::Forget(const std::string& path) {
  std::lock_guard lock(mutex_);
  files_.erase(Plain(path));
}

std::vector<std::string> SyncedFiles::NewNamesIn(absl::string_view dir) const {
  const std::string in = Plain(absl::StrCat(dir, "/"));
  std::vector<std::string> names;
  std::lock_guard lock(mutex_);
  for (const auto& [path, file] : files_) {
    if (!file.named && Plain(absl::StrCat(DirOf(path), "/")) == in) {
      names.push_back(path);
    }
  }
  return names;
}

void SyncedFiles::SetNamed(const std::vector<std::string>& paths) {
  std::lock_guard lock(mutex_);
  for (const std::string& path : paths) {
    const auto found = files_.find(path);
    if (found != files_.end()) found->second.named = true;
  }
}

absl::optional<uint64_t> SyncedFiles::Written(const std::string& path) const {
  std::lock_guard lock(mutex_);
  const auto found = files_.find(Plain(path));
  if (found == files_.end()) return absl::nullopt;
  return found->second.written;
}

absl::optional<uint64_t> SyncedFiles::Lasting(const std::string& path) const {
  std::lock_guard lock(mutex_);
  const auto found = files_.find(Plain(path));
  if (found == files_.end()) return absl::nullopt;
  return found->second.named ? found->second.synced : 0;
}

class LogFileSystem::WrittenManifest final
    : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WrittenManifest(const std::string& name, std::unique_ptr<FSWritableFile> file,
                  LogFileSystem* system)
      : FSWritableFileOwnerWrapper(std::move(file)),
        name_(name),
        system_(*system) {}

  IOStatus Append(const Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    IOStatus status = SyncBefore(options, debug);
    if (!status.ok()) return status;
    return Appended(data, target()->Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const DataVerificationInfo& verification,
                  IODebugContext* debug) override {
    IOStatus status = SyncBefore(options, debug);
    if (!status.ok()) return status;
    return Appended(data, target()->Append(data, options, verification, debug));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = target()->Sync(options, debug);
    if (!status.ok()) return status;
    synced_ = bytes_;
    system_.options_.synced->SetSynced(name_, bytes_);
    return status;
  }

 private:
  // RocksDB syncs several records at once. Those behind one that is torn would
  // pass for written when it was synced.
  IOStatus SyncBefore(const IOOptions& options, IODebugContext* debug) {
    return synced_ < bytes_ ? Sync(options, debug) : IOStatus::OK();
  }

  IOStatus Appended(const Slice& data, IOStatus status) {
    if (!status.ok()) return status;
    bytes_ += data.size();
    system_.options_.synced->SetWritten(name_, bytes_);
    return status;
  }

  const std::string name_;
  LogFileSystem& system_;
  uint64_t bytes_ = 0;
  uint64_t synced_ = 0;
};

class LogFileSystem::SyncedDirectory final
    : public rocksdb::FSDirectoryWrapper {
 public:
  SyncedDirectory(const std::string& path,
                  std::unique_ptr<rocksdb::FSDirectory> dir,
                  std::shared_ptr<SyncedFiles> synced)
      : FSDirectoryWrapper(std::move(dir)),
        path_(path),
        synced_(std::move(synced)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    const std::vector<std::string> names = synced_->NewNamesIn(path_);
    IOStatus status = FSDirectoryWrapper::Fsync(options, debug);
    if (status.ok()) synced_->SetNamed(names);
    return status;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& how) override {
    const std::vector<std::string> names = synced_->NewNamesIn(path_);
    IOStatus status =
        FSDirectoryWrapper::FsyncWithDirOptions(options, debug, how);
    if (status.ok()) synced_->SetNamed(names);
    return status;
  }

 private:
  const std::string path_;
  const std::shared_ptr<SyncedFiles> synced_;
};

class LogFileSystem::WrittenLog final
    : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WrittenLog(const std::string& name, std::unique_ptr<FSWritableFile> file,
             LogFileSystem* system)
      : FSWritableFileOwnerWrapper(std::move(file)),
        name_(name),
        system_(*system) {}

  IOStatus Append(const Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    WriteZerosAhead(data.size(), options, debug);
    return Appended(data, target()->Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const DataVerificationInfo& verification,
                  IODebugContext* debug) override {
    WriteZerosAhead(data.size(), options, debug);
    return Appended(data, target()->Append(data, options, verification, debug));
  }

  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const Clock::TimePoint begin = system_.options_.clock->Now();
    IOStatus status = target()->Sync(options, debug);
    system_.last_sync_.store(system_.options_.clock->Now() - begin,
                             std::memory_order_relaxed);
    if (status.ok()) system_.options_.synced->SetSynced(name_, bytes_);
    return status;
  }

  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    if (zeros_end_ > bytes_) {
      IOStatus cut = target()->Truncate(bytes_, options, debug);
      if (!cut.ok()) {
        target()->Close(options, debug).PermitUncheckedError();
        return cut;
      }
      zeros_end_ = bytes_;
    }
    return target()->Close(options, debug);
  }

  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    return bytes_;
  }

 private:
  // Where it fails, the write goes on without: what is wrong with the disk, the
  // write itself will meet.
  void WriteZerosAhead(size_t next_bytes, const IOOptions& options,
                       IODebugContext* debug) {
    const size_t chunk = system_.options_.zeros_bytes;
    if (!ahead_ || bytes_ + next_bytes <= zeros_end_) return;
    // To write so much twice costs more than it gains.
    if (next_bytes > chunk / 4) return;
    const uint64_t begin = std::max(bytes_, zeros_end_);
    const std::string zeros(chunk, '\0');
    const IOStatus written =
        target()->PositionedAppend(zeros, begin, options, debug);
    ahead_ = written.ok();
    // Whatever became of it, there may be zeros to cut off.
    zeros_end_ = begin + chunk;
  }

  IOStatus Appended(const Slice& data, IOStatus status) {
    if (!status.ok()) return status;
    bytes_ += data.size();
    system_.options_.synced->SetWritten(name_, bytes_);
    return status;
  }

  const std::string name_;
  LogFileSystem& system_;
  uint64_t bytes_ = 0;
  uint64_t zeros_end_ = 0;
  bool ahead_ = system_.options_.zeros_bytes > 0;
};

// A file of which only the beginning is read.
class LogFileSystem::BegunFile final
    : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  BegunFile(std::unique_ptr<FSSequentialFile> file, uint64_t bytes)
      : FSSequentialFileOwnerWrapper(std::move(file)), left_(bytes) {}

  IOStatus Read(size_t n, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* debug) override {
    const auto bytes = static_cast<size_t>(std::min<uint64_t>(n, left_));
    if (bytes == 0) {
      *result = Slice();
      return IOStatus::OK();
    }
    IOStatus status = target()->Read(bytes, options, result, scratch, debug);
    if (status.ok()) left_ -= result->size();
    return status;
  }

  IOStatus Skip(uint64_t n) override {
    const uint64_t bytes = std::min(n, left_);
    left_ -= bytes;
    return target()->Skip(bytes);
  }

 private:
  uint64_t left_;
};

LogFileSystem::LogFileSystem(std::shared_ptr<rocksdb::FileSystem> base,
                             const Options& options)
    : FileSystemWrapper(std::move(base)), options_(WithSynced(options)) {}

IOStatus LogFileSystem::NewWritableFile(const std::string& name,
                                        const FileOptions& options,
                                        std::unique_ptr<FSWritableFile>* file,
                                        IODebugContext* debug) {
  IOStatus status = target()->NewWritableFile(name, options, file, debug);
  if (!status.ok()) return status;
  if (IsLog(name) || IsManifest(name)) options_.synced->Add(name);
  if (IsLog(name)) {
    *file = std::make_unique<WrittenLog>(name, std::move(*file), this);
  } else if (IsManifest(name)) {
    *file = std::make_unique<WrittenManifest>(name, std::move(*file), this);
  }
  return status;
}

IOStatus LogFileSystem::NewSequentialFile(
    const std::string& name, const FileOptions& options,
    std::unique_ptr<FSSequentialFile>* file, IODebugContext* debug) {
  uint64_t end = ReadableBytes(name);
  if (end == 0 && IsCurrent(name)) {
    return IOStatus::IOError(name, "is not known to be on the disk");
  }
  // Where this process has written it, it ends where it was written to, and may
  // be written to now.
  if (end == UINT64_MAX && (IsLog(name) || IsManifest(name))) {
    IOStatus found = FindEnd(name, options, &end, debug);
    if (!found.ok()) return found;
  }
  IOStatus status = target()->NewSequentialFile(name, options, file, debug);
  if (status.ok() && end != UINT64_MAX) {
    *file = std::make_unique<BegunFile>(std::move(*file), end);
  }
  return status;
}

IOStatus LogFileSystem::NewDirectory(const std::string& name,
                                     const IOOptions& options,
                                     std::unique_ptr<rocksdb::FSDirectory>* dir,
                                     IODebugContext* debug) {
  IOStatus status = target()->NewDirectory(name, options, dir, debug);
  if (status.ok()) {
    *dir = std::make_unique<SyncedDirectory>(name, std::move(*dir),
                                             options_.synced);
  }
  return status;
}

IOStatus LogFileSystem::RenameFile(const std::string& from,
                                   const std::string& to,
                                   const IOOptions& options,
                                   IODebugContext* debug) {
  // If it fails, nobody knows which one has the name.
  if (IsCurrent(to)) options_.synced->Add(to);
  return target()->RenameFile(from, to, options, debug);
}

IOStatus LogFileSystem::DeleteFile(const std::string& name,
                                   const IOOptions& options,
                                   IODebugContext* debug) {
  IOStatus status = target()->DeleteFile(name, options, debug);
  if (status.ok()) options_.synced->Forget(name);
  return status;
}

uint64_t LogFileSystem::ReadableBytes(const std::string& name) const {
  const SyncedFiles& synced = *options_.synced;
  const absl::optional<uint64_t> bytes =
      options_.synced_only ? synced.Lasting(name) : synced.Written(name);
  return bytes.value_or(UINT64_MAX);
}

IOStatus LogFileSystem::Look(const std::string& name,
                             const FileOptions& options,
                             LogEndFinder::Result* found,
                             IODebugContext* debug) {
  std::unique_ptr<FSSequentialFile> file;
  IOStatus status = target()->NewSequentialFile(name, options, &file, debug);
  if (!status.ok()) return status;
  LogEndFinder finder;
  std::string scratch(kReadBytes, '\0');
  for (;;) {
    Slice bytes;
    status = file->Read(scratch.size(), options.io_options, &bytes,
                        scratch.data(), debug);
    if (!status.ok()) return status;
    if (bytes.empty()) break;
    finder.Add(absl::string_view(bytes.data(), bytes.size()));
  }
  *found = finder.Finish();
  return IOStatus::OK();
}

IOStatus LogFileSystem::FindLaterWrite(const std::string& name,
                                       const FileOptions& options,
                                       std::string* later,
                                       IODebugContext* debug) {
  const std::string dir(DirOf(name));
  std::vector<std::string> children;
  IOStatus status =
      target()->GetChildren(dir, options.io_options, &children, debug);
  if (!status.ok()) return status;
  uint64_t number = 0;
  if (!LogNumber(name, &number)) return IOStatus::OK();
  std::map<uint64_t, std::string> behind;
  for (std::string& child : children) {
    uint64_t its = 0;
    if (LogNumber(child, &its) && its > number) {
      behind.emplace(its, std::move(child));
    }
  }
  for (const auto& [its, child] : behind) {
    LogEndFinder::Result found;
    status = Look(dir + child, options, &found, debug);
    if (!status.ok()) return status;
    if (found.end == 0) continue;
    *later = child;
    break;
  }
  return IOStatus::OK();
}

IOStatus LogFileSystem::FindEnd(const std::string& name,
                                const FileOptions& options, uint64_t* end,
                                IODebugContext* debug) {
  uint64_t number = 0;
  const bool is_log = LogNumber(name, &number);
  if (is_log && number > last_log_) {
    *end = 0;
    return IOStatus::OK();
  }
  LogEndFinder::Result found;
  IOStatus status = Look(name, options, &found, debug);
  if (!status.ok()) return status;
  *end = found.end;
  if (found.has_hole) {
    // Without what a manifest says last, files are missing that hold data.
    if (!is_log || !options_.accept_holes) {
      return IOStatus::Corruption(
          absl::StrCat(name, " has zeros at ", found.end,
                       " and something else behind them"));
    }
    last_log_ = number;
  }
  if (!is_log || !found.is_torn) return status;
  std::string later;
  status = FindLaterWrite(name, options, &later, debug);
  if (!status.ok() || later.empty()) return status;
  if (options_.each_is_synced && !options_.accept_holes) {
    return IOStatus::Corruption(absl::StrCat(
        name, " has a write at ", found.end, " that is not whole, and ", later,
        " has later ones: damage, or what a loss of power has left of "
        "--sync=interval or never"));
  }
  last_log_ = number;
  Log(LogLevel::kWarning, "writes left out behind one that is not whole",
      {{"log", name}, {"end", absl::StrCat(found.end)}, {"from", later}});
  return status;
}

}  // namespace coffer::server
