// SweepDriver: what the sweeps have in common. It makes one run at a time,
// notices whether it failed, and then says which run it was and how to make
// that one again.

#ifndef COFFER_TESTING_SWEEP_SWEEP_DRIVER_H_
#define COFFER_TESTING_SWEEP_SWEEP_DRIVER_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>
#include <source_location>
#include <string>

#include "absl/functional/function_ref.h"

namespace coffer_testing::internal {

class SweepDriver {
 public:
  struct Options {
    std::string sweep;  // "FailSweep"
    std::string flag;   // "fault", of --fault=VALUE, which stands for a run
    // What CountStep counts, and how many of it are enough.
    std::string steps = "steps";
    uint64_t steps_max = std::numeric_limits<uint64_t>::max();
    std::source_location where;
  };

  explicit SweepDriver(Options options);
  SweepDriver(const SweepDriver&) = delete;
  SweepDriver& operator=(const SweepDriver&) = delete;

  // The value of the flag: the sweep is to make that run and no other.
  std::optional<std::string> Replay() const;

  // Makes the run that --flag=VALUE stands for. False if it failed: the sweep
  // is to end. Exceptions are failures.
  bool Run(const std::string& value, absl::FunctionRef<void()> run);

  // Called from within a run. Throws once there were too many in all runs
  // together: a flow that never ends could not be left otherwise.
  void CountStep();
  uint64_t steps() const { return steps_; }

  // Fails the test on behalf of the line that called the sweep.
  void Fail(const std::string& message) const;
  // For a run that failed and in which the fault was not reached; says nothing
  // if it was given up.
  void FailUndisturbed() const;
  // Fails: --flag=VALUE does not stand for a run, as `why` says.
  void FailReplay(const std::string& value, const std::string& why) const;

  uint64_t runs() const { return runs_; }

 private:
  void Guarded(absl::FunctionRef<void()> run) const;

  const Options options_;
  uint64_t runs_ = 0;
  std::atomic<uint64_t> steps_ = 0;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_SWEEP_SWEEP_DRIVER_H_
