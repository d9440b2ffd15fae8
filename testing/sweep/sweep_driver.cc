#include "coffer/testing/sweep/sweep_driver.h"

#include <exception>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/testing/fault/replay_flag.h"
#include "coffer/testing/sweep/crash_note.h"
#include "coffer/testing/sweep/failure_watch.h"
#include "coffer/testing/sweep/replay_command.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {
namespace {

// Not a std::bad_alloc, which an AllocSweep's run is expected to catch.
class TooManySteps final : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace

SweepDriver::SweepDriver(Options options) : options_(std::move(options)) {}

std::optional<std::string> SweepDriver::Replay() const {
  return ReplayFlag(options_.flag);
}

bool SweepDriver::Run(const std::string& value, absl::FunctionRef<void()> run) {
  ++runs_;
  const std::string argument = absl::StrCat("--", options_.flag, "=", value);
  const uint64_t steps_before = steps_;
  const std::string last_words =
      absl::StrCat("\n", options_.sweep, ": died with ", argument,
                   "; to make that run alone:\n  ", ReplayCommand(argument));
  FailureWatch watch;
  {
    const CrashNote note(&last_words);
    const ::testing::ScopedTrace trace(
        options_.where.file_name(), static_cast<int>(options_.where.line()),
        absl::StrCat(options_.sweep, ": ", argument));
    Guarded(run);
  }
  if (steps_ > options_.steps_max) {
    Fail(absl::StrCat("gave up after ", options_.steps_max, " ", options_.steps,
                      " in all, ", steps_ - steps_before,
                      " of them in the last of ", runs_, " runs, with ",
                      argument,
                      ". Does the flow try again for ever? (If it is just "
                      "long: raise ",
                      options_.steps, "_max.)"));
  }
  if (!watch.failed()) return true;
  Fail(absl::StrCat("stopped: run ", runs_, " failed, with ", argument,
                    "\nFirst failure: ", watch.first(),
                    "\nTo make that run alone:\n  ", ReplayCommand(argument)));
  return false;
}

void SweepDriver::Guarded(absl::FunctionRef<void()> run) const {
  try {
    run();
  } catch (const TooManySteps&) {
    // Run sees it, even if the flow has swallowed it.
  } catch (const std::exception& exception) {
    Fail(absl::StrCat("the run threw: ", exception.what()));
  } catch (...) {
    Fail("the run threw something that is no std::exception");
  }
}

void SweepDriver::CountStep() {
  if (++steps_ > options_.steps_max) {
    throw TooManySteps(absl::StrCat(options_.sweep, " was given ",
                                    options_.steps_max, " ", options_.steps));
  }
}

void SweepDriver::Fail(const std::string& message) const {
  ADD_FAILURE_AT(options_.where.file_name(),
                 static_cast<int>(options_.where.line()))
      << options_.sweep << ": " << message;
}

void SweepDriver::FailUndisturbed() const {
  if (steps_ > options_.steps_max) return;
  Fail("in that run the fault was not reached: it fails without one");
}

void SweepDriver::FailReplay(const std::string& value,
                             const std::string& why) const {
  Fail(absl::StrCat("no run is --", options_.flag, "=", value, ": ", why));
}

}  // namespace coffer_testing::internal
