// Those that are wrong about conditions, choices, changes, and groups that
// fail.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/testing/storage/wrapped_storage.h"
#include "coffer/testing/storage/wrong_storages.h"

namespace coffer_testing {
namespace {

using ::coffer::server::Batch;
using ::coffer::server::Branch;
using ::coffer::server::Condition;
using ::coffer::server::Op;
using ::coffer::server::OpKind;
using ::coffer::server::SharedBytes;

// Executes other operations than it was given.
class Misreads : public WrappedStorage {
 public:
  explicit Misreads(void (*misread)(Op&)) : misread_(misread) {}

 private:
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) misread_(op);
    Execute(batch);
  }
  void (*const misread_)(Op&);
};

void ForgetCondition(Op& op) {
  if (op.kind != OpKind::kCompare) op.condition = {};
}
void ForgetComparison(Op& op) {
  if (op.kind == OpKind::kCompare) op.condition = {};
}
void ForgetBranch(Op& op) { op.branch = Branch::kAlways; }
void ForgetGroup(Op& op) {
  if (op.kind != OpKind::kCompare) op.group = 0;
}
void CountInsteadOfDrop(Op& op) {
  if (op.kind == OpKind::kDropTable) op.kind = OpKind::kCountKeys;
}

// Tells other results than there were.
class Misreports : public WrappedStorage {
 public:
  explicit Misreports(void (*misreport)(Op&)) : misreport_(misreport) {}

 private:
  void Change(Batch& batch) override {
    Execute(batch);
    for (Op& op : batch.ops()) misreport_(op);
  }
  void (*const misreport_)(Op&);
};

void LoseVersionOfDelete(Op& op) {
  if (op.kind == OpKind::kDelete) op.version = 0;
}
void LoseValueOfFailure(Op& op) {
  if (!op.status.ok()) op.value_out = SharedBytes();
}
void LoseChangedValue(Op& op) {
  if (op.kind == OpKind::kChange) op.value_out = SharedBytes();
}

// Where a change was refused, the key goes.
class RefusalDeletes : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      ExecuteAlone(op);
      if (op.kind != OpKind::kChange || op.status.ok()) continue;
      Batch remove;
      remove.Delete(op.table, op.key);
      Execute(remove);
    }
  }
};

// A page of no entries is taken for one of one.
class TakesEmptyPages : public WrappedStorage {
  void Change(Batch& batch) override {
    const coffer::server::PageRange page{.limit = 1};
    for (Op& op : batch.ops()) {
      if (op.page != nullptr && op.page->limit == 0) op.page = &page;
    }
    Execute(batch);
  }
};

// Executes a group as it goes and undoes it by writing what was there.
class UndoesByWriting : public WrappedStorage {
  void Change(Batch& batch) override {
    const absl::Span<Op> ops = batch.ops();
    for (size_t begin = 0; begin < ops.size();) {
      const size_t count = coffer::server::UnitEnd(ops, begin) - begin;
      ExecuteUnit(ops.subspan(begin, count));
      begin += count;
    }
  }
  void ExecuteUnit(absl::Span<Op> unit) {
    if (unit.size() == 1) return ExecuteAlone(unit[0]);
    std::vector<Op> before;
    for (size_t i = 0; i < unit.size(); ++i) {
      before.push_back(Read(unit[i]));
      ExecuteAlone(unit[i]);
      LetOthersRun();
      if (unit[i].status.ok()) continue;
      coffer::server::FailUnit(unit, i);
      while (!before.empty()) {
        const Op& op = before.back();
        Batch undo;
        if (op.found) {
          undo.Set(op.table, op.key, op.value_out.view());
        } else {
          undo.Delete(op.table, op.key);
        }
        Execute(undo);
        before.pop_back();
      }
      return;
    }
  }
};

// Reads, changes, and writes, each on its own.
class ChangesInThreeSteps : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      if (op.kind != OpKind::kChange) {
        ExecuteAlone(op);
        continue;
      }
      const Op read = Read(op);
      absl::optional<absl::string_view> present;
      if (read.found) present = read.value_out.view();
      std::string changed;
      op.status = op.change->Apply(present, {}, &changed);
      LetOthersRun();
      Batch write;
      write.Set(op.table, op.key, changed);
      Execute(write);
    }
  }
};

// Looks at the condition, and then writes.
class LooksThenWrites : public WrappedStorage {
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      const Op read = Read(op);
      if (op.kind == OpKind::kSet && !Holds(op, read.version, "")) {
        op.status = coffer::server::ConditionFailed(op, read.version);
        continue;
      }
      if (op.kind == OpKind::kSet) LetOthersRun();
      op.condition = {};
      ExecuteAlone(op);
    }
  }
};

}  // namespace

std::vector<WrongStorage> WrongAboutOperations() {
  return {
      Wrong<Misreads>("ForgetsConditions", "ConditionHoldsOrNothingIsDone",
                      "want FAILED_PRECONDITION", ForgetCondition),
      Wrong<Misreads>("WritesWhateverTheModelDoes", "SameResultsAsTheModel",
                      "model:", ForgetCondition),
      Wrong<Misreads>("ForgetsComparisons", "GroupChooses", "comparison ",
                      ForgetComparison),
      Wrong<Misreads>("TakesBothBranches", "GroupChooses", "is skipped",
                      ForgetBranch),
      Wrong<Misreads>("UndoesNothing", "FailedConditionFailsItsGroup",
                      "left something behind", ForgetGroup),
      Wrong<Misreads>("DropsNoTable", "TableIsDropped",
                      "a key of a dropped table is there", CountInsteadOfDrop),
      Wrong<Misreads>("ChangesAlone", "ChangeSeesItsGroup",
                      "got \"absent+0\", want \"absent+3\"", ForgetGroup),
      Wrong<Misreports>("DeleteWithoutVersion", "DeletesHaveVersions",
                        "a delete has a version", LoseVersionOfDelete),
      Wrong<Misreports>("FailsWithoutValue", "ConditionHoldsOrNothingIsDone",
                        "has the value that is there", LoseValueOfFailure),
      Wrong<Misreports>("ChangesWithoutResult", "ChangeSeesWhatIsThere",
                        "the result of a change", LoseChangedValue),
      Wrong<RefusalDeletes>("RefusalDeletes", "FailedChangeDoesNothing",
                            "value after a change that was refused"),
      Wrong<TakesEmptyPages>("TakesEmptyPages", "WhatCannotBeExecuted",
                             "that cannot be executed"),
      Wrong<UndoesByWriting>("UndoesByWriting", "LateFailureUndoesTheGroup",
                             "was not undone"),
      Wrong<UndoesByWriting>("FailureIsSeen", "FailedGroupIsNeverSeen",
                             "was seen"),
      Wrong<ChangesInThreeSteps>("ChangesInThreeSteps", "IncrementsAreNotLost",
                                 "increments by three threads"),
      Wrong<LooksThenWrites>("LooksThenWrites", "ConditionsAreAtomic",
                             "conditional writes by two threads"),
  };
}

}  // namespace coffer_testing
