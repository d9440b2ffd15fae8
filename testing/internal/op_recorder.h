// Result and Record: how the tests of the stream doubles take down the outcome
// of an operation.

#ifndef COFFER_TESTING_INTERNAL_OP_RECORDER_H_
#define COFFER_TESTING_INTERNAL_OP_RECORDER_H_

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <optional>
#include <ostream>

namespace coffer_testing::internal {

struct Result {
  boost::system::error_code error;
  size_t bytes = 0;

  bool operator==(const Result&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Result& result) {
    return out << result.error.message() << ", " << result.bytes << " bytes";
  }
};

// Empty until the handler is invoked.
using Pending = std::optional<Result>;

inline auto Record(Pending& into) {
  return [&into](boost::system::error_code error, size_t bytes) {
    into = Result{error, bytes};
  };
}

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_OP_RECORDER_H_
