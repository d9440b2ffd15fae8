// StorageDriver: submits batches to an engine and waits until they are done,
// whether the engine finishes inside Submit or later on a thread of its own,
// and reports every breach of Submit's rule about done: called although Submit
// returned true, kept, called inside Submit, called twice, never called.
//
// Any thread may use it. It waits for events, never for time: an engine that
// keeps done for ever without calling it hangs it.

#ifndef COFFER_TESTING_STORAGE_STORAGE_DRIVER_H_
#define COFFER_TESTING_STORAGE_STORAGE_DRIVER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "coffer/server/storage/storage.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/storage/check_report.h"

namespace coffer_testing {

// An engine under test and how to make one.
struct StorageUnderTest {
  // As a C++ identifier: part of the tests' names.
  std::string name;
  // A new, empty store.
  std::function<std::unique_ptr<coffer::server::Storage>()> open;
  // Durable engines only: closes the store and opens its data again.
  std::function<std::unique_ptr<coffer::server::Storage>(
      std::unique_ptr<coffer::server::Storage>)>
      reopen = nullptr;
  // Where the stores have their time from. Null: nothing that takes time is
  // checked, and that is expiry.
  std::shared_ptr<ManualClock> clock = nullptr;
};

class StorageDriver {
 public:
  // Opens a new store, closed by the destructor. `engine` and `report` outlive
  // the driver.
  StorageDriver(const StorageUnderTest& engine, CheckReport& report);
  StorageDriver(const StorageDriver&) = delete;
  StorageDriver& operator=(const StorageDriver&) = delete;
  ~StorageDriver();

  coffer::server::Storage& storage() { return *storage_; }
  CheckReport& report() { return report_; }

  // Who is told of the changes; before anything is submitted.
  void Watch(std::shared_ptr<coffer::server::ChangeSink> sink);

  // Submits and waits.
  void Run(coffer::server::Batch& batch);
  // All operations are expected to succeed.
  void RunOk(coffer::server::Batch& batch);

  // One operation that is expected to succeed; the result.
  coffer::server::Op Get(absl::string_view table, absl::string_view key);
  coffer::server::Op Exists(absl::string_view table, absl::string_view key);
  coffer::server::Op GetTable(absl::string_view table);
  coffer::server::Op Set(absl::string_view table, absl::string_view key,
                         absl::string_view value, bool want_previous = false);
  coffer::server::Op Delete(absl::string_view table, absl::string_view key,
                            bool want_previous = false);

  // What the table has; no keys if there is none.
  coffer::server::TableStats Count(absl::string_view table);

  // Fails unless the key has this value, or, for null, is absent.
  void ExpectValue(absl::string_view table, absl::string_view key,
                   const char* value);
  void ExpectCounts(uint64_t tables, uint64_t keys);

  // All tables that there are, with their keys, values, versions, expiries and
  // counts, as text: what a failed group must not have changed.
  std::string Contents();

  // Closes the store and opens it again. Durable engines only.
  void Reopen();

  // Of an engine that has its clock from the suite: milliseconds since 1970.
  uint64_t NowMs() const;
  void AdvanceMs(uint64_t ms);
  ManualClock* clock() const { return engine_.clock.get(); }

 private:
  class Completion;
  class Done;

  coffer::server::Op RunOne(coffer::server::Batch& batch);

  const StorageUnderTest& engine_;
  CheckReport& report_;
  std::shared_ptr<std::atomic<int>> extra_calls_;
  std::shared_ptr<coffer::server::ChangeSink> sink_;
  std::unique_ptr<coffer::server::Storage> storage_;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_STORAGE_DRIVER_H_
