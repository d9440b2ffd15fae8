// Operations of whole tables: lists, counts, tables dropped and renamed.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/testing/storage/checks.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Op;
using ::coffer::server::PageRange;
using ::coffer::server::TableStats;

namespace {

constexpr int kPagesMax = 10'000;

std::string Shown(const TableStats& table) {
  return absl::StrCat(table.name, ":", table.keys, ":", table.bytes);
}

std::vector<std::string> ListAll(StorageDriver& driver, PageRange page) {
  CheckReport& report = driver.report();
  std::vector<std::string> tables;
  std::string cursor;
  for (int pages = 0; pages < kPagesMax; ++pages) {
    page.cursor = cursor;
    Batch batch;
    batch.ListTables(&page);
    driver.RunOk(batch);
    const Op& op = batch.op(0);
    report.Expect(op.tables.size() <= page.limit,
                  absl::StrCat("a page of ", op.tables.size(),
                               " tables has a limit of ", page.limit));
    for (const TableStats& table : op.tables) tables.push_back(Shown(table));
    cursor = op.cursor_out;
    if (cursor.empty()) return tables;
  }
  report.Fail("a list of tables has no end");
  return tables;
}

// One operation of a table, which succeeds.
Op RunOnTable(StorageDriver& driver, Batch batch) {
  driver.RunOk(batch);
  return batch.op(0);
}

Op Drop(StorageDriver& driver, absl::string_view table) {
  Batch batch;
  batch.DropTable(table);
  return RunOnTable(driver, std::move(batch));
}

Op Rename(StorageDriver& driver, absl::string_view table,
          absl::string_view new_name) {
  Batch batch;
  batch.RenameTable(table, new_name);
  return RunOnTable(driver, std::move(batch));
}

void ExpectStats(CheckReport& report, absl::string_view what, const Op& op,
                 const std::string& want) {
  report.ExpectEqual(absl::StrCat(what, ": found"), op.found, !want.empty());
  report.ExpectEqual(what, op.tables.empty() ? "" : Shown(op.tables[0]), want);
}

}  // namespace

void CheckTablesInPages(StorageDriver& driver) {
  CheckReport& report = driver.report();
  report.Expect(ListAll(driver, PageRange{.limit = 3}).empty(),
                "an empty store lists tables");
  const std::vector<std::string> names = {
      "", "a", "aa", "ab", "abc", "ab\xff", "b", "\x7f", "\x80", "\xff"};
  for (const std::string& name : names) driver.Set(name, "key", "value");
  for (const std::string prefix : {"", "a", "ab", "b", "\xff", "none"}) {
    std::vector<std::string> want;
    for (const std::string& name : names) {
      if (absl::StartsWith(name, prefix)) {
        want.push_back(absl::StrCat(name, ":1:8"));
      }
    }
    for (const size_t limit : {1, 2, 3, 9, 10, 11}) {
      const PageRange page{.prefix = prefix, .limit = limit};
      report.Expect(
          ListAll(driver, page) == want,
          absl::StrCat("the tables that begin with \"", prefix,
                       "\" are not listed by name, in pages of ", limit));
    }
    // Less than a name: a table a page.
    const PageRange page{.prefix = prefix, .limit = 100, .bytes_max = 1};
    report.Expect(ListAll(driver, page) == want,
                  "tables are not listed in pages of a byte");
  }
}

void CheckTablesKnowWhatTheyHave(StorageDriver& driver) {
  CheckReport& report = driver.report();
  std::map<std::string, std::string> table;
  const auto expect = [&](absl::string_view when) {
    uint64_t bytes = 0;
    for (const auto& [key, value] : table) bytes += key.size() + value.size();
    const TableStats stats = driver.Count("t");
    report.ExpectEqual(absl::StrCat("keys after ", when), stats.keys,
                       table.size());
    report.ExpectEqual(absl::StrCat("bytes after ", when), stats.bytes, bytes);
    const auto listed = ListAll(driver, PageRange{.prefix = "t", .limit = 10});
    const bool exists = table.size() > 0;
    report.ExpectEqual(absl::StrCat("listed after ", when), listed.size(),
                       exists);
    if (listed.size() == 1) {
      report.ExpectEqual(absl::StrCat("listed after ", when), listed[0],
                         absl::StrCat("t:", table.size(), ":", bytes));
    }
  };
  const auto set = [&](const std::string& key, const std::string& value) {
    driver.Set("t", key, value);
    table[key] = value;
  };
  driver.Set("u", "k", "v");
  expect("nothing");
  for (int i = 0; i < 100; ++i) set(absl::StrCat("key", i), "");
  expect("sets");
  for (int i = 0; i < 100; i += 2) {
    set(absl::StrCat("key", i), std::string(i, 'v'));
  }
  expect("longer values");
  for (int i = 0; i < 100; i += 4) set(absl::StrCat("key", i), "v");
  set("", "the empty key");
  expect("shorter values");
  for (int i = 0; i < 100; i += 3) {
    driver.Delete("t", absl::StrCat("key", i));
    table.erase(absl::StrCat("key", i));
  }
  expect("deletes");
  ExpectStats(
      report, "a table that is not there",
      [&] {
        Batch batch;
        batch.CountKeys("absent");
        return RunOnTable(driver, std::move(batch));
      }(),
      "");
  while (!table.empty()) {
    driver.Delete("t", table.begin()->first);
    table.erase(table.begin());
  }
  expect("the last delete");
}

