// The conformance suite of storage engines: what the Storage interface
// promises, as checks that every engine must pass, held to the capabilities it
// declares.
//
// In the test of an engine, at namespace scope:
//
//   const bool kConformance = coffer_testing::RegisterStorageConformance(
//       {.name = "MyStorage", .open = [] { return MakeEmptyStore(); }});
//
// That gives one gtest test a check, MyStorageConformance.SetThenGet and so on,
// and skips those for what the engine does not declare, and those of expiry
// unless the engine has its time from a ManualClock that the suite moves:
//
//   auto clock = std::make_shared<coffer_testing::ManualClock>();
//   ... {.name = "MyStorage",
//        .open = [clock] { return MakeEmptyStore(clock.get()); },
//        .clock = clock}
//
// Stores are opened and closed one after another; concurrent checks use a few
// threads.

#ifndef COFFER_TESTING_STORAGE_STORAGE_CONFORMANCE_H_
#define COFFER_TESTING_STORAGE_STORAGE_CONFORMANCE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/storage/storage.h"
#include "coffer/testing/storage/storage_driver.h"

namespace coffer_testing {

struct StorageCheck {
  absl::string_view name;
  // Whether an engine with these capabilities has to pass it.
  bool (*applies)(const coffer::server::Capabilities&);
  void (*run)(StorageDriver& driver);
  // It moves the time of the engine (StorageUnderTest::clock).
  bool needs_clock = false;
};

// All of them, in a fixed order.
absl::Span<const StorageCheck> StorageChecks();

// Runs one check on a new store. Empty: passed.
std::vector<std::string> RunStorageCheck(const StorageCheck& check,
                                         const StorageUnderTest& engine);

// Registers a gtest test for each check. Call it before RUN_ALL_TESTS. Returns
// true, to be kept in a constant.
bool RegisterStorageConformance(StorageUnderTest engine);

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_STORAGE_CONFORMANCE_H_
