// PendingOp: an asynchronous operation of a double that was started and has not
// completed: its handler, buffers, place of initiation, work guards and
// cancellation. The doubles of this folder keep Asio's contract by building on
// this one class.
//
// A PendingOp is owned by one thing at a time: while it waits, by the
// OpRegistry of its execution context; once it can complete, by a function
// queued on that context. So a destroyed context destroys its operations, as
// with real I/O objects, and the coroutine frames in them. What the operation
// waits for, its OpTarget, only refers to it.

#ifndef COFFER_TESTING_INTERNAL_PENDING_OP_H_
#define COFFER_TESTING_INTERNAL_PENDING_OP_H_

#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace coffer_testing::internal {

class OpRegistry;
class PendingOp;

struct OpResult {
  boost::system::error_code error;
  size_t bytes = 0;
};

enum class OpKind { kRead, kWrite, kWait };

// What an operation waits for. Thread-safe.
class OpTarget {
 public:
  // The operation completes now: it is off the target when this returns. Called
  // once, on the executor of the handler, which is invoked with the result.
  virtual OpResult Finish(PendingOp& op) = 0;
  // The operation is being destroyed without completing.
  virtual void Abandon(PendingOp& op) = 0;
  // Asks for operation_aborted; too late is not an error.
  virtual void CancelOp(uint64_t id) = 0;

 protected:
  ~OpTarget() = default;
};

// What an operation is made of, besides its handler.
struct OpSpec {
  OpKind kind;
  std::source_location where;
  // Where the stream was made: `where` is in Asio's own code if the operation
  // is part of a composed one.
  std::source_location made_at;
  std::shared_ptr<OpTarget> target;
  OpRegistry* registry;
  // A handler destroyed uninvoked fails the test.
  bool fail_if_abandoned = true;
  std::vector<boost::asio::mutable_buffer> read_into = {};
  std::vector<boost::asio::const_buffer> write_from = {};
};

struct PendingOpDeleter {
  void operator()(PendingOp* op) const;
};
using PendingOpPtr = std::unique_ptr<PendingOp, PendingOpDeleter>;

class PendingOp {
 public:
  PendingOp(const PendingOp&) = delete;
  PendingOp& operator=(const PendingOp&) = delete;

  OpKind kind() const { return spec_.kind; }
  // Never used twice in a process; later operations have larger ones.
  uint64_t id() const { return id_; }
  OpRegistry& registry() const { return *spec_.registry; }
  const std::source_location& where() const { return spec_.where; }

  // Bytes that the buffers hold.
  size_t buffer_bytes() const;
  const std::vector<boost::asio::mutable_buffer>& read_into() const {
    return spec_.read_into;
  }
  const std::vector<boost::asio::const_buffer>& write_from() const {
    return spec_.write_from;
  }

  // "async_read_some started at file:line on the stream made at file:line"
  std::string Describe() const;

  // The result, where it was settled before completion. Belongs to the target,
  // as the rest of its state does.
  std::optional<OpResult> result;

  // Its stream was closed, so nobody waits for it: that its context goes before
  // it has completed is no failure. Under the lock of its target.
  void Forgive() { forgiven_ = true; }

  // Queues the completion. Not under a lock: runs the user's allocator.
  static void Post(PendingOpPtr op);

 protected:
  explicit PendingOp(OpSpec spec);
  virtual ~PendingOp() = default;

  OpTarget& target() const { return *spec_.target; }
  const std::shared_ptr<OpTarget>& shared_target() const {
    return spec_.target;
  }

  // Tells the target, and the test if it is to know.
  void ReportAbandoned();

 private:
  friend struct PendingOpDeleter;

  virtual void PostSelf(PendingOpPtr self) = 0;
  // Destroys *this, uninvoked.
  virtual void Destroy() = 0;

  const OpSpec spec_;
  const uint64_t id_;
  bool forgiven_ = false;
};

// Operations to queue or drop once the lock under which they were taken is
// released; declared before the lock is taken.
class DeferredOps {
 public:
  DeferredOps() = default;
  DeferredOps(const DeferredOps&) = delete;
  DeferredOps& operator=(const DeferredOps&) = delete;
  ~DeferredOps();

  void Post(PendingOpPtr op) { post_.push_back(std::move(op)); }
  void Drop(PendingOpPtr op) { drop_.push_back(std::move(op)); }

 private:
  std::vector<PendingOpPtr> post_;
  std::vector<PendingOpPtr> drop_;
};

// "file:line"
std::string ToString(const std::source_location& where);

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_PENDING_OP_H_
