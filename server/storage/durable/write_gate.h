// WriteGate: whether writes are taken, and if not, why. Any thread.

#ifndef COFFER_SERVER_STORAGE_DURABLE_WRITE_GATE_H_
#define COFFER_SERVER_STORAGE_DURABLE_WRITE_GATE_H_

#include <mutex>
#include <utility>

#include "absl/status/status.h"

namespace coffer::server {

class WriteGate {
 public:
  // OK, or the reason.
  absl::Status Check() const {
    std::lock_guard lock(mutex_);
    return reason_;
  }

  // For this reason, which is not OK. Whether it was open; if not, the first
  // reason stays.
  bool Close(absl::Status reason) {
    std::lock_guard lock(mutex_);
    if (!reason_.ok()) return false;
    reason_ = std::move(reason);
    return true;
  }

  void Open() {
    std::lock_guard lock(mutex_);
    reason_ = absl::OkStatus();
  }

 private:
  mutable std::mutex mutex_;
  absl::Status reason_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_WRITE_GATE_H_
