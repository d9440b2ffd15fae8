// HeldBytes: how many bytes the results of a batch hold that are not in the
// store anyway, copies of what is on the disk and changed values, beside what
// they may (Batch::held_bytes_max). So what a batch needs until it is answered
// is bounded, by the limit and one value.
//
// One thread.

#ifndef COFFER_SERVER_STORAGE_HELD_BYTES_H_
#define COFFER_SERVER_STORAGE_HELD_BYTES_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/types/optional.h"

namespace coffer::server {

class HeldBytes {
 public:
  // 0: no limit.
  explicit HeldBytes(size_t bytes_max = 0) : bytes_max_(bytes_max) {}

  size_t bytes_max() const { return bytes_max_; }

  // What is added from now on belongs to one unit of execution.
  void BeginUnit() { before_unit_ = bytes_; }
  // From now on it does not, but to several.
  void EndUnit() { before_unit_.reset(); }
  void Add(size_t bytes) { bytes_ += bytes; }

  // OK: there may be more. Unavailable: there may not, but with others than
  // those that were before it the unit may be executed. ResourceExhausted: what
  // the unit holds is too much by itself.
  absl::Status Check() const {
    if (bytes_max_ == 0 || bytes_ < bytes_max_) return absl::OkStatus();
    return TooMuch();
  }

 private:
  absl::Status TooMuch() const;

  size_t bytes_max_;
  size_t bytes_ = 0;
  absl::optional<size_t> before_unit_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_HELD_BYTES_H_
