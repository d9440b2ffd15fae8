#include "coffer/testing/fault/fault_plan.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "coffer/testing/fault/error_names.h"
#include "coffer/testing/fault/replay_flag.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using Clause = FaultPlan::Clause;
using What = FaultPlan::Clause::What;

constexpr const char* kKindNames[] = {"read", "write", "any"};
constexpr absl::string_view kErrorWithData = "error_with_data";

const char* Name(FaultOp kind) { return kKindNames[static_cast<int>(kind)]; }

std::string Text(FaultPlan::Duration duration) {
  return absl::FormatDuration(absl::FromChrono(duration));
}

std::string Text(const Clause& clause) {
  const std::string of = absl::StrCat(Name(clause.kind), ":");
  switch (clause.what) {
    case What::kSplit:
      return absl::StrCat(of, "split=", clause.split.ToString());
    case What::kFail:
      return absl::StrCat(
          of, "fail=", clause.n, ":", internal::ErrorName(clause.error), ":",
          clause.mode == FaultMode::kSticky ? "sticky" : "one_shot");
    case What::kEof:
      return absl::StrCat(of, "eof=", clause.n);
    case What::kReset:
      return absl::StrCat(of, "reset=", clause.n);
    case What::kStall:
      return absl::StrCat(of, "stall=", clause.n);
    case What::kStallAll:
      return absl::StrCat(of, "stall=all");
    case What::kDelay:
      return absl::StrCat(of, "delay=", Text(clause.min), ":", Text(clause.max),
                          ":", clause.n);
    case What::kBandwidth:
      return absl::StrCat(of, "bandwidth=", clause.n);
    case What::kCorrupt:
      return absl::StrCat(of, "corrupt=", clause.n, ":0x",
                          absl::Hex(clause.bits, absl::kZeroPad2));
    case What::kErrorWithData:
      return std::string(kErrorWithData);
  }
  return "";
}

std::optional<FaultOp> ParseKind(absl::string_view text) {
  for (const FaultOp kind : {FaultOp::kRead, FaultOp::kWrite, FaultOp::kAny}) {
    if (text == Name(kind)) return kind;
  }
  return std::nullopt;
}

bool ParseDuration(absl::string_view text, FaultPlan::Duration* duration) {
  absl::Duration parsed;
  if (!absl::ParseDuration(text, &parsed)) return false;
  *duration = absl::ToChronoNanoseconds(parsed);
  return parsed >= absl::ZeroDuration() &&
         absl::FromChrono(*duration) == parsed;
}

bool ParseMode(absl::string_view text, FaultMode* mode) {
  *mode = text == "sticky" ? FaultMode::kSticky : FaultMode::kOneShot;
  return text == "sticky" || text == "one_shot";
}

bool ParseBits(absl::string_view text, uint8_t* bits) {
  uint32_t parsed = 0;
  if (!absl::SimpleHexAtoi(text, &parsed) || parsed == 0 || parsed > 0xff) {
    return false;
  }
  *bits = static_cast<uint8_t>(parsed);
  return true;
}

// Adds the clause "KIND:NAME=ARGUMENTS" to `plan`; says what is wrong with it.
absl::Status Add(FaultOp kind, absl::string_view name,
                 std::vector<absl::string_view> arguments, FaultPlan& plan) {
  if (arguments.empty()) arguments.emplace_back();
  const bool one = arguments.size() == 1;
  const bool three = arguments.size() == 3;
  uint64_t n = 0;
  const bool first_is_number = absl::SimpleAtoi(arguments[0], &n);
  const auto wrong = [](absl::string_view should) {
    return absl::InvalidArgumentError(should);
  };
  if (name == "split") {
    if (!one || kind == FaultOp::kAny) return wrong("read or write:split=HOW");
    absl::StatusOr<SplitPolicy> split = SplitPolicy::Parse(arguments[0]);
    if (!split.ok()) return split.status();
    kind == FaultOp::kRead ? plan.SplitReads(*std::move(split))
                           : plan.SplitWrites(*std::move(split));
  } else if (name == "fail") {
    FaultMode mode;
    if (!three || !first_is_number || !ParseMode(arguments[2], &mode)) {
      return wrong("KIND:fail=N:ERROR:one_shot or sticky");
    }
    const auto error = internal::ErrorNamed(arguments[1]);
    if (!error.ok()) return error.status();
    plan.FailAt(kind, n, *error, mode);
  } else if (name == "eof") {
    if (!one || !first_is_number || kind != FaultOp::kRead) {
      return wrong("read:eof=BYTES");
    }
    plan.EofAfterBytes(n);
  } else if (name == "reset") {
    if (!one || !first_is_number) return wrong("KIND:reset=BYTES");
    plan.ResetAfterBytes(kind, n);
  } else if (name == "stall" && one && arguments[0] == "all") {
    if (kind != FaultOp::kWrite) plan.StallReads();
    if (kind != FaultOp::kRead) plan.StallWrites();
  } else if (name == "stall") {
    if (!one || !first_is_number) return wrong("KIND:stall=N, or all");
    plan.StallAt(kind, n);
  } else if (name == "delay") {
    FaultPlan::Duration min, max;
    if (!three || kind != FaultOp::kAny || !ParseDuration(arguments[0], &min) ||
        !ParseDuration(arguments[1], &max) || max < min ||
        !absl::SimpleAtoi(arguments[2], &n)) {
      return wrong("any:delay=MIN:MAX:SEED, as any:delay=1ms:5ms:0");
    }
    plan.Delay(min, max, n);
  } else if (name == "bandwidth") {
    if (!one || !first_is_number || n == 0 || kind != FaultOp::kAny) {
      return wrong("any:bandwidth=BYTES_A_SECOND");
    }
    plan.Bandwidth(n);
  } else if (name == "corrupt") {
    uint8_t bits = 0;
    if (arguments.size() != 2 || !first_is_number ||
        !ParseBits(arguments[1], &bits)) {
      return wrong("KIND:corrupt=OFFSET:BITS, as read:corrupt=3:0x80");
    }
    plan.CorruptByte(kind, n, bits);
  } else {
    return wrong(
        "one of split, fail, eof, reset, stall, delay, bandwidth, corrupt");
  }
  return absl::OkStatus();
}

}  // namespace

