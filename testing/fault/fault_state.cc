#include "coffer/testing/fault/fault_state.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/testing/internal/op_registry.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {

namespace asio = boost::asio;
using coffer::Clock;

FaultState::FaultState(asio::any_io_executor executor,
                       std::shared_ptr<FaultInjector> injector,
                       std::source_location made_at)
    : executor_(std::move(executor)),
      injector_(std::move(injector)),
      made_at_(made_at) {}

FaultState::~FaultState() = default;

bool FaultState::closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

bool FaultState::Begin(OpKind kind, std::source_location where) {
  std::string breach;
  {
    std::lock_guard lock(mutex_);
    std::optional<std::source_location>& pending = SideOf(kind).pending;
    if (!pending) {
      pending = where;
      return true;
    }
    breach =
        absl::StrCat(Describe(kind, where),
                     " while another is pending: ", Describe(kind, *pending));
  }
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << breach;
  return false;
}

void FaultState::End(OpKind kind) {
  std::lock_guard lock(mutex_);
  SideOf(kind).pending.reset();
}

std::optional<std::string> FaultState::Pending(OpKind kind) const {
  std::lock_guard lock(mutex_);
  const std::optional<std::source_location>& pending = SideOf(kind).pending;
  if (!pending) return std::nullopt;
  return Describe(kind, *pending);
}

std::string FaultState::Describe(OpKind kind,
                                 const std::source_location& where) const {
  return absl::StrCat(
      kind == OpKind::kRead ? "async_read_some" : "async_write_some",
      " started at ", ToString(where), " on the FaultStream made at ",
      ToString(made_at_));
}

FaultVerdict FaultState::Decide(OpKind kind, size_t asked) {
  FaultVerdict verdict = injector_->Start(ToFaultOp(kind), asked);
  Clock* const clock = injector_->clock_;
  if (clock == nullptr) {
    verdict.delay = {};
    return verdict;
  }
  std::lock_guard lock(mutex_);
  const Clock::TimePoint now = clock->Now();
  const Clock::TimePoint busy_until = SideOf(kind).busy_until;
  if (busy_until > now) verdict.delay += busy_until - now;
  return verdict;
}

void FaultState::Moved(OpKind kind, size_t bytes, FaultVerdict& verdict) {
  injector_->Moved(ToFaultOp(kind), bytes, verdict);
  if (injector_->clock_ == nullptr || injector_->bandwidth_ == 0) return;
  const auto taken =
      std::chrono::duration_cast<Clock::Duration>(std::chrono::duration<double>(
          static_cast<double>(bytes) /
          static_cast<double>(injector_->bandwidth_)));
  std::lock_guard lock(mutex_);
  Clock::TimePoint& busy_until = SideOf(kind).busy_until;
  busy_until = std::max(busy_until, injector_->clock_->Now()) + taken;
}

OpSpec FaultState::Spec(OpKind kind, std::source_location where) {
  return OpSpec{.kind = kind,
                .where = where,
                .made_at = made_at_,
                .target = shared_from_this(),
                .registry = &OpRegistry::Of(executor_)};
}

void FaultState::Hold(PendingOpPtr op) {
  injector_->Add(weak_from_this());
  DeferredOps deferred;
  std::lock_guard lock(mutex_);
  PendingOp& held = *op;
  // Not null only while the context is being destroyed.
  if (PendingOpPtr refused = held.registry().Hold(std::move(op))) {
    deferred.Drop(std::move(refused));
    return;
  }
  Side& side = SideOf(held.kind());
  side.held = &held;
  side.delayed = false;
}

void FaultState::HoldFor(Clock::Duration delay, PendingOpPtr op) {
  const OpKind kind = op->kind();
  const uint64_t id = op->id();
  Hold(std::move(op));
  coffer::Timer* timer = nullptr;
  {
    std::lock_guard lock(mutex_);
    Side& side = SideOf(kind);
    if (side.held == nullptr) return;
    side.delayed = true;
    if (side.timer == nullptr) {
      side.timer = injector_->clock_->MakeTimer(executor_);
    }
    timer = side.timer.get();
  }
  auto expire = [weak = weak_from_this(), kind,
                 id](boost::system::error_code error) {
    const auto self = weak.lock();
    if (!error && self != nullptr) self->Expire(kind, id);
  };
  timer->WaitUntil(injector_->clock_->Now() + delay, std::move(expire));
}

void FaultState::Expire(OpKind kind, uint64_t id) {
  DeferredOps deferred;
  std::lock_guard lock(mutex_);
  Side& side = SideOf(kind);
  if (side.held != nullptr && side.held->id() == id) {
    LetGo(side, OpResult{}, deferred);
  }
}

void FaultState::Complete(PendingOpPtr op, OpResult result) {
  op->result = result;
  PendingOp::Post(std::move(op));
}

void FaultState::LetGo(Side& side, OpResult result, DeferredOps& deferred) {
  PendingOp* const held = std::exchange(side.held, nullptr);
  if (held == nullptr) return;
  held->result = result;
  // Null if the context of the operation is destroying it.
  if (PendingOpPtr op = held->registry().Release(*held)) {
    side.queued = held;
    side.cancelled = false;
    deferred.Post(std::move(op));
  }
}

void FaultState::GoOn() {
  DeferredOps deferred;
  std::lock_guard lock(mutex_);
  for (Side& side : sides_) {
    if (!side.delayed) LetGo(side, OpResult{}, deferred);
  }
}

void FaultState::Cancel() { CancelAll(/*forgive=*/false); }

void FaultState::CancelAll(bool forgive) {
  coffer::Timer* timers[2];
  {
    DeferredOps deferred;
    std::lock_guard lock(mutex_);
    for (Side& side : sides_) {
      for (PendingOp* const op : {side.held, side.queued}) {
        if (forgive && op != nullptr) op->Forgive();
      }
      if (side.queued != nullptr) side.cancelled = true;
      LetGo(side, {asio::error::operation_aborted}, deferred);
    }
    timers[0] = sides_[0].timer.get();
    timers[1] = sides_[1].timer.get();
  }
  for (coffer::Timer* const timer : timers) {
    if (timer != nullptr) timer->Cancel();
  }
}

void FaultState::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  CancelAll(/*forgive=*/true);
}

OpResult FaultState::Finish(PendingOp& op) {
  std::lock_guard lock(mutex_);
  Side& side = SideOf(op.kind());
  if (side.queued != &op) return *op.result;
  side.queued = nullptr;
  if (side.cancelled) return {asio::error::operation_aborted};
  return *op.result;
}

void FaultState::Abandon(PendingOp& op) {
  std::lock_guard lock(mutex_);
  Side& side = SideOf(op.kind());
  if (side.held == &op) side.held = nullptr;
  if (side.queued == &op) side.queued = nullptr;
}

void FaultState::CancelOp(uint64_t id) {
  coffer::Timer* timer = nullptr;
  {
    DeferredOps deferred;
    std::lock_guard lock(mutex_);
    for (Side& side : sides_) {
      if (side.queued != nullptr && side.queued->id() == id) {
        side.cancelled = true;
      }
      if (side.held != nullptr && side.held->id() == id) {
        if (side.delayed) timer = side.timer.get();
        LetGo(side, {asio::error::operation_aborted}, deferred);
      }
    }
  }
  if (timer != nullptr) timer->Cancel();
}

}  // namespace coffer_testing::internal
