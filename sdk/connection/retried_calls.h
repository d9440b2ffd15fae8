// RetriedCalls: the calls of a RetryingConnection from their first attempt to
// their last, those that wait for their next attempt included. It bounds them,
// and lets the connection be closed only after them.
//
// Threads: Admit, closing and Close from any; the rest on the connection's
// executor.

#ifndef COFFER_SDK_CONNECTION_RETRIED_CALLS_H_
#define COFFER_SDK_CONNECTION_RETRIED_CALLS_H_

#include <atomic>
#include <boost/asio/cancellation_signal.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "coffer/sdk/connection.h"
#include "coffer/sdk/internal/pending_handler.h"

namespace coffer::internal {

struct RetriedCallsLimits {
  std::size_t calls_max = 0;
  // Of their requests; a single one may have more.
  std::size_t bytes_max = 0;
};

class RetriedCalls : public std::enable_shared_from_this<RetriedCalls> {
 public:
  explicit RetriedCalls(const RetriedCallsLimits& limits) : limits_(limits) {}

  // A call begins, and Ended is to be called for it; or it is refused, and
  // Refused is to be called: ResourceExhausted, or Cancelled when the
  // connection is being closed.
  absl::Status Admit(std::size_t bytes);
  void Ended(std::size_t bytes);
  void Refused();

  bool closing() const { return closing_; }
  // No call is to be tried again.
  bool given_up() const { return given_up_; }

  // A call waits for its next attempt, until it is woken to end.
  void Waits(const void* call, std::function<void()> wake) {
    waiting_[call] = std::move(wake);
  }
  void WaitsNoMore(const void* call) { waiting_.erase(call); }

  // Closes `next` when no call is left. Cancelled, it does so at once, and so
  // does GiveUp, which wakes the calls that wait.
  void Close(const std::shared_ptr<Connection>& next,
             Connection::CloseHandler handler);
  void GiveUp();

 private:
  struct Closer {
    std::shared_ptr<Connection> next;
    PendingHandler<absl::Status> handler;
    boost::asio::cancellation_signal cancel;
  };

  absl::Status Check(std::size_t bytes, std::size_t calls,
                     std::size_t held) const;
  static void CloseNext(const std::shared_ptr<Closer>& closer);
  void CloseWhenEmpty();
  void Cancel(const std::shared_ptr<Closer>& closer);
  void WakeAll();

  const RetriedCallsLimits limits_;
  std::atomic<std::size_t> calls_{0};
  std::atomic<std::size_t> bytes_{0};
  std::atomic<bool> closing_{false};
  bool given_up_ = false;
  std::map<const void*, std::function<void()>> waiting_;
  // Those that wait for the calls to end.
  std::vector<std::shared_ptr<Closer>> closers_;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_RETRIED_CALLS_H_