void CheckTableIsDropped(StorageDriver& driver) {
  CheckReport& report = driver.report();
  ExpectStats(report, "a drop of no table", Drop(driver, "t"), "");
  uint64_t last = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) {
      const Op set = driver.Set("t", absl::StrCat("k", i), "value");
      report.Expect(!set.found, "a key of a dropped table is there");
      report.Expect(set.version > last,
                    "a version after a drop is above those before");
      last = set.version;
    }
    driver.Set("other", "k", "v");
    ExpectStats(report, "a dropped table", Drop(driver, "t"), "t:100:790");
    driver.ExpectValue("t", "k0", nullptr);
    report.Expect(driver.GetTable("t").entries.empty(),
                  "a dropped table has entries");
    report.ExpectEqual("keys of a dropped table", driver.Count("t").keys, 0);
    driver.ExpectCounts(1, 1);
    report.ExpectEqual("tables after a drop",
                       ListAll(driver, PageRange{.limit = 10}).size(), 1);
    ExpectStats(report, "a second drop", Drop(driver, "t"), "");
    driver.ExpectValue("other", "k", "v");
  }
  // In one batch, with what comes before and behind.
  Batch batch;
  batch.Set("t", "a", "1");
  batch.DropTable("t");
  const size_t gone = batch.Get("t", "a");
  batch.Set("t", "b", "2");
  const size_t table = batch.GetTable("t");
  driver.RunOk(batch);
  report.Expect(!batch.op(gone).found, "a key is there after its table's drop");
  report.ExpectEqual("entries of a table made anew",
                     batch.op(table).entries.size(), 1);
}

void CheckTableIsRenamed(StorageDriver& driver) {
  CheckReport& report = driver.report();
  ExpectStats(report, "a rename of no table", Rename(driver, "t", "u"), "");
  driver.ExpectCounts(0, 0);
  std::map<std::string, uint64_t> versions;
  for (int i = 0; i < 100; ++i) {
    const std::string key = absl::StrCat("k", i);
    versions[key] = driver.Set("t", key, "value").version;
  }
  ExpectStats(report, "a renamed table", Rename(driver, "t", "u"), "t:100:790");
  report.Expect(driver.GetTable("t").entries.empty(),
                "the old name of a renamed table has entries");
  for (const auto& [key, version] : versions) {
    driver.ExpectValue("t", key, nullptr);
    driver.ExpectValue("u", key, "value");
    report.ExpectEqual("version after a rename", driver.Get("u", key).version,
                       version);
  }
  driver.ExpectCounts(1, 100);
  // A table of the old name is another one.
  driver.Set("t", "k0", "of the second");
  driver.Set("t", "new", "v");
  driver.ExpectValue("u", "k0", "value");
  driver.ExpectValue("u", "new", nullptr);
  driver.ExpectValue("t", "k0", "of the second");
  report.Expect(driver.Delete("u", "k1").found, "a key of a renamed table");
  report.ExpectEqual("keys after a rename and a delete", driver.Count("u").keys,
                     99);
  // Names that are taken.
  const std::string before = driver.Contents();
  for (const char* taken : {"u", "t"}) {
    Batch batch;
    batch.RenameTable("t", taken);
    driver.Run(batch);
    report.ExpectCode("a rename to a name that is taken", batch.op(0).status,
                      absl::StatusCode::kAlreadyExists);
    report.Expect(driver.Contents() == before,
                  "a rename that was refused changed something");
  }
  // The names change places, by way of a third.
  Batch swap;
  swap.RenameTable("t", "third");
  swap.RenameTable("u", "t");
  swap.RenameTable("third", "u");
  driver.RunOk(swap);
  driver.ExpectValue("u", "k0", "of the second");
  driver.ExpectValue("t", "k0", "value");
  driver.ExpectCounts(2, 101);
  // What was renamed goes as others do.
  ExpectStats(report, "a drop of a renamed table", Drop(driver, "t"),
              "t:99:783");
  driver.Delete("u", "k0");
  driver.Delete("u", "new");
  driver.ExpectCounts(0, 0);
}

void CheckTablesOutliveTheStore(StorageDriver& driver) {
  driver.Set("dropped", "k", "12");
  driver.Set("renamed", "k", "345");
  driver.Set("stays", "k", "6");
  Drop(driver, "dropped");
  Rename(driver, "renamed", "new");
  driver.Set("dropped", "made anew", "");
  const std::string before = driver.Contents();
  for (int i = 0; i < 2; ++i) {
    driver.Reopen();
    const std::string after = driver.Contents();
    driver.report().Expect(after == before,
                           absl::StrCat("tables after reopening:\n", after,
                                        "before it:\n", before));
    driver.ExpectValue("renamed", "k", nullptr);
    driver.ExpectValue("dropped", "k", nullptr);
  }
}

}  // namespace coffer_testing
