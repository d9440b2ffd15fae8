// SyncLoop: an io_context and the one thread that runs it, for what has no loop
// of its own; and BlockingCall, which waits for an operation on it.
//
// Ownership: the destructor ends the thread, after all that is pending on the
// loop has completed: whoever owns pending operations ends them before. Not
// destroyed on its own thread. Threads: any, but for the loop's own where it is
// said.

#ifndef COFFER_SDK_INTERNAL_SYNC_LOOP_H_
#define COFFER_SDK_INTERNAL_SYNC_LOOP_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"

namespace coffer::internal {

class SyncLoop {
 public:
  SyncLoop();
  SyncLoop(const SyncLoop&) = delete;
  SyncLoop& operator=(const SyncLoop&) = delete;
  ~SyncLoop();

  boost::asio::any_io_executor get_executor() { return io_.get_executor(); }

  // To be asked before waiting for anything: ResourceExhausted if there was no
  // thread to be had, and nothing runs. Asserts that this is not the loop's own
  // thread, which would wait for itself.
  const absl::Status& MayBlock() const;

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      work_{io_.get_executor()};
  absl::Status status_;
  std::thread thread_;
};

// One operation that another thread completes.
template <class Result>
class BlockingCall {
 public:
  // To be called once, on any thread, while this lives.
  auto Handler() {
    return [this](Result result) {
      // Under the lock: whoever waits may be gone right after it.
      const std::lock_guard lock(mutex_);
      result_.emplace(std::move(result));
      completed_.notify_one();
    };
  }

  Result Wait() {
    std::unique_lock lock(mutex_);
    completed_.wait(lock, [this] { return result_.has_value(); });
    return *std::move(result_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable completed_;
  std::optional<Result> result_;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_INTERNAL_SYNC_LOOP_H_
