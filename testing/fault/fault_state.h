// FaultState: what a FaultStream knows of its operations, apart from the type
// of the stream below: which ones are pending, and which of them are held back.
//
// Threads: as the stream, but that FaultInjector::Release may come from any
// thread, and with it GoOn.

#ifndef COFFER_TESTING_FAULT_FAULT_STATE_H_
#define COFFER_TESTING_FAULT_FAULT_STATE_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <string>

#include "coffer/sdk/clock.h"
#include "coffer/testing/fault/fault_injector.h"
#include "coffer/testing/internal/pending_op.h"

namespace coffer_testing::internal {

class FaultState : public OpTarget,
                   public std::enable_shared_from_this<FaultState> {
 public:
  FaultState(boost::asio::any_io_executor executor,
             std::shared_ptr<FaultInjector> injector,
             std::source_location made_at);
  virtual ~FaultState();

  const boost::asio::any_io_executor& executor() const { return executor_; }
  FaultInjector& injector() { return *injector_; }
  const std::shared_ptr<FaultInjector>& shared_injector() { return injector_; }
  bool closed() const;

  // An operation starts. False: another of its kind is pending, which was
  // reported. Else it is pending until End.
  bool Begin(OpKind kind, std::source_location where);
  void End(OpKind kind);
  // What is pending, described.
  std::optional<std::string> Pending(OpKind kind) const;

  FaultVerdict Decide(OpKind kind, size_t asked);
  // The stream below has moved `bytes`.
  void Moved(OpKind kind, size_t bytes, FaultVerdict& verdict);

  OpSpec Spec(OpKind kind, std::source_location where);
  // Holds `op` until Release, Cancel or Close.
  void Hold(PendingOpPtr op);
  // Holds `op` so long, or until Cancel or Close.
  void HoldFor(coffer::Clock::Duration delay, PendingOpPtr op);
  // Queues `op`, which completes with `result`.
  static void Complete(PendingOpPtr op, OpResult result);

  // The operations that are held go on.
  void GoOn();
  // They complete with operation_aborted.
  void Cancel();
  void Close();

  // Operations of a kind, in the words of the injector.
  static FaultOp ToFaultOp(OpKind kind) {
    return kind == OpKind::kRead ? FaultOp::kRead : FaultOp::kWrite;
  }

  OpResult Finish(PendingOp& op) override;
  void Abandon(PendingOp& op) override;
  void CancelOp(uint64_t id) override;

 private:
  // One direction.
  struct Side {
    std::optional<std::source_location> pending;
    PendingOp* held = nullptr;
    bool delayed = false;  // `held` is, and not stalled
    // Was held, and is queued to go on or to complete; until then it can still
    // be cancelled.
    PendingOp* queued = nullptr;
    bool cancelled = false;  // `queued` is
    std::unique_ptr<coffer::Timer> timer;
    // Until when earlier bytes take the bandwidth.
    coffer::Clock::TimePoint busy_until = coffer::Clock::TimePoint::min();
  };

  Side& SideOf(OpKind kind) { return sides_[kind == OpKind::kRead ? 0 : 1]; }
  const Side& SideOf(OpKind kind) const {
    return sides_[kind == OpKind::kRead ? 0 : 1];
  }
  std::string Describe(OpKind kind, const std::source_location& where) const;
  void CancelAll(bool forgive);
  // The time of the delayed operation is over.
  void Expire(OpKind kind, uint64_t id);
  // Under the lock.
  void LetGo(Side& side, OpResult result, DeferredOps& deferred);

  const boost::asio::any_io_executor executor_;
  const std::shared_ptr<FaultInjector> injector_;
  const std::source_location made_at_;

  mutable std::mutex mutex_;
  Side sides_[2];
  bool closed_ = false;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_FAULT_FAULT_STATE_H_
