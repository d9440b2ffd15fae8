// Engines that are wrong on purpose, each in one way, to show that the
// conformance suite notices.

#ifndef COFFER_TESTING_STORAGE_WRONG_STORAGES_H_
#define COFFER_TESTING_STORAGE_WRONG_STORAGES_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "coffer/testing/storage/storage_driver.h"

namespace coffer_testing {

struct WrongStorage {
  StorageUnderTest engine;
  // The check that must fail, and a part of what it must say.
  absl::string_view check;
  absl::string_view failure;
};

std::vector<WrongStorage> WrongStorages();

// A durable engine as far as the suite can see: what it has outlives its
// objects, in memory.
StorageUnderTest SeeminglyDurableStorage();

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_WRONG_STORAGES_H_
