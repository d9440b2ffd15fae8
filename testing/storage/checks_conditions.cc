// Conditions, alone and in groups, and groups that choose.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/testing/storage/checks.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Branch;
using ::coffer::server::Condition;
using ::coffer::server::Op;
using ::coffer::server::OpKind;
using Kind = Condition::Kind;

namespace {

// Said once more, and not by the engines' own function: of a key at `version`,
// 0 if it is absent.
bool ShouldHold(const Condition& condition, uint64_t version) {
  const bool present = version != 0;
  const bool less = version < condition.version;
  const bool greater = version > condition.version;
  switch (condition.kind) {
    case Kind::kAbsent:
      return !present;
    case Kind::kPresent:
      return present;
    case Kind::kVersionEqual:
      return !less && !greater;
    case Kind::kVersionNotEqual:
      return less || greater;
    case Kind::kVersionLess:
      return less;
    case Kind::kVersionGreater:
      return greater;
    default:
      return true;
  }
}

// Conditions of each kind beside a key at `version`.
std::vector<Condition> ConditionsBeside(uint64_t version) {
  std::vector<Condition> conditions = {{}, {Kind::kAbsent}, {Kind::kPresent}};
  for (const Kind kind : {Kind::kVersionEqual, Kind::kVersionNotEqual,
                          Kind::kVersionLess, Kind::kVersionGreater}) {
    conditions.push_back({kind, version});
    conditions.push_back({kind, version + 1});
    if (version > 0) conditions.push_back({kind, version - 1});
  }
  return conditions;
}

size_t Add(Batch& batch, OpKind kind, const char* value) {
  switch (kind) {
    case OpKind::kSet:
      return batch.Set("t", "k", value, /*want_previous=*/true);
    case OpKind::kDelete:
      return batch.Delete("t", "k", /*want_previous=*/true);
    default:
      return batch.Expire("t", "k", {});
  }
}

// The key's version then, 0 if it is absent.
uint64_t MakeKey(StorageDriver& driver, bool present) {
  if (present) return driver.Set("t", "k", "before").version;
  driver.Delete("t", "k");
  return 0;
}

void ExpectDone(StorageDriver& driver, const std::string& what, const Op& op,
                uint64_t version) {
  CheckReport& report = driver.report();
  report.ExpectCode(what, op.status, absl::StatusCode::kOk);
  report.ExpectEqual(absl::StrCat(what, ": found"), op.found, version != 0);
  const bool writes = op.kind == OpKind::kSet || version != 0;
  report.ExpectEqual(absl::StrCat(what, ": has a new version"),
                     op.version > version, writes);
  if (op.kind != OpKind::kExpire) {
    report.ExpectEqual(absl::StrCat(what, ": version before"),
                       op.previous_version, version);
    report.ExpectEqual(absl::StrCat(what, ": value before"),
                       op.value_out.view(), version == 0 ? "" : "before");
  }
  const bool there =
      op.kind == OpKind::kSet || (op.kind == OpKind::kExpire && version != 0);
  driver.ExpectValue(
      "t", "k",
      there ? (op.kind == OpKind::kSet ? "after" : "before") : nullptr);
  report.ExpectEqual(absl::StrCat(what, ": version afterwards"),
                     driver.Get("t", "k").version, there ? op.version : 0);
}

void ExpectNothingDone(StorageDriver& driver, const std::string& what,
                       const Op& op, uint64_t version) {
  CheckReport& report = driver.report();
  report.ExpectCode(what, op.status, absl::StatusCode::kFailedPrecondition);
  report.Expect(!op.outcome_unknown, "the outcome of a refusal is known");
  report.ExpectEqual(absl::StrCat(what, ": found of what is there"), op.found,
                     version != 0);
  report.ExpectEqual(absl::StrCat(what, ": version of what is there"),
                     op.version, version);
  report.ExpectEqual(absl::StrCat(what, ": has the value that is there"),
                     static_cast<bool>(op.value_out), version != 0);
  report.ExpectEqual(absl::StrCat(what, ": value that is there"),
                     op.value_out.view(), version == 0 ? "" : "before");
  const Op after = driver.Get("t", "k");
  report.ExpectEqual(absl::StrCat(what, ": version after a refusal"),
                     after.version, version);
  report.ExpectEqual(absl::StrCat(what, ": value after a refusal"),
                     after.value_out.view(), version == 0 ? "" : "before");
}

}  // namespace

