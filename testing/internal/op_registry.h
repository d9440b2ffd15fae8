// OpRegistry: the service of an execution context that owns the operations that
// wait on it. When the context is destroyed, so are they, uninvoked: otherwise
// a coroutine whose frame owns the stream it reads from would own itself, and
// leak.
//
// Threads: thread-safe. May be called under the lock of an OpTarget; takes no
// other lock itself.

#ifndef COFFER_TESTING_INTERNAL_OP_REGISTRY_H_
#define COFFER_TESTING_INTERNAL_OP_REGISTRY_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "coffer/testing/internal/pending_op.h"

namespace coffer_testing::internal {

class OpRegistry final : public boost::asio::execution_context::service {
 public:
  // Asio finds services by this.
  static boost::asio::execution_context::id id;

  explicit OpRegistry(boost::asio::execution_context& context)
      : boost::asio::execution_context::service(context) {}

  static OpRegistry& Of(const boost::asio::any_io_executor& executor);

  // Owns `op` from now on and returns null; gives it back if the context is
  // being destroyed.
  [[nodiscard]] PendingOpPtr Hold(PendingOpPtr op);

  // Null if the context is destroying the operation.
  [[nodiscard]] PendingOpPtr Release(PendingOp& op);

  // The reads and writes that wait, described, in the order of their start.
  std::vector<std::string> DescribeIo();

 private:
  void shutdown() override;

  std::mutex mutex_;
  bool shut_down_ = false;
  // By id, so that they are destroyed in the order they were started.
  std::map<uint64_t, PendingOpPtr> ops_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_OP_REGISTRY_H_
