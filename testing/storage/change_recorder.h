// ChangeRecorder: a sink that keeps the changes of one table that it is told
// of, and says what is wrong with their order.
//
// Any thread may call anything.

#ifndef COFFER_TESTING_STORAGE_CHANGE_RECORDER_H_
#define COFFER_TESTING_STORAGE_CHANGE_RECORDER_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/storage/storage.h"
#include "coffer/testing/storage/check_report.h"

namespace coffer_testing {

class ChangeRecorder final : public coffer::server::ChangeSink {
 public:
  using Kind = coffer::server::KeyChange::Kind;
  struct Change {
    Kind kind;
    std::string key;
    std::string value;
    uint64_t version;
    uint64_t expires_at_ms;
  };

  // `report` outlives it.
  ChangeRecorder(std::string table, CheckReport* report)
      : table_(std::move(table)), report_(*report) {}

  bool Wants(absl::string_view table) override { return table == table_; }
  void OnChanges(absl::Span<const coffer::server::KeyChange> changes) override {
    std::lock_guard lock(mutex_);
    for (const coffer::server::KeyChange& change : changes) {
      report_.ExpectEqual("table of a change", change.table, table_);
      changes_.push_back({change.kind, std::string(change.key),
                          std::string(change.value.view()), change.version,
                          change.expires_at_ms});
    }
  }

  void OnChangesLost() override {
    report_.Fail("changes lost, though nothing went wrong");
  }

  std::vector<Change> changes() const {
    std::lock_guard lock(mutex_);
    return changes_;
  }

  // The table as the changes make it, from nothing. Reports versions of a key
  // that do not rise, and keys that are removed and were not there.
  std::map<std::string, std::string> Replay() const {
    std::map<std::string, std::string> table;
    std::map<std::string, uint64_t> versions;
    for (const Change& change : changes()) {
      uint64_t& version = versions[change.key];
      report_.Expect(
          change.version > version,
          absl::StrCat("a change of \"", change.key, "\" to version ",
                       change.version, " was told behind version ", version));
      version = change.version;
      switch (change.kind) {
        case Kind::kSet:
          table[change.key] = change.value;
          break;
        case Kind::kRemoved:
        case Kind::kExpired:
          report_.Expect(table.erase(change.key) == 1,
                         absl::StrCat("a key that was not there was removed: ",
                                      change.key));
          break;
        case Kind::kTableGone:
        case Kind::kTableCame:
          table.clear();
      }
    }
    return table;
  }

 private:
  const std::string table_;
  CheckReport& report_;
  mutable std::mutex mutex_;
  std::vector<Change> changes_;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STORAGE_CHANGE_RECORDER_H_
