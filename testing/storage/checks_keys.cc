// One key at a time: values, absence, versions, the life of views and results.

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/testing/storage/checks.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Op;

void CheckSetThenGet(StorageDriver& driver) {
  CheckReport& report = driver.report();
  Batch nothing;
  driver.Run(nothing);
  const Op set = driver.Set("t", "k", "v");
  report.Expect(set.version > 0, "a written version is above 0");
  report.Expect(!set.found, "the key was there before its first write");
  report.Expect(!set.value_out, "no previous value was asked for");
  const Op get = driver.Get("t", "k");
  report.Expect(get.found, "a key that was set is found");
  report.ExpectEqual("value", get.value_out.view(), "v");
  report.ExpectEqual("version read", get.version, set.version);
  const Op exists = driver.Exists("t", "k");
  report.Expect(exists.found, "a key that was set exists");
  report.ExpectEqual("version of Exists", exists.version, set.version);
  report.Expect(!exists.value_out, "Exists gives no value");
  driver.ExpectValue("t", "another key", nullptr);
  driver.ExpectValue("another table", "k", nullptr);
  driver.Set("t", "k", "w");
  driver.ExpectValue("t", "k", "w");
  report.Expect(driver.Delete("t", "k").found, "a key that was set is deleted");
  driver.ExpectValue("t", "k", nullptr);
}

void CheckAbsentNames(StorageDriver& driver) {
  CheckReport& report = driver.report();
  for (const char* table : {"t", ""}) {
    const Op get = driver.Get(table, "k");
    report.Expect(!get.found && !get.value_out, "an absent key was found");
    report.ExpectEqual("version of an absent key", get.version, 0);
    const Op exists = driver.Exists(table, "k");
    report.Expect(!exists.found, "an absent key exists");
    report.ExpectEqual("version of an absent key", exists.version, 0);
    const Op removed = driver.Delete(table, "k", /*want_previous=*/true);
    report.Expect(!removed.found && !removed.value_out,
                  "an absent key was deleted");
    report.Expect(driver.GetTable(table).entries.empty(),
                  "an absent table has entries");
  }
}

void CheckEmptyValueIsNotAbsent(StorageDriver& driver) {
  driver.Set("t", "k", "");
  driver.ExpectValue("t", "k", "");
  const Op again = driver.Set("t", "k", "v", /*want_previous=*/true);
  driver.report().Expect(again.found && again.value_out,
                         "the previous empty value is absent");
}

void CheckPreviousValue(StorageDriver& driver) {
  CheckReport& report = driver.report();
  Op op = driver.Set("t", "k", "1", /*want_previous=*/true);
  report.Expect(!op.found && !op.value_out, "a new key had a previous value");
  op = driver.Set("t", "k", "2", /*want_previous=*/true);
  report.Expect(op.found, "the overwritten key was found");
  report.ExpectEqual("previous value of a set", op.value_out.view(), "1");
  op = driver.Set("t", "k", "3");
  report.Expect(op.found, "the overwritten key was found, unasked");
  report.Expect(!op.value_out, "a previous value that was not asked for");
  op = driver.Delete("t", "k", /*want_previous=*/true);
  report.Expect(op.found, "the deleted key was found");
  report.ExpectEqual("previous value of a delete", op.value_out.view(), "3");
  driver.Set("t", "k", "4");
  op = driver.Delete("t", "k");
  report.Expect(op.found, "the deleted key was found, unasked");
  report.Expect(!op.value_out, "a deleted value that was not asked for");
}

