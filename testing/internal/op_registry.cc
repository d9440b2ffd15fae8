#include "coffer/testing/internal/op_registry.h"

#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>
#include <utility>

namespace coffer_testing::internal {

boost::asio::execution_context::id OpRegistry::id;

OpRegistry& OpRegistry::Of(const boost::asio::any_io_executor& executor) {
  return boost::asio::use_service<OpRegistry>(
      boost::asio::query(executor, boost::asio::execution::context));
}

PendingOpPtr OpRegistry::Hold(PendingOpPtr op) {
  std::lock_guard lock(mutex_);
  if (shut_down_) return op;
  const uint64_t op_id = op->id();
  ops_.emplace(op_id, std::move(op));
  return nullptr;
}

PendingOpPtr OpRegistry::Release(PendingOp& op) {
  std::lock_guard lock(mutex_);
  const auto found = ops_.find(op.id());
  if (found == ops_.end()) return nullptr;
  PendingOpPtr released = std::move(found->second);
  ops_.erase(found);
  return released;
}

std::vector<std::string> OpRegistry::DescribeIo() {
  std::vector<std::string> described;
  std::lock_guard lock(mutex_);
  for (const auto& [op_id, op] : ops_) {
    if (op->kind() != OpKind::kWait) described.push_back(op->Describe());
  }
  return described;
}

void OpRegistry::shutdown() {
  std::map<uint64_t, PendingOpPtr> ops;
  {
    std::lock_guard lock(mutex_);
    shut_down_ = true;
    ops.swap(ops_);
  }
  // Destroyed without the lock: their handlers may own streams, which cancel
  // other operations.
}

}  // namespace coffer_testing::internal
