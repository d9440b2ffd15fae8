#include "coffer/testing/sweep/cancel_sweep.h"

#include <boost/asio/post.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coffer/testing/fault/fault_plan.h"
#include "coffer/testing/fault/replay_flag.h"
#include "coffer/testing/sweep/sweep_driver.h"
#include "gtest/gtest.h"

namespace coffer_testing {

namespace asio = boost::asio;
using asio::cancellation_type;

CancelPoint::CancelPoint(uint64_t at, cancellation_type type,
                         std::function<void()> on_operation)
    : at_(at),
      type_(type),
      on_operation_(std::move(on_operation)),
      injector_(std::make_shared<FaultInjector>(FaultPlan())),
      signal_(std::make_shared<asio::cancellation_signal>()) {
  injector_->OnInitiation([this](uint64_t) { OnInitiation(); });
}

// The injector may live on.
CancelPoint::~CancelPoint() { injector_->OnInitiation(nullptr); }

asio::cancellation_slot CancelPoint::slot(asio::io_context& io,
                                          std::source_location where) {
  if (io_ != nullptr) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "CancelPoint: slot() called twice in a run, for one flow";
  }
  io_ = &io;
  return signal_->slot();
}

void CancelPoint::OnInitiation() {
  if (io_ == nullptr) return;
  on_operation_();
  if (operations_++ != at_) return;
  fired_ = true;
  asio::post(*io_, [signal = signal_, type = type_] { signal->emit(type); });
}

namespace {

std::string ToString(cancellation_type type) {
  switch (type) {
    case cancellation_type::terminal:
      return "terminal";
    case cancellation_type::partial:
      return "partial";
    case cancellation_type::total:
      return "total";
    default:
      // Several in one.
      return absl::StrCat(static_cast<unsigned>(type));
  }
}

}  // namespace

void CancelTally::Count(const CancelPoint& cancel, bool cancelled) {
  cancelled_[cancel.type()] += cancelled ? 1 : 0;
}

void CancelTally::ExpectSomeOfEach(std::source_location where) const {
  if (ReplayFlag("cancel")) return;
  for (const auto& [type, cancelled] : cancelled_) {
    if (cancelled > 0) continue;
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "CancelTally: no run has ended as cancelled by " << ToString(type)
        << " cancellation: is it ignored?";
  }
  if (!cancelled_.empty()) return;
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
      << "CancelTally: no run was counted";
}

namespace internal {

class CancelSweeper {
 public:
  using Fn = absl::FunctionRef<void(CancelPoint&)>;

  CancelSweeper(Fn fn, const CancelSweepOptions& options,
                std::source_location where)
      : fn_(fn),
        driver_({.sweep = "CancelSweep",
                 .flag = "cancel",
                 .steps = "operations",
                 .steps_max = options.operations_max,
                 .where = where}) {}

  SweepReport Sweep(const std::vector<cancellation_type>& types) {
    if (const std::optional<std::string> replay = driver_.Replay()) {
      Replay(*replay);
      return report_;
    }
    std::vector<cancellation_type> left = types;
    for (uint64_t n = 0; !left.empty(); ++n) {
      for (auto type = left.begin(); type != left.end();) {
        bool fired = false;
        if (!Run(n, *type, &fired)) return report_;
        type = fired ? type + 1 : left.erase(type);
      }
    }
    if (driver_.steps() == 0) {
      driver_.Fail(
          "nothing was tested: no run has started an operation through its "
          "injector after a call of slot()");
    }
    return report_;
  }

 private:
  bool Run(uint64_t n, cancellation_type type, bool* fired) {
    CancelPoint point(n, type, [this] { driver_.CountStep(); });
    const bool passed =
        driver_.Run(absl::StrCat(n, ":", ToString(type)), [&] { fn_(point); });
    *fired = point.fired();
    ++report_.runs;
    if (*fired) ++report_.fired;
    if (!passed && !*fired) driver_.FailUndisturbed();
    return passed;
  }

  void Replay(const std::string& value) {
    const std::vector<std::string> parts = absl::StrSplit(value, ':');
    uint64_t n = 0;
    if (parts.size() == 2 && absl::SimpleAtoi(parts[0], &n)) {
      for (unsigned bits = 1; bits <= 7; ++bits) {
        const auto type = static_cast<cancellation_type>(bits);
        if (parts[1] != ToString(type)) continue;
        bool fired = false;
        Run(n, type, &fired);
        return;
      }
    }
    driver_.FailReplay(value, "not N:terminal, N:partial or N:total");
  }

  const Fn fn_;
  SweepDriver driver_;
  SweepReport report_;
};

}  // namespace internal

SweepReport CancelSweep(absl::FunctionRef<void(CancelPoint&)> fn,
                        const CancelSweepOptions& options,
                        std::source_location where) {
  return internal::CancelSweeper(fn, options, where).Sweep(options.types);
}

}  // namespace coffer_testing