void CheckReadsSeeEarlierWrites(StorageDriver& driver) {
  CheckReport& report = driver.report();
  Batch batch;
  const size_t before = batch.Get("t", "k");
  const size_t first = batch.Set("t", "k", "1", /*want_previous=*/true);
  const size_t after_first = batch.Get("t", "k");
  const size_t second = batch.Set("t", "k", "2", /*want_previous=*/true);
  const size_t table = batch.GetTable("t");
  const size_t exists = batch.Exists("t", "k");
  const size_t removed = batch.Delete("t", "k", /*want_previous=*/true);
  const size_t after_all = batch.Get("t", "k");
  const size_t table_after_all = batch.GetTable("t");
  driver.Run(batch);
  auto ops = batch.ops();
  report.Expect(!ops[before].found, "a read saw a later write");
  report.Expect(!ops[first].value_out, "the first write has no previous value");
  report.ExpectEqual("read after a write of its batch",
                     ops[after_first].value_out.view(), "1");
  report.ExpectEqual("version read after a write of its batch",
                     ops[after_first].version, ops[first].version);
  report.ExpectEqual("previous value from the same batch",
                     ops[second].value_out.view(), "1");
  if (report.ExpectEqual("entries after a write", ops[table].entries.size(),
                         1)) {
    report.ExpectEqual("entry after a write",
                       ops[table].entries[0].value.view(), "2");
  }
  report.Expect(ops[exists].found, "Exists after a write of its batch");
  report.ExpectEqual("removed value from the same batch",
                     ops[removed].value_out.view(), "2");
  report.Expect(!ops[after_all].found, "read after a delete of its batch");
  report.Expect(ops[table_after_all].entries.empty(),
                "entries after a delete of the batch");
}

void CheckViewsAreNotKept(StorageDriver& driver) {
  std::string table = "table";
  std::string key = "key";
  std::string value = "value";
  driver.Set(table, key, value);
  table.assign(table.size(), 'x');
  key.assign(key.size(), 'y');
  value.assign(value.size(), 'z');
  driver.ExpectValue("table", "key", "value");
  const Op entries = driver.GetTable("table");
  if (driver.report().ExpectEqual("entries", entries.entries.size(), 1)) {
    driver.report().ExpectEqual("key", entries.entries[0].key.view(), "key");
  }
}

void CheckResultsStayAsTheyWere(StorageDriver& driver) {
  driver.Set("t", "k", "first");
  const Op get = driver.Get("t", "k");
  const Op table = driver.GetTable("t");
  driver.Set("t", "k", "other");
  driver.Delete("t", "k");
  driver.Set("t", "k", "third");
  driver.report().ExpectEqual("value read before later writes",
                              get.value_out.view(), "first");
  if (driver.report().ExpectEqual("entries", table.entries.size(), 1)) {
    driver.report().ExpectEqual("entry read before later writes",
                                table.entries[0].value.view(), "first");
  }
}

void CheckLargeValue(StorageDriver& driver) {
  std::string value(8 << 20, '\0');
  for (size_t i = 0; i < value.size(); ++i) {
    value[i] = static_cast<char>(i * 2654435761u >> 13);
  }
  driver.Set("t", "k", value);
  driver.report().Expect(driver.Get("t", "k").value_out.view() == value,
                         "a value of 8 MiB comes back as it was");
}

void CheckLargeBatch(StorageDriver& driver) {
  constexpr size_t kKeys = 10000;
  std::vector<std::string> keys;
  for (size_t i = 0; i < kKeys; ++i) keys.push_back(absl::StrCat("key", i));
  Batch batch;
  for (const std::string& key : keys) batch.Set("t", key, key);
  for (const std::string& key : keys) batch.Get("t", key);
  driver.Run(batch);
  for (size_t i = 0; i < kKeys; ++i) {
    driver.report().ExpectEqual("value of a large batch",
                                batch.ops()[kKeys + i].value_out.view(),
                                keys[i]);
  }
  driver.ExpectCounts(1, kKeys);
}

void CheckVersionsAreUnique(StorageDriver& driver) {
  CheckReport& report = driver.report();
  std::set<uint64_t> versions;
  uint64_t last_of_a = 0;
  for (int i = 0; i < 100; ++i) {
    Batch batch;
    const uint32_t group = batch.NewGroup();
    batch.Set("t", "a", "v", false, group);
    batch.Set("t", "b", "v", false, group);
    batch.Set("u", "a", "v");
    if (i % 3 == 0) batch.Delete("t", "a");
    driver.Run(batch);
    for (int w = 0; w < 3; ++w) {
      const uint64_t version = batch.ops()[w].version;
      if (!versions.insert(version).second) {
        report.Fail(absl::StrCat("version ", version, " was used twice"));
      }
    }
    report.Expect(batch.ops()[0].version > last_of_a,
                  "a key's version went down");
    last_of_a = batch.ops()[0].version;
  }
  const Op table = driver.GetTable("u");
  if (report.ExpectEqual("entries", table.entries.size(), 1)) {
    report.ExpectEqual("version in a table", table.entries[0].version,
                       driver.Get("u", "a").version);
  }
}

}  // namespace coffer_testing
