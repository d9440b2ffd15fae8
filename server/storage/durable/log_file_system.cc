#include "coffer/server/storage/durable/log_file_system.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/storage/durable/log_end.h"

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

}  // namespace

class LogFileSystem::WrittenLog final
    : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WrittenLog(std::unique_ptr<FSWritableFile> file, LogFileSystem* system)
      : FSWritableFileOwnerWrapper(std::move(file)), system_(*system) {}

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
    if (status.ok()) bytes_ += data.size();
    return status;
  }

  LogFileSystem& system_;
  uint64_t bytes_ = 0;
  uint64_t zeros_end_ = 0;
  bool ahead_ = system_.options_.zeros_bytes > 0;
};

// A log that ends earlier than its file.
class LogFileSystem::ReadLog final
    : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  ReadLog(std::unique_ptr<FSSequentialFile> file, uint64_t bytes)
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
    : FileSystemWrapper(std::move(base)), options_(options) {}

IOStatus LogFileSystem::NewWritableFile(const std::string& name,
                                        const FileOptions& options,
                                        std::unique_ptr<FSWritableFile>* file,
                                        IODebugContext* debug) {
  IOStatus status = target()->NewWritableFile(name, options, file, debug);
  if (status.ok() && IsLog(name)) {
    *file = std::make_unique<WrittenLog>(std::move(*file), this);
  }
  return status;
}

IOStatus LogFileSystem::NewSequentialFile(
    const std::string& name, const FileOptions& options,
    std::unique_ptr<FSSequentialFile>* file, IODebugContext* debug) {
  uint64_t end = UINT64_MAX;
  if (IsLog(name)) {
    IOStatus found = FindEnd(name, options, &end, debug);
    if (!found.ok()) return found;
  }
  IOStatus status = target()->NewSequentialFile(name, options, file, debug);
  if (status.ok() && end != UINT64_MAX) {
    *file = std::make_unique<ReadLog>(std::move(*file), end);
  }
  return status;
}

IOStatus LogFileSystem::FindEnd(const std::string& name,
                                const FileOptions& options, uint64_t* end,
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
  const LogEndFinder::Result found = finder.Finish();
  if (found.has_hole && !options_.accept_holes) {
    return IOStatus::Corruption(absl::StrCat(
        name, " has zeros at ", found.end, " and something else behind them"));
  }
  *end = found.end;
  return IOStatus::OK();
}

}  // namespace coffer::server