FaultPlan& FaultPlan::SplitReads(SplitPolicy policy) {
  clauses_.push_back({.what = What::kSplit,
                      .kind = FaultOp::kRead,
                      .split = std::move(policy)});
  return *this;
}

FaultPlan& FaultPlan::SplitWrites(SplitPolicy policy) {
  clauses_.push_back({.what = What::kSplit,
                      .kind = FaultOp::kWrite,
                      .split = std::move(policy)});
  return *this;
}

FaultPlan& FaultPlan::FailAt(FaultOp kind, uint64_t n,
                             boost::system::error_code error, FaultMode mode) {
  clauses_.push_back({.what = What::kFail,
                      .kind = kind,
                      .n = n,
                      .error = error,
                      .mode = mode});
  return *this;
}

FaultPlan& FaultPlan::EofAfterBytes(uint64_t n) {
  clauses_.push_back({.what = What::kEof, .kind = FaultOp::kRead, .n = n});
  return *this;
}

FaultPlan& FaultPlan::ResetAfterBytes(FaultOp kind, uint64_t n) {
  clauses_.push_back({.what = What::kReset, .kind = kind, .n = n});
  return *this;
}

FaultPlan& FaultPlan::StallAt(FaultOp kind, uint64_t n) {
  clauses_.push_back({.what = What::kStall, .kind = kind, .n = n});
  return *this;
}

FaultPlan& FaultPlan::StallReads() {
  clauses_.push_back({.what = What::kStallAll, .kind = FaultOp::kRead});
  return *this;
}

FaultPlan& FaultPlan::StallWrites() {
  clauses_.push_back({.what = What::kStallAll, .kind = FaultOp::kWrite});
  return *this;
}

FaultPlan& FaultPlan::Delay(Duration min, Duration max, uint64_t seed) {
  min = std::max(min, Duration::zero());
  clauses_.push_back(
      {.what = What::kDelay, .n = seed, .min = min, .max = std::max(min, max)});
  return *this;
}

FaultPlan& FaultPlan::Bandwidth(uint64_t bytes_per_second) {
  clauses_.push_back(
      {.what = What::kBandwidth, .n = std::max<uint64_t>(bytes_per_second, 1)});
  return *this;
}

FaultPlan& FaultPlan::CorruptByte(FaultOp kind, uint64_t offset, uint8_t bits) {
  clauses_.push_back(
      {.what = What::kCorrupt, .kind = kind, .n = offset, .bits = bits});
  return *this;
}

FaultPlan& FaultPlan::ErrorWithData() {
  clauses_.push_back({.what = What::kErrorWithData});
  return *this;
}

std::string FaultPlan::ToString() const {
  return absl::StrJoin(clauses_, ";", [](std::string* out, const Clause& one) {
    absl::StrAppend(out, Text(one));
  });
}

absl::StatusOr<FaultPlan> FaultPlan::Parse(absl::string_view text) {
  FaultPlan plan;
  if (text.empty()) return plan;
  for (const absl::string_view clause : absl::StrSplit(text, ';')) {
    if (clause == kErrorWithData) {
      plan.ErrorWithData();
      continue;
    }
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(clause, absl::MaxSplits(':', 1));
    const std::pair<absl::string_view, absl::string_view> rest =
        absl::StrSplit(halves.second, absl::MaxSplits('=', 1));
    const std::optional<FaultOp> kind = ParseKind(halves.first);
    const absl::Status added =
        kind ? Add(*kind, rest.first, absl::StrSplit(rest.second, ':'), plan)
             : absl::InvalidArgumentError(
                   "it begins with none of read:, write:, any:");
    if (!added.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", clause, "\" is no clause of a fault plan: ", added.message()));
    }
  }
  return plan;
}

FaultPlan FaultPlanFromFlag(FaultPlan otherwise) {
  const std::optional<std::string> flag = ReplayFlag("fault");
  if (!flag) return otherwise;
  absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(*flag);
  if (plan.ok()) return *std::move(plan);
  ADD_FAILURE() << "--fault: " << plan.status().message();
  return otherwise;
}

}  // namespace coffer_testing
