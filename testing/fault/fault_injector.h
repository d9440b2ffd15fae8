// FaultInjector: a FaultPlan at work. It numbers the operations of the streams
// that share it, and decides what happens to each:
//
//   auto faults = std::make_shared<FaultInjector>(
//       FaultPlan().FailAt(FaultOp::kAny, 5, asio::error::timed_out));
//   FaultStream<MemoryPipe> first(..., faults), second(..., faults);
//
// So a flow that opens several connections, as a client that reconnects, has
// one sequence of operations, of which the plan picks one, whatever connection
// it is on. One-shot faults happen once in all.
//
// Ownership: shared with its streams. Threads: thread-safe, though the order in
// which streams on several threads are counted is theirs.

#ifndef COFFER_TESTING_FAULT_FAULT_INJECTOR_H_
#define COFFER_TESTING_FAULT_FAULT_INJECTOR_H_

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <vector>

#include "coffer/sdk/clock.h"
#include "coffer/testing/fault/fault_plan.h"

namespace coffer_testing {

namespace internal {

class FaultState;

// What happens to one operation.
struct FaultVerdict {
  struct Corruption {
    size_t index;  // of the byte, in what the operation moves
    uint8_t bits;
  };

  // It moves at most so much.
  size_t bytes_max = 0;
  // It fails: before it moves anything, or with what it has moved.
  std::optional<boost::system::error_code> error = std::nullopt;
  bool with_data = false;
  // The stream below is reset.
  bool reset = false;
  bool stall = false;
  coffer::Clock::Duration delay = {};
  std::vector<Corruption> corruptions = {};
};

}  // namespace internal

class FaultInjector {
 public:
  // `clock` is for the plans that need one, and outlives this. Without it such
  // a plan is a test failure, and its delays are left out.
  explicit FaultInjector(
      FaultPlan plan, coffer::Clock* clock = nullptr,
      std::source_location where = std::source_location::current());
  FaultInjector(const FaultInjector&) = delete;
  FaultInjector& operator=(const FaultInjector&) = delete;
  ~FaultInjector();

  const FaultPlan& plan() const { return plan_; }

  // Whether a failure, end, stall or corrupted byte has happened. Splits,
  // delays and bandwidth are no faults.
  bool fired() const;

  // Operations started, and bytes moved.
  uint64_t operations(FaultOp kind) const;
  uint64_t bytes(FaultOp kind) const;

  // Ends all stalls for good: operations that wait go on, later ones do not
  // wait.
  void Release();

  // `callback` is called at the start of each operation, inside the initiating
  // function and before anything is done, with its number among all of them.
  // It may throw, to leave a flow that never ends. Null: none.
  void OnInitiation(std::function<void(uint64_t)> callback);

 private:
  friend class internal::FaultState;

  // `kind` is read or write. Calls the callback, and counts.
  internal::FaultVerdict Start(FaultOp kind, size_t asked);
  // Under the lock.
  void Apply(const FaultPlan::Clause& clause, FaultOp kind, size_t asked,
             uint64_t number, internal::FaultVerdict& verdict);
  // What an operation has moved, and how its verdict changes by that.
  void Moved(FaultOp kind, size_t bytes, internal::FaultVerdict& verdict);

  void Add(std::weak_ptr<internal::FaultState> stream);

  const FaultPlan plan_;
  coffer::Clock* const clock_;
  bool error_with_data_ = false;
  uint64_t bandwidth_ = 0;  // bytes a second; 0: no limit

  mutable std::mutex mutex_;
  std::function<void(uint64_t)> on_initiation_;
  uint64_t operations_[2] = {0, 0};
  uint64_t bytes_[2] = {0, 0};
  bool fired_ = false;
  bool released_ = false;
  std::vector<std::weak_ptr<internal::FaultState>> streams_;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_FAULT_FAULT_INJECTOR_H_
