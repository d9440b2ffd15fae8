#include "coffer/testing/fault/fault_injector.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <utility>

#include "coffer/testing/fault/fault_state.h"
#include "coffer/testing/fault/mix.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using What = FaultPlan::Clause::What;

bool NeedsClock(const FaultPlan& plan) {
  return std::any_of(plan.clauses().begin(), plan.clauses().end(),
                     [](const FaultPlan::Clause& clause) {
                       return clause.what == What::kDelay ||
                              clause.what == What::kBandwidth;
                     });
}

// A reset is of both directions, whichever its bytes are counted in.
bool Concerns(const FaultPlan::Clause& clause, FaultOp kind) {
  return clause.kind == FaultOp::kAny || clause.kind == kind ||
         clause.what == What::kReset;
}

uint64_t Sum(const uint64_t (&counts)[2], FaultOp kind) {
  if (kind == FaultOp::kAny) return counts[0] + counts[1];
  return counts[static_cast<int>(kind)];
}

void Limit(uint64_t bytes, internal::FaultVerdict& verdict) {
  verdict.bytes_max =
      static_cast<size_t>(std::min<uint64_t>(verdict.bytes_max, bytes));
}

}  // namespace

FaultInjector::FaultInjector(FaultPlan plan, coffer::Clock* clock,
                             std::source_location where)
    : plan_(std::move(plan)), clock_(clock) {
  if (clock_ == nullptr && NeedsClock(plan_)) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "a fault plan with delays or bandwidth needs a clock: "
        << plan_.ToString();
  }
  for (const FaultPlan::Clause& clause : plan_.clauses()) {
    if (clause.what == What::kErrorWithData) error_with_data_ = true;
    if (clause.what == What::kBandwidth) bandwidth_ = clause.n;
  }
}

FaultInjector::~FaultInjector() = default;

bool FaultInjector::fired() const {
  std::lock_guard lock(mutex_);
  return fired_;
}

uint64_t FaultInjector::operations(FaultOp kind) const {
  std::lock_guard lock(mutex_);
  return Sum(operations_, kind);
}

uint64_t FaultInjector::bytes(FaultOp kind) const {
  std::lock_guard lock(mutex_);
  return Sum(bytes_, kind);
}

void FaultInjector::Release() {
  std::vector<std::weak_ptr<internal::FaultState>> streams;
  {
    std::lock_guard lock(mutex_);
    released_ = true;
    streams = streams_;
  }
  for (const auto& stream : streams) {
    if (const auto alive = stream.lock()) alive->GoOn();
  }
}

void FaultInjector::OnInitiation(std::function<void(uint64_t)> callback) {
  std::lock_guard lock(mutex_);
  on_initiation_ = std::move(callback);
}

void FaultInjector::Add(std::weak_ptr<internal::FaultState> stream) {
  std::lock_guard lock(mutex_);
  std::erase_if(streams_, [](const auto& one) { return one.expired(); });
  streams_.push_back(std::move(stream));
}

internal::FaultVerdict FaultInjector::Start(FaultOp kind, size_t asked) {
  std::function<void(uint64_t)> callback;
  uint64_t number = 0;
  {
    std::lock_guard lock(mutex_);
    callback = on_initiation_;
    number = operations_[0] + operations_[1];
  }
  // Without the lock: it may ask us something.
  if (callback) callback(number);

  std::lock_guard lock(mutex_);
  internal::FaultVerdict verdict{.bytes_max = asked};
  for (const FaultPlan::Clause& clause : plan_.clauses()) {
    if (Concerns(clause, kind)) Apply(clause, kind, asked, number, verdict);
  }
  ++operations_[static_cast<int>(kind)];
  if (verdict.error) verdict.stall = false;
  if (verdict.error || verdict.stall) fired_ = true;
  return verdict;
}

void FaultInjector::Apply(const FaultPlan::Clause& clause, FaultOp kind,
                          size_t asked, uint64_t number,
                          internal::FaultVerdict& verdict) {
  const uint64_t moved = bytes_[static_cast<int>(kind)];
  const uint64_t of_kind = operations_[static_cast<int>(kind)];
  const uint64_t n = clause.kind == FaultOp::kAny ? number : of_kind;
  const uint64_t passed = Sum(bytes_, clause.kind);
  switch (clause.what) {
    case What::kSplit:
      Limit(clause.split.Limit(of_kind, moved, asked), verdict);
      break;
    case What::kFail:
      if (n == clause.n ||
          (n > clause.n && clause.mode == FaultMode::kSticky)) {
        verdict.error = clause.error;
        verdict.with_data = error_with_data_;
      }
      break;
    case What::kEof:
      Limit(std::max<uint64_t>(clause.n, moved) - moved, verdict);
      if (moved >= clause.n) verdict.error = boost::asio::error::eof;
      break;
    case What::kReset:
      if (clause.kind == FaultOp::kAny || clause.kind == kind) {
        Limit(std::max<uint64_t>(clause.n, passed) - passed, verdict);
      }
      if (passed >= clause.n) {
        verdict.error = boost::asio::error::connection_reset;
        verdict.reset = true;
      }
      break;
    case What::kStall:
      verdict.stall |= !released_ && n == clause.n;
      break;
    case What::kStallAll:
      verdict.stall |= !released_;
      break;
    case What::kDelay: {
      const auto span =
          static_cast<uint64_t>((clause.max - clause.min).count());
      const uint64_t chance = internal::Mix(clause.n, number);
      const uint64_t part = span == UINT64_MAX ? chance : chance % (span + 1);
      verdict.delay += clause.min + FaultPlan::Duration(part);
      break;
    }
    case What::kBandwidth:
      Limit(std::max<uint64_t>(clause.n / 100, 1), verdict);
      break;
    case What::kCorrupt:
      if (clause.n >= moved && clause.n - moved < asked) {
        verdict.corruptions.push_back(
            {static_cast<size_t>(clause.n - moved), clause.bits});
      }
      break;
    case What::kErrorWithData:
      break;
  }
}

void FaultInjector::Moved(FaultOp kind, size_t bytes,
                          internal::FaultVerdict& verdict) {
  std::lock_guard lock(mutex_);
  bytes_[static_cast<int>(kind)] += bytes;
  for (const auto& corruption : verdict.corruptions) {
    if (corruption.index < bytes) fired_ = true;
  }
  if (!error_with_data_ || verdict.error) return;
  for (const FaultPlan::Clause& clause : plan_.clauses()) {
    if (!Concerns(clause, kind) || Sum(bytes_, clause.kind) < clause.n) {
      continue;
    }
    if (clause.what == What::kEof) {
      verdict.error = boost::asio::error::eof;
    } else if (clause.what == What::kReset) {
      verdict.error = boost::asio::error::connection_reset;
      verdict.reset = true;
    } else {
      continue;
    }
    fired_ = true;
    return;
  }
}

}  // namespace coffer_testing
