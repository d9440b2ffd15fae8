// The checks of the conformance suite; storage_conformance.cc lists them. Each
// gets a new, empty store and reports what it finds through its driver.

#ifndef COFFER_TESTING_STORAGE_CHECKS_H_
#define COFFER_TESTING_STORAGE_CHECKS_H_

#include "coffer/testing/storage/storage_driver.h"

namespace coffer_testing {

// One key at a time.
void CheckSetThenGet(StorageDriver& driver);
void CheckAbsentNames(StorageDriver& driver);
void CheckEmptyValueIsNotAbsent(StorageDriver& driver);
void CheckPreviousValue(StorageDriver& driver);
void CheckReadsSeeEarlierWrites(StorageDriver& driver);
void CheckViewsAreNotKept(StorageDriver& driver);
void CheckResultsStayAsTheyWere(StorageDriver& driver);
void CheckLargeValue(StorageDriver& driver);
void CheckLargeBatch(StorageDriver& driver);
void CheckVersionsAreUnique(StorageDriver& driver);
void CheckDeletesHaveVersions(StorageDriver& driver);

// Names and tables.
void CheckNamesAreAnyBytes(StorageDriver& driver);
void CheckTableHasItsKeys(StorageDriver& driver);
void CheckTableLivesUntilItsLastKey(StorageDriver& driver);
void CheckReadsCreateNothing(StorageDriver& driver);
void CheckTableOverTheLimit(StorageDriver& driver);
void CheckTableInOrder(StorageDriver& driver);
void CheckDataOutlivesTheStore(StorageDriver& driver);

// Operations of whole tables.
void CheckTablesInPages(StorageDriver& driver);
void CheckTablesKnowWhatTheyHave(StorageDriver& driver);
void CheckTableIsDropped(StorageDriver& driver);
void CheckTableIsRenamed(StorageDriver& driver);
void CheckTablesOutliveTheStore(StorageDriver& driver);

// Pages of a table.
void CheckScanInPages(StorageDriver& driver);
void CheckScanHasItsRange(StorageDriver& driver);
void CheckScanPagesAreBounded(StorageDriver& driver);
void CheckScanWhileTheTableChanges(StorageDriver& driver);
void CheckScanBesideWriters(StorageDriver& driver);
void CheckCursorsAreAnyBytes(StorageDriver& driver);

// Groups and failures.
void CheckGroupKeepsItsOrder(StorageDriver& driver);
void CheckFailedGroupDoesNothing(StorageDriver& driver);
void CheckFailedItemLeavesTheOthers(StorageDriver& driver);
void CheckLateFailureUndoesTheGroup(StorageDriver& driver);
void CheckWhatCannotBeExecuted(StorageDriver& driver);

// Conditions, choices and changes.
void CheckConditionHoldsOrNothingIsDone(StorageDriver& driver);
void CheckFailedConditionFailsItsGroup(StorageDriver& driver);
void CheckGroupChooses(StorageDriver& driver);
void CheckChangeSeesWhatIsThere(StorageDriver& driver);
void CheckChangeSeesItsGroup(StorageDriver& driver);
void CheckFailedChangeDoesNothing(StorageDriver& driver);

// Expiry, by the suite's clock.
void CheckExpiryIsSetKeptAndCleared(StorageDriver& driver);
void CheckPastExpiryIsADelete(StorageDriver& driver);
void CheckExpiredIsAbsent(StorageDriver& driver);
void CheckExpiredTableIsNone(StorageDriver& driver);
void CheckTimeDoesNotGoBack(StorageDriver& driver);
void CheckExpiryOutlivesTheStore(StorageDriver& driver);

// Notes.
void CheckNotesGoWithTheirGroup(StorageDriver& driver);
void CheckNotesAreGivenInOrder(StorageDriver& driver);

// What a ChangeSink is told.
void CheckChangesAreTold(StorageDriver& driver);
void CheckToldChangesGiveTheTable(StorageDriver& driver);
void CheckGroupsAreToldTogether(StorageDriver& driver);
void CheckExpiryIsTold(StorageDriver& driver);

// Several threads. Bounded by counts of operations, not by time.
void CheckGroupIsSeenWhole(StorageDriver& driver);
void CheckGroupOfDeletesIsSeenWhole(StorageDriver& driver);
void CheckOverlappingGroupsFinish(StorageDriver& driver);
void CheckWritesOfAKeyFormOneChain(StorageDriver& driver);
void CheckReadsOfAKeyNeverGoBack(StorageDriver& driver);
void CheckVersionsAreUniqueAcrossThreads(StorageDriver& driver);
void CheckLastKeyRacesWithWriters(StorageDriver& driver);
void CheckIncrementsAreNotLost(StorageDriver& driver);
void CheckConditionsAreAtomic(StorageDriver& driver);
void CheckGroupOverTablesThatComeAndGo(StorageDriver& driver);
void CheckFailedGroupIsNeverSeen(StorageDriver& driver);
void CheckTableIsSeenWhole(StorageDriver& driver);
void CheckCountsStayExact(StorageDriver& driver);

// All kinds of operations.
void CheckSameResultsAsTheModel(StorageDriver& driver);
void CheckSameResultsAsTheModelInTime(StorageDriver& driver);

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_CHECKS_H_
