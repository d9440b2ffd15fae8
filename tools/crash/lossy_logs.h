// LossyLogs: a disk on which what is appended to a log (*.log) is only in the
// process until the log is synced. So a process that is killed loses of it what
// a machine would that loses its power, and a server that answers before it
// syncs is found out by killing it.
//
// Only what a database's logs are used for: nothing is read of them while they
// are written. Everything else is as on the machine's own file system.

#ifndef COFFER_TOOLS_CRASH_LOSSY_LOGS_H_
#define COFFER_TOOLS_CRASH_LOSSY_LOGS_H_

#include <memory>
#include <string>

#include "rocksdb/file_system.h"

namespace coffer::crash {

class LossyLogs final : public rocksdb::FileSystemWrapper {
 public:
  LossyLogs() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "LossyLogs"; }

  rocksdb::IOStatus NewWritableFile(
      const std::string& path, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override;

 private:
  class HeldLog;
};

}  // namespace coffer::crash

#endif  // COFFER_TOOLS_CRASH_LOSSY_LOGS_H_
