#include "coffer/testing/storage/storage_driver.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Op;
using ::coffer::server::PageRange;
using ::coffer::server::TableEntry;
using ::coffer::server::TableStats;

namespace {

// More than a check has tables.
constexpr size_t kTablesMax = 1000;

// The calling thread is inside Submit.
thread_local bool inside_submit = false;

}  // namespace

// What has become of the done of one batch.
class StorageDriver::Completion {
 public:
  explicit Completion(std::shared_ptr<std::atomic<int>> extra_calls)
      : extra_calls_(std::move(extra_calls)) {}

  void Called() {
    std::lock_guard lock(mutex_);
    if (called_) ++*extra_calls_;
    called_ = true;
    if (inside_submit) called_inside_ = true;
    changed_.notify_all();
  }
  void Dropped() {
    std::lock_guard lock(mutex_);
    dropped_ = true;
    changed_.notify_all();
  }

  void CheckFinishedInline(CheckReport& report) {
    std::lock_guard lock(mutex_);
    report.Expect(!called_, "done was called although Submit returned true");
    report.Expect(dropped_, "done was kept although Submit returned true");
  }
  void WaitUntilCalled(CheckReport& report) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return called_ || dropped_; });
    report.Expect(called_, "done was dropped although Submit returned false");
    report.Expect(!called_inside_, "done was called inside Submit");
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool called_ = false;
  bool called_inside_ = false;
  bool dropped_ = false;
  const std::shared_ptr<std::atomic<int>> extra_calls_;
};

// Passed to Submit; tells the completion of its call and of its end.
class StorageDriver::Done {
 public:
  explicit Done(std::shared_ptr<Completion> completion)
      : completion_(std::move(completion)) {}
  Done(Done&&) = default;
  Done& operator=(Done&&) = default;
  ~Done() {
    if (completion_) completion_->Dropped();
  }
  void operator()() { completion_->Called(); }

 private:
  std::shared_ptr<Completion> completion_;
};

StorageDriver::StorageDriver(const StorageUnderTest& engine,
                             CheckReport& report)
    : engine_(engine),
      report_(report),
      extra_calls_(std::make_shared<std::atomic<int>>(0)),
      storage_(engine.open()) {}

StorageDriver::~StorageDriver() {
  storage_.reset();  // after that nothing of it runs any more
  if (*extra_calls_ > 0) {
    report_.Fail(
        absl::StrCat("done was called again ", extra_calls_->load(), " times"));
  }
}

void StorageDriver::Run(Batch& batch) {
  auto completion = std::make_shared<Completion>(extra_calls_);
  inside_submit = true;
  const bool finished = storage_->Submit(batch, Done(completion));
  inside_submit = false;
  if (finished) {
    completion->CheckFinishedInline(report_);
  } else {
    completion->WaitUntilCalled(report_);
  }
}

void StorageDriver::RunOk(Batch& batch) {
  Run(batch);
  for (const Op& op : batch.ops()) {
    if (op.status.ok()) continue;
    report_.Fail(absl::StrCat("an operation on table \"", op.table,
                              "\" failed: ", op.status.ToString()));
  }
}

void StorageDriver::Watch(std::shared_ptr<coffer::server::ChangeSink> sink) {
  sink_ = std::move(sink);
  storage_->SetChangeSink(sink_.get());
}

Op StorageDriver::RunOne(Batch& batch) {
  RunOk(batch);
  return std::move(batch.ops()[0]);
}

Op StorageDriver::Get(absl::string_view table, absl::string_view key) {
  Batch batch;
  batch.Get(table, key);
  return RunOne(batch);
}

Op StorageDriver::Exists(absl::string_view table, absl::string_view key) {
  Batch batch;
  batch.Exists(table, key);
  return RunOne(batch);
}

Op StorageDriver::GetTable(absl::string_view table) {
  Batch batch;
  batch.GetTable(table);
  return RunOne(batch);
}

Op StorageDriver::Set(absl::string_view table, absl::string_view key,
                      absl::string_view value, bool want_previous) {
  Batch batch;
  batch.Set(table, key, value, want_previous);
  return RunOne(batch);
}

Op StorageDriver::Delete(absl::string_view table, absl::string_view key,
                         bool want_previous) {
  Batch batch;
  batch.Delete(table, key, want_previous);
  return RunOne(batch);
}

TableStats StorageDriver::Count(absl::string_view table) {
  Batch batch;
  batch.CountKeys(table);
  Op op = RunOne(batch);
  report_.ExpectEqual("a table that was found has its counts", op.tables.size(),
                      op.found);
  return op.tables.empty() ? TableStats() : std::move(op.tables[0]);
}

std::string StorageDriver::Contents() {
  const PageRange page{.limit = kTablesMax};
  Batch list;
  list.ListTables(&page);
  std::string text;
  for (const TableStats& table : RunOne(list).tables) {
    absl::StrAppend(&text, "table \"", absl::CHexEscape(table.name),
                    "\": ", table.keys, " keys, ", table.bytes, " bytes\n");
    std::map<std::string, std::string> keys;
    for (const TableEntry& entry : GetTable(table.name).entries) {
      keys[std::string(entry.key.view())] = absl::StrCat(
          "\"", absl::CHexEscape(entry.value.view()), "\", version ",
          entry.version, ", expires at ", entry.expires_at_ms);
    }
    for (const auto& [key, record] : keys) {
      absl::StrAppend(&text, "  \"", absl::CHexEscape(key), "\": ", record,
                      "\n");
    }
  }
  return text;
}

void StorageDriver::ExpectValue(absl::string_view table, absl::string_view key,
                                const char* value) {
  const Op op = Get(table, key);
  const std::string what =
      absl::StrCat("table \"", table, "\", key \"", key, "\"");
  report_.ExpectEqual(absl::StrCat(what, ": found"), op.found,
                      value != nullptr);
  report_.ExpectEqual(absl::StrCat(what, ": has a value"),
                      static_cast<bool>(op.value_out), value != nullptr);
  report_.ExpectEqual(absl::StrCat(what, ": value"), op.value_out.view(),
                      value ? value : "");
  report_.ExpectEqual(absl::StrCat(what, ": Exists finds it"),
                      Exists(table, key).found, value != nullptr);
}

void StorageDriver::ExpectCounts(uint64_t tables, uint64_t keys) {
  const coffer::server::StorageCounts counts = storage_->counts();
  report_.ExpectEqual("tables counted", counts.tables, tables);
  report_.ExpectEqual("keys counted", counts.keys, keys);
}

void StorageDriver::Reopen() {
  storage_ = engine_.reopen(std::move(storage_));
  if (sink_ != nullptr) storage_->SetChangeSink(sink_.get());
}

uint64_t StorageDriver::NowMs() const {
  return static_cast<uint64_t>(absl::ToUnixMillis(engine_.clock->WallNow()));
}

void StorageDriver::AdvanceMs(uint64_t ms) {
  engine_.clock->AdvanceBy(std::chrono::milliseconds(ms));
}

}  // namespace coffer_testing
