#include "coffer/testing/storage/storage_conformance.h"

#include <memory>
#include <utility>

#include "coffer/testing/storage/checks.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using ::coffer::server::Capabilities;

bool Always(const Capabilities&) { return true; }
bool IfDurable(const Capabilities& c) { return c.durable; }
bool IfAtomic(const Capabilities& c) { return c.atomic_across_keys; }
bool IfOrdered(const Capabilities& c) { return c.ordered_scan; }
bool IfTelling(const Capabilities& c) { return c.tells_changes; }

constexpr bool kNeedsClock = true;

constexpr StorageCheck kChecks[] = {
    {"SetThenGet", Always, CheckSetThenGet},
    {"AbsentNames", Always, CheckAbsentNames},
    {"EmptyValueIsNotAbsent", Always, CheckEmptyValueIsNotAbsent},
    {"PreviousValue", Always, CheckPreviousValue},
    {"ReadsSeeEarlierWrites", Always, CheckReadsSeeEarlierWrites},
    {"ViewsAreNotKept", Always, CheckViewsAreNotKept},
    {"ResultsStayAsTheyWere", Always, CheckResultsStayAsTheyWere},
    {"LargeValue", Always, CheckLargeValue},
    {"LargeBatch", Always, CheckLargeBatch},
    {"VersionsAreUnique", Always, CheckVersionsAreUnique},
    {"DeletesHaveVersions", Always, CheckDeletesHaveVersions},
    {"NamesAreAnyBytes", Always, CheckNamesAreAnyBytes},
    {"TableHasItsKeys", Always, CheckTableHasItsKeys},
    {"TableLivesUntilItsLastKey", Always, CheckTableLivesUntilItsLastKey},
    {"ReadsCreateNothing", Always, CheckReadsCreateNothing},
    {"TableOverTheLimit", Always, CheckTableOverTheLimit},
    {"TableInOrder", IfOrdered, CheckTableInOrder},
    {"DataOutlivesTheStore", IfDurable, CheckDataOutlivesTheStore},
    {"TablesInPages", Always, CheckTablesInPages},
    {"TablesKnowWhatTheyHave", Always, CheckTablesKnowWhatTheyHave},
    {"TableIsDropped", Always, CheckTableIsDropped},
    {"TableIsRenamed", Always, CheckTableIsRenamed},
    {"TablesOutliveTheStore", IfDurable, CheckTablesOutliveTheStore},
    {"ScanInPages", Always, CheckScanInPages},
    {"ScanHasItsRange", Always, CheckScanHasItsRange},
    {"ScanPagesAreBounded", Always, CheckScanPagesAreBounded},
    {"ScanWhileTheTableChanges", Always, CheckScanWhileTheTableChanges},
    {"ScanBesideWriters", Always, CheckScanBesideWriters},
    {"CursorsAreAnyBytes", Always, CheckCursorsAreAnyBytes},
    {"GroupKeepsItsOrder", Always, CheckGroupKeepsItsOrder},
    {"FailedGroupDoesNothing", Always, CheckFailedGroupDoesNothing},
    {"FailedItemLeavesTheOthers", Always, CheckFailedItemLeavesTheOthers},
    {"LateFailureUndoesTheGroup", Always, CheckLateFailureUndoesTheGroup},
    {"WhatCannotBeExecuted", Always, CheckWhatCannotBeExecuted},
    {"ConditionHoldsOrNothingIsDone", Always,
     CheckConditionHoldsOrNothingIsDone},
    {"FailedConditionFailsItsGroup", Always, CheckFailedConditionFailsItsGroup},
    {"GroupChooses", Always, CheckGroupChooses},
    {"ChangeSeesWhatIsThere", Always, CheckChangeSeesWhatIsThere},
    {"ChangeSeesItsGroup", Always, CheckChangeSeesItsGroup},
    {"FailedChangeDoesNothing", Always, CheckFailedChangeDoesNothing},
    {"ExpiryIsSetKeptAndCleared", Always, CheckExpiryIsSetKeptAndCleared,
     kNeedsClock},
    {"PastExpiryIsADelete", Always, CheckPastExpiryIsADelete, kNeedsClock},
    {"ExpiredIsAbsent", Always, CheckExpiredIsAbsent, kNeedsClock},
    {"ExpiredTableIsNone", Always, CheckExpiredTableIsNone, kNeedsClock},
    {"TimeDoesNotGoBack", Always, CheckTimeDoesNotGoBack, kNeedsClock},
    {"ExpiryOutlivesTheStore", IfDurable, CheckExpiryOutlivesTheStore,
     kNeedsClock},
    {"NotesGoWithTheirGroup", IfDurable, CheckNotesGoWithTheirGroup},
    {"NotesAreGivenInOrder", IfDurable, CheckNotesAreGivenInOrder},
    {"ChangesAreTold", IfTelling, CheckChangesAreTold},
    {"ToldChangesGiveTheTable", IfTelling, CheckToldChangesGiveTheTable},
    {"GroupsAreToldTogether", IfTelling, CheckGroupsAreToldTogether},
    {"ExpiryIsTold", IfTelling, CheckExpiryIsTold, kNeedsClock},
    {"GroupIsSeenWhole", IfAtomic, CheckGroupIsSeenWhole},
    {"GroupOfDeletesIsSeenWhole", IfAtomic, CheckGroupOfDeletesIsSeenWhole},
    {"OverlappingGroupsFinish", IfAtomic, CheckOverlappingGroupsFinish},
    {"WritesOfAKeyFormOneChain", Always, CheckWritesOfAKeyFormOneChain},
    {"ReadsOfAKeyNeverGoBack", Always, CheckReadsOfAKeyNeverGoBack},
    {"VersionsAreUniqueAcrossThreads", Always,
     CheckVersionsAreUniqueAcrossThreads},
    {"LastKeyRacesWithWriters", Always, CheckLastKeyRacesWithWriters},
    {"IncrementsAreNotLost", Always, CheckIncrementsAreNotLost},
    {"ConditionsAreAtomic", Always, CheckConditionsAreAtomic},
    {"GroupOverTablesThatComeAndGo", IfAtomic,
     CheckGroupOverTablesThatComeAndGo},
    {"FailedGroupIsNeverSeen", IfAtomic, CheckFailedGroupIsNeverSeen},
    {"TableIsSeenWhole", IfAtomic, CheckTableIsSeenWhole},
    {"CountsStayExact", Always, CheckCountsStayExact},
    {"SameResultsAsTheModel", Always, CheckSameResultsAsTheModel},
    {"SameResultsAsTheModelInTime", Always, CheckSameResultsAsTheModelInTime,
     kNeedsClock},
};

