#include "coffer/testing/manual_clock.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <source_location>
#include <unordered_map>
#include <utility>

#include "coffer/testing/internal/op_registry.h"
#include "coffer/testing/internal/pending_op.h"
#include "coffer/testing/internal/pending_op_impl.h"
#include "gtest/gtest.h"

namespace coffer_testing {

using internal::DeferredOps;
using internal::OpResult;
using internal::PendingOp;
using internal::PendingOpPtr;

// The waits, whose operations are owned by their execution contexts. The result
// of a wait is settled when it leaves the map, and nothing changes it then.
class ManualClock::State final : public internal::OpTarget {
 public:
  // Deadline, then id: equal deadlines in the order of their start.
  using Key = std::pair<TimePoint, uint64_t>;

  void Start(TimePoint deadline, PendingOpPtr op) {
    DeferredOps deferred;
    std::lock_guard lock(mutex_);
    const Key key{deadline, op->id()};
    PendingOp& wait = *op;
    waits_.emplace(key, &wait);
    deadlines_.emplace(op->id(), deadline);
    if (PendingOpPtr refused = wait.registry().Hold(std::move(op))) {
      deferred.Drop(std::move(refused));
    } else if (deadline <= now_) {
      Complete(waits_.find(key), {}, deferred);
    }
  }

  void CancelOp(uint64_t id) override {
    DeferredOps deferred;
    std::lock_guard lock(mutex_);
    const auto wait = Find(id);
    if (wait == waits_.end()) return;
    Complete(wait, {boost::asio::error::operation_aborted}, deferred);
  }

  OpResult Finish(PendingOp& op) override { return *op.result; }

  void Abandon(PendingOp& op) override {
    std::lock_guard lock(mutex_);
    const auto wait = Find(op.id());
    if (wait != waits_.end()) Erase(wait);
  }

  // False if `time` has passed.
  bool AdvanceTo(TimePoint time) {
    DeferredOps deferred;
    std::lock_guard lock(mutex_);
    return AdvanceLocked(time, deferred);
  }

  bool AdvanceBy(Duration duration) {
    DeferredOps deferred;
    std::lock_guard lock(mutex_);
    // Not beyond the end of time. The clock never stands before its epoch.
    const Duration left = TimePoint::max() - now_;
    return AdvanceLocked(now_ + std::min(duration, left), deferred);
  }

  bool AdvanceToNextDeadline() {
    DeferredOps deferred;
    std::lock_guard lock(mutex_);
    return !waits_.empty() &&
           AdvanceLocked(waits_.begin()->first.first, deferred);
  }

  TimePoint Now() const {
    std::lock_guard lock(mutex_);
    return now_;
  }

  absl::Time WallNow() const {
    std::lock_guard lock(mutex_);
    return wall_;
  }

  void SetWall(absl::Time time) {
    std::lock_guard lock(mutex_);
    wall_ = time;
  }

  size_t pending() const {
    std::lock_guard lock(mutex_);
    return waits_.size();
  }

  std::optional<TimePoint> NextDeadline() const {
    std::lock_guard lock(mutex_);
    if (waits_.empty()) return std::nullopt;
    return waits_.begin()->first.first;
  }

  std::vector<TimePoint> Deadlines() const {
    std::lock_guard lock(mutex_);
    std::vector<TimePoint> deadlines;
    for (const auto& [key, wait] : waits_) deadlines.push_back(key.first);
    return deadlines;
  }

 private:
  using Waits = std::map<Key, PendingOp*>;

  Waits::iterator Find(uint64_t id) {
    const auto found = deadlines_.find(id);
    if (found == deadlines_.end()) return waits_.end();
    return waits_.find(Key{found->second, id});
  }

  void Erase(Waits::iterator wait) {
    deadlines_.erase(wait->first.second);
    waits_.erase(wait);
  }

  void Complete(Waits::iterator wait, OpResult result, DeferredOps& deferred) {
    PendingOp& op = *wait->second;
    Erase(wait);
    op.result = result;
    // Null if the context of the operation is destroying it.
    if (PendingOpPtr owned = op.registry().Release(op)) {
      deferred.Post(std::move(owned));
    }
  }

  bool AdvanceLocked(TimePoint time, DeferredOps& deferred) {
    if (time < now_) return false;
    wall_ += absl::FromChrono(time - now_);
    now_ = time;
    while (!waits_.empty() && waits_.begin()->first.first <= now_) {
      Complete(waits_.begin(), {}, deferred);
    }
    return true;
  }

  mutable std::mutex mutex_;
  TimePoint now_ = TimePoint() + std::chrono::hours(1);
  absl::Time wall_ = absl::FromUnixSeconds(1577836800);  // 2020-01-01, UTC
  Waits waits_;
  std::unordered_map<uint64_t, TimePoint> deadlines_;  // of waits_, by id
};

namespace {

class ManualTimer final : public coffer::Timer {
 public:
  ManualTimer(std::shared_ptr<ManualClock::State> state,
              boost::asio::any_io_executor executor)
      : state_(std::move(state)),
        executor_(std::move(executor)),
        registry_(internal::OpRegistry::Of(executor_)) {}

  ~ManualTimer() override { Cancel(); }

  void WaitUntil(coffer::Clock::TimePoint deadline,
                 WaitHandler handler) override {
    Cancel();
    PendingOpPtr op = internal::MakePendingOp(
        internal::OpSpec{.kind = internal::OpKind::kWait,
                         .where = std::source_location::current(),
                         .made_at = std::source_location::current(),
                         .target = state_,
                         .registry = &registry_,
                         .fail_if_abandoned = false},
        executor_, std::move(handler));
    wait_id_ = op->id();
    state_->Start(deadline, std::move(op));
  }

  // Asking for a wait that is over does nothing.
  void Cancel() override { state_->CancelOp(wait_id_); }

 private:
  const std::shared_ptr<ManualClock::State> state_;
  const boost::asio::any_io_executor executor_;
  internal::OpRegistry& registry_;
  uint64_t wait_id_ = 0;
};

}  // namespace

ManualClock::ManualClock() : state_(std::make_shared<State>()) {}
ManualClock::~ManualClock() = default;

ManualClock::TimePoint ManualClock::Now() const { return state_->Now(); }

absl::Time ManualClock::WallNow() const { return state_->WallNow(); }

std::unique_ptr<coffer::Timer> ManualClock::MakeTimer(
    boost::asio::any_io_executor executor) {
  return std::make_unique<ManualTimer>(state_, std::move(executor));
}

void ManualClock::AdvanceBy(Duration duration) {
  if (!state_->AdvanceBy(duration)) {
    ADD_FAILURE() << "AdvanceBy(" << duration.count() << " ns) goes back";
  }
}

void ManualClock::AdvanceTo(TimePoint time) {
  if (!state_->AdvanceTo(time)) {
    ADD_FAILURE() << "AdvanceTo a time " << (state_->Now() - time).count()
                  << " ns ago";
  }
}

bool ManualClock::AdvanceToNextDeadline() {
  return state_->AdvanceToNextDeadline();
}

void ManualClock::SetWall(absl::Time time) { state_->SetWall(time); }

size_t ManualClock::pending_timers() const { return state_->pending(); }

std::optional<ManualClock::TimePoint> ManualClock::NextDeadline() const {
  return state_->NextDeadline();
}

std::vector<ManualClock::TimePoint> ManualClock::Deadlines() const {
  return state_->Deadlines();
}

}  // namespace coffer_testing