void CheckConditionHoldsOrNothingIsDone(StorageDriver& driver) {
  for (const OpKind kind : {OpKind::kSet, OpKind::kDelete, OpKind::kExpire}) {
    for (const bool present : {false, true}) {
      const size_t conditions =
          ConditionsBeside(MakeKey(driver, present)).size();
      for (size_t i = 0; i < conditions; ++i) {
        const uint64_t version = MakeKey(driver, present);
        const Condition condition = ConditionsBeside(version)[i];
        Batch batch;
        batch.op(Add(batch, kind, "after")).condition = condition;
        driver.Run(batch);
        const std::string what =
            absl::StrCat("operation of kind ", static_cast<int>(kind),
                         " with condition ", static_cast<int>(condition.kind),
                         " ", condition.version, " on a key at ", version);
        if (ShouldHold(condition, version)) {
          ExpectDone(driver, what, batch.op(0), version);
        } else {
          ExpectNothingDone(driver, what, batch.op(0), version);
        }
      }
    }
  }
}

void CheckFailedConditionFailsItsGroup(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const uint64_t version = driver.Set("t", "k", "before").version;
  driver.Set("u", "other", "x");
  driver.Set("alone", "k", "x");
  const std::string before = driver.Contents();
  constexpr size_t kOthers = 5;
  // The one that fails is the first, the last, and each between.
  for (size_t failing = 0; failing <= kOthers; ++failing) {
    Batch batch;
    batch.Get("t", "k");  // one before that is not of the group
    const uint32_t group = batch.NewGroup();
    for (size_t i = 0; i <= kOthers; ++i) {
      if (i == failing) {
        const size_t op = batch.Set("t", "k", "after", false, group);
        batch.op(op).condition = {Kind::kVersionEqual, version + 1000};
      }
      if (i == 0) batch.Set("new", "k", "v", false, group);
      if (i == 1) batch.Set("u", "other", "y", true, group);
      if (i == 2) batch.Delete("alone", "k", true, group);
      if (i == 3) batch.Get("u", "other", group);
      if (i == 4) batch.Set("u", "third", "z", false, group);
    }
    driver.Run(batch);
    const size_t failed = 1 + failing;
    for (size_t i = 1; i < batch.size(); ++i) {
      const Op& op = batch.op(i);
      const std::string what = absl::StrCat(
          "operation ", i, " of a group of which ", failed, " has failed");
      if (i == failed) {
        report.ExpectCode(what, op.status,
                          absl::StatusCode::kFailedPrecondition);
        report.ExpectEqual(absl::StrCat(what, ": version of what is there"),
                           op.version, version);
        report.ExpectEqual(absl::StrCat(what, ": value that is there"),
                           op.value_out.view(), "before");
        continue;
      }
      report.ExpectCode(what, op.status, absl::StatusCode::kAborted);
      report.Expect(!op.found && op.version == 0 && !op.value_out,
                    absl::StrCat(what, ": it has a result"));
    }
    report.Expect(batch.op(0).status.ok(), "the operation before the group");
    const std::string after = driver.Contents();
    report.Expect(after == before,
                  absl::StrCat("a group that failed left something behind:\n",
                               after, "before it:\n", before));
    driver.ExpectCounts(3, 3);
  }
}

