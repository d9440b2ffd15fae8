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

// Names and tables.
void CheckNamesAreAnyBytes(StorageDriver& driver);
void CheckTableHasItsKeys(StorageDriver& driver);
void CheckTableLivesUntilItsLastKey(StorageDriver& driver);
void CheckReadsCreateNothing(StorageDriver& driver);
void CheckTableOverTheLimit(StorageDriver& driver);
void CheckTableInOrder(StorageDriver& driver);
void CheckDataOutlivesTheStore(StorageDriver& driver);

// Groups and failures.
void CheckGroupKeepsItsOrder(StorageDriver& driver);
void CheckFailedGroupDoesNothing(StorageDriver& driver);
void CheckFailedItemLeavesTheOthers(StorageDriver& driver);

// Several threads. Bounded by counts of operations, not by time.
void CheckGroupIsSeenWhole(StorageDriver& driver);
void CheckGroupOfDeletesIsSeenWhole(StorageDriver& driver);
void CheckOverlappingGroupsFinish(StorageDriver& driver);
void CheckWritesOfAKeyFormOneChain(StorageDriver& driver);
void CheckReadsOfAKeyNeverGoBack(StorageDriver& driver);
void CheckVersionsAreUniqueAcrossThreads(StorageDriver& driver);
void CheckLastKeyRacesWithWriters(StorageDriver& driver);

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_CHECKS_H_