class ConformanceTest : public ::testing::Test {
 public:
  ConformanceTest(const StorageCheck& check,
                  std::shared_ptr<const StorageUnderTest> engine)
      : check_(check), engine_(std::move(engine)) {}

  void TestBody() override {
    if (!check_.applies(engine_->open()->capabilities())) {
      GTEST_SKIP() << engine_->name << " does not declare what this checks";
    }
    if (check_.needs_clock && engine_->clock == nullptr) {
      GTEST_SKIP() << engine_->name << " has a clock of its own";
    }
    for (const std::string& failure : RunStorageCheck(check_, *engine_)) {
      ADD_FAILURE() << failure;
    }
  }

 private:
  const StorageCheck& check_;
  const std::shared_ptr<const StorageUnderTest> engine_;
};

}  // namespace

absl::Span<const StorageCheck> StorageChecks() { return kChecks; }

std::vector<std::string> RunStorageCheck(const StorageCheck& check,
                                         const StorageUnderTest& engine) {
  CheckReport report;
  {
    StorageDriver driver(engine, report);
    check.run(driver);
  }  // closing the store is part of the check
  return report.failures();
}

bool RegisterStorageConformance(StorageUnderTest engine) {
  auto shared = std::make_shared<const StorageUnderTest>(std::move(engine));
  const std::string suite = shared->name + "Conformance";
  for (const StorageCheck& check : kChecks) {
    auto make = [&check, shared]() -> ConformanceTest* {
      return new ConformanceTest(check, shared);
    };
    ::testing::RegisterTest(suite.c_str(), std::string(check.name).c_str(),
                            nullptr, nullptr, __FILE__, __LINE__, make);
  }
  return true;
}

}  // namespace coffer_testing
