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

// The parts of it, by what they are wrong about.
std::vector<WrongStorage> WrongAboutKeys();
std::vector<WrongStorage> WrongAboutOperations();
std::vector<WrongStorage> WrongAboutWholeTables();
std::vector<WrongStorage> WrongAboutTime();
std::vector<WrongStorage> WrongAboutChanges();
std::vector<WrongStorage> WrongAboutWhatLasts();

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_WRONG_STORAGES_H_