namespace {

struct Comparison {
  Condition::Kind kind;
  const char* key;
  const char* value;
  bool holds;
};

void CheckComparisons(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const uint64_t version = driver.Set("t", "k", "1").version;
  driver.Set("t", "empty", "");
  const Comparison comparisons[] = {
      {Kind::kValueEqual, "k", "1", true},
      {Kind::kValueEqual, "k", "", false},
      {Kind::kValueEqual, "k", "11", false},
      {Kind::kValueNotEqual, "k", "1", false},
      {Kind::kValueNotEqual, "k", "2", true},
      {Kind::kValueEqual, "empty", "", true},
      // What is absent is equal to nothing.
      {Kind::kValueEqual, "absent", "", false},
      {Kind::kValueNotEqual, "absent", "", true},
      {Kind::kPresent, "k", "", true},
      {Kind::kPresent, "absent", "", false},
      {Kind::kAbsent, "absent", "", true},
      {Kind::kVersionGreater, "absent", "", false},
      {Kind::kVersionLess, "k", "", false},
  };
  for (const Comparison& comparison : comparisons) {
    Batch batch;
    const uint32_t group = batch.NewGroup();
    batch.Compare("t", comparison.key, {comparison.kind}, comparison.value,
                  group);
    batch.op(batch.Get("t", "k", group)).branch = Branch::kThen;
    batch.op(batch.Get("t", "k", group)).branch = Branch::kElse;
    driver.RunOk(batch);
    const std::string what =
        absl::StrCat("comparison ", static_cast<int>(comparison.kind), " of \"",
                     comparison.key, "\" with \"", comparison.value, "\"");
    report.ExpectEqual(what, batch.op(0).found, comparison.holds);
    report.ExpectEqual(absl::StrCat(what, ": version"), batch.op(0).version,
                       absl::string_view(comparison.key) == "absent"
                           ? 0
                           : driver.Get("t", comparison.key).version);
    const Op& then = batch.op(1);
    const Op& otherwise = batch.op(2);
    report.ExpectEqual(absl::StrCat(what, ": then is skipped"), then.skipped,
                       !comparison.holds);
    report.ExpectEqual(absl::StrCat(what, ": else is skipped"),
                       otherwise.skipped, comparison.holds);
    const Op& taken = comparison.holds ? then : otherwise;
    const Op& skipped = comparison.holds ? otherwise : then;
    report.ExpectEqual(absl::StrCat(what, ": version read"), taken.version,
                       version);
    report.Expect(!skipped.found && skipped.version == 0 && !skipped.value_out,
                  absl::StrCat(what, ": what was skipped has a result"));
  }
}

}  // namespace

void CheckGroupChooses(StorageDriver& driver) {
  CheckReport& report = driver.report();
  CheckComparisons(driver);
  for (const bool both : {true, false}) {
    driver.Set("t", "k", "1");
    driver.Delete("t", "made");
    Batch batch;
    const uint32_t group = batch.NewGroup();
    batch.Set("t", "k", "2", false, group);
    // They see what the group has written, and all of them have to hold.
    batch.Compare("t", "k", {Kind::kValueEqual}, "2", group);
    batch.Compare("t", "made", {both ? Kind::kAbsent : Kind::kPresent}, "",
                  group);
    const size_t then = batch.Set("t", "made", "then", false, group);
    const size_t otherwise = batch.Set("t", "made", "else", false, group);
    // Does not hold; not asked for if it is skipped.
    const size_t never = batch.Set("t", "k", "never", false, group);
    batch.op(never).condition = {Kind::kAbsent};
    const size_t always = batch.Get("t", "made", group);
    batch.op(then).branch = Branch::kThen;
    batch.op(otherwise).branch = Branch::kElse;
    batch.op(never).branch = both ? Branch::kElse : Branch::kThen;
    driver.RunOk(batch);
    const char* const made = both ? "then" : "else";
    report.ExpectEqual("what the group reads of its choice",
                       batch.op(always).value_out.view(), made);
    report.Expect(batch.op(never).skipped, "the other branch is skipped");
    driver.ExpectValue("t", "made", made);
    driver.ExpectValue("t", "k", "2");
    // The same failure in the branch that is taken fails the group.
    const std::string before = driver.Contents();
    Batch failing;
    const uint32_t next = failing.NewGroup();
    failing.Compare("t", "k", {Kind::kValueEqual}, both ? "2" : "3", next);
    failing.Set("t", "made", "changed", false, next);
    const size_t refused = failing.Set("t", "k", "never", false, next);
    failing.op(refused).branch = both ? Branch::kThen : Branch::kElse;
    failing.op(refused).condition = {Kind::kAbsent};
    driver.Run(failing);
    report.ExpectCode("a refusal in the branch that is taken",
                      failing.op(refused).status,
                      absl::StatusCode::kFailedPrecondition);
    report.ExpectCode("the comparison of a group that failed",
                      failing.op(0).status, absl::StatusCode::kAborted);
    report.Expect(driver.Contents() == before,
                  "a group that failed in its branch left something behind");
  }
}

}  // namespace coffer_testing
