#include "coffer/tools/crash/lossy_logs.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/match.h"

namespace coffer::crash {

using rocksdb::DataVerificationInfo;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class LossyLogs::HeldLog final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  explicit HeldLog(std::unique_ptr<FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)) {}

  IOStatus Append(const Slice& data, const IOOptions&,
                  IODebugContext*) override {
    held_.push_back({end_, data.ToString()});
    end_ += data.size();
    return IOStatus::OK();
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const DataVerificationInfo&, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset,
                            const IOOptions&, IODebugContext*) override {
    held_.push_back({offset, data.ToString()});
    return IOStatus::OK();
  }
  // What is cut off are zeros, which a loss of power may leave there.
  IOStatus Truncate(uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&,
                     IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    for (const Held& write : held_) {
      IOStatus written =
          target()->PositionedAppend(write.bytes, write.offset, options, debug);
      if (!written.ok()) return written;
    }
    held_.clear();
    return target()->Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  bool IsSyncThreadSafe() const override { return false; }

 private:
  struct Held {
    uint64_t offset;
    std::string bytes;
  };

  std::vector<Held> held_;
  uint64_t end_ = 0;
};

IOStatus LossyLogs::NewWritableFile(const std::string& path,
                                    const rocksdb::FileOptions& options,
                                    std::unique_ptr<FSWritableFile>* file,
                                    IODebugContext* debug) {
  IOStatus status = target()->NewWritableFile(path, options, file, debug);
  if (status.ok() && absl::EndsWith(path, ".log")) {
    *file = std::make_unique<HeldLog>(std::move(*file));
  }
  return status;
}

}  // namespace coffer::crash
