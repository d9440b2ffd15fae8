// ErrorListener: what RocksDB says about errors after which it takes no writes.
// It is told to wait: Database::Recover brings it back, when the engine says
// so.

#ifndef COFFER_SERVER_STORAGE_DURABLE_ERROR_LISTENER_H_
#define COFFER_SERVER_STORAGE_DURABLE_ERROR_LISTENER_H_

#include <functional>
#include <utility>

#include "rocksdb/listener.h"
#include "rocksdb/status.h"

namespace coffer::server {

class ErrorListener final : public rocksdb::EventListener {
 public:
  explicit ErrorListener(std::function<void(const rocksdb::Status&)> on_error)
      : on_error_(std::move(on_error)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                         rocksdb::Status* error) override {
    using Severity = rocksdb::Status::Severity;
    // One without a severity may be tried again; a compaction is, by itself.
    const bool stops_writes =
        error->severity() == Severity::kNoError
            ? reason != rocksdb::BackgroundErrorReason::kCompaction
            : error->severity() >= Severity::kHardError;
    if (stops_writes) on_error_(*error);
  }

  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/,
                            rocksdb::Status /*error*/,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  const std::function<void(const rocksdb::Status&)> on_error_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_ERROR_LISTENER_H_
