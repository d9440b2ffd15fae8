#include "coffer/testing/sweep/alloc_sweep.h"

#include <new>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coffer/testing/sweep/allocation_hook.h"
#include "coffer/testing/sweep/sweep_driver.h"

namespace coffer_testing {

class AllocPoint::Armed final : private internal::AllocationHook {
 public:
  explicit Armed(AllocPoint& point) : point_(point) {}

 private:
  void OnAllocation(size_t) override {
    point_.on_allocation_();
    const uint64_t n = point_.allocations_++;
    if (n == point_.fail_at_ ||
        (n > point_.fail_at_ && point_.mode_ == FaultMode::kSticky)) {
      point_.fired_ = true;
      throw std::bad_alloc();
    }
  }

  AllocPoint& point_;
};

bool AllocPoint::Run(absl::FunctionRef<void()> body) {
  try {
    const Armed armed(*this);
    body();
  } catch (const std::bad_alloc&) {
    // One that is not ours is as real as any exception.
    if (!fired_) throw;
    return false;
  }
  return true;
}

namespace internal {

class AllocSweeper {
 public:
  using Fn = absl::FunctionRef<void(AllocPoint&)>;

  AllocSweeper(Fn fn, const AllocSweepOptions& options,
               std::source_location where)
      : fn_(fn),
        driver_({.sweep = "AllocSweep",
                 .flag = "alloc",
                 .steps = "allocations",
                 .steps_max = options.allocations_max,
                 .where = where}) {}

  SweepReport Sweep(const std::vector<FaultMode>& modes) {
    if (const std::optional<std::string> replay = driver_.Replay()) {
      Replay(*replay);
      return report_;
    }
    std::vector<FaultMode> left = modes;
    for (uint64_t n = 0; !left.empty(); ++n) {
      for (auto mode = left.begin(); mode != left.end();) {
        bool fired = false;
        if (!Run(n, *mode, &fired)) return report_;
        mode = fired ? mode + 1 : left.erase(mode);
      }
    }
    if (driver_.steps() == 0) {
      driver_.Fail(
          "nothing was tested: no run has allocated inside AllocPoint::Run");
    }
    return report_;
  }

 private:
  static std::string ToString(FaultMode mode) {
    return mode == FaultMode::kSticky ? "sticky" : "one_shot";
  }

  bool Run(uint64_t n, FaultMode mode, bool* fired) {
    const auto count = [this] { driver_.CountStep(); };
    AllocPoint point(n, mode, count);
    const bool passed =
        driver_.Run(absl::StrCat(n, ":", ToString(mode)), [&] { fn_(point); });
    *fired = point.fired();
    ++report_.runs;
    if (*fired) ++report_.fired;
    if (!passed && !*fired) driver_.FailUndisturbed();
    return passed;
  }

  void Replay(const std::string& value) {
    const std::vector<std::string> parts = absl::StrSplit(value, ':');
    uint64_t n = 0;
    bool fired = false;
    for (const FaultMode mode : {FaultMode::kOneShot, FaultMode::kSticky}) {
      if (parts.size() == 2 && absl::SimpleAtoi(parts[0], &n) &&
          parts[1] == ToString(mode)) {
        Run(n, mode, &fired);
        return;
      }
    }
    driver_.FailReplay(value, "not N:one_shot or N:sticky");
  }

  const Fn fn_;
  SweepDriver driver_;
  SweepReport report_;
};

}  // namespace internal

SweepReport AllocSweep(absl::FunctionRef<void(AllocPoint&)> fn,
                       const AllocSweepOptions& options,
                       std::source_location where) {
  return internal::AllocSweeper(fn, options, where).Sweep(options.modes);
}

}  // namespace coffer_testing
