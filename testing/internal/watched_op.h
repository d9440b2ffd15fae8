// WatchOp: a handler that notes how its operation ended, and fails the test, at
// the line that started the operation, if it is invoked twice, or destroyed
// without being invoked. Outcome and Ended are what it notes.
//
// Threads: one. The `Ended` outlives the invocation, not the handler.

#ifndef COFFER_TESTING_INTERNAL_WATCHED_OP_H_
#define COFFER_TESTING_INTERNAL_WATCHED_OP_H_

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <ostream>
#include <source_location>

#include "gtest/gtest.h"

namespace coffer_testing::internal {

struct Outcome {
  boost::system::error_code error;
  size_t bytes = 0;

  bool operator==(const Outcome&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
    return out << outcome.error.message() << ", " << outcome.bytes << " bytes";
  }
};

// An operation, from its start on: empty until its handler is invoked.
struct Ended {
  std::optional<Outcome> outcome = std::nullopt;
  std::source_location where = std::source_location::current();
};

// What the copies of a handler share.
class WatchedOp {
 public:
  WatchedOp(Ended* ended, std::source_location where)
      : ended_(ended), where_(where) {
    ended_->where = where;
  }
  WatchedOp(const WatchedOp&) = delete;
  WatchedOp& operator=(const WatchedOp&) = delete;
  ~WatchedOp() {
    if (ended_ != nullptr) Fail("destroyed, and was never invoked");
  }

  void Complete(const Outcome& outcome) {
    if (ended_ == nullptr) return Fail("invoked twice");
    ended_->outcome = outcome;
    ended_ = nullptr;
  }

 private:
  void Fail(const char* what) const {
    ADD_FAILURE_AT(where_.file_name(), static_cast<int>(where_.line()))
        << "the handler of the operation that was started here was " << what;
  }

  Ended* ended_;  // null: it was invoked
  const std::source_location where_;
};

inline auto WatchOp(Ended& ended, std::source_location where) {
  return [op = std::make_shared<WatchedOp>(&ended, where)](
             boost::system::error_code error, size_t bytes) {
    op->Complete({error, bytes});
  };
}

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_WATCHED_OP_H_
