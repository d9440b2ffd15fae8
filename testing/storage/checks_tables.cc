// Names and tables: any bytes, no collisions, a table's life, its limit, and
// what is there after the store was closed.

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/testing/storage/checks.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Op;
using ::coffer::server::TableEntry;

namespace {

using Names = std::pair<std::string, std::string>;

// Pairs that an engine confuses if it joins the two names with a separator or
// takes them for C strings, numbers or text.
std::vector<Names> AwkwardNames() {
  const std::string nul(1, '\0');
  std::vector<Names> names = {
      {"", ""},
      {"", "a"},
      {"a", ""},
      {"a:b", "c"},
      {"a", "b:c"},
      {"a:", "b"},
      {"a", ":b"},
      {":", ""},
      {"", ":"},
      {"a/b", "c"},
      {"a", "b/c"},
      {nul, ""},
      {"", nul},
      {"a" + nul, "b"},
      {"a", nul + "b"},
      {"a", "b"},
      {"a", "b" + nul},
      {"a" + nul + "b", ""},
      {"a", nul},
      {"ab", ""},
      {"\xff", "\xff"},
      {"\xff\xff", ""},
      {"", "\xff\xff"},
      {"\x01" + std::string("a"), "b"},
      {"1", "11"},
      {"11", "1"},
      {"A", "b"},
      {"a", "B"},
      {"\xe8\xa1\xa8", "\xe9\x94\xae"},
  };
  names.push_back({std::string(300, 'a'), std::string(70000, 'b')});
  names.push_back({std::string(301, 'a'), std::string(69999, 'b')});
  return names;
}

std::map<std::string, std::string> Contents(const Op& table,
                                            CheckReport& report) {
  std::map<std::string, std::string> contents;
  for (const TableEntry& entry : table.entries) {
    const bool is_new = contents
                            .emplace(std::string(entry.key.view()),
                                     std::string(entry.value.view()))
                            .second;
    report.Expect(is_new, "a key is twice in its table");
  }
  return contents;
}

}  // namespace

void CheckNamesAreAnyBytes(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const std::vector<Names> names = AwkwardNames();
  std::map<std::string, std::map<std::string, std::string>> tables;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto& [table, key] = names[i];
    const std::string value = absl::StrCat("value ", i);
    report.Expect(!driver.Set(table, key, value).found,
                  absl::StrCat("names of pair ", i, " are taken already"));
    tables[table][key] = value;
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const Op get = driver.Get(names[i].first, names[i].second);
    report.ExpectEqual(absl::StrCat("value of pair ", i), get.value_out.view(),
                       absl::StrCat("value ", i));
  }
  for (const auto& [table, keys] : tables) {
    report.Expect(Contents(driver.GetTable(table), report) == keys,
                  "a table with awkward names has other keys than its own");
  }
  driver.ExpectCounts(tables.size(), names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    const Op removed = driver.Delete(names[i].first, names[i].second, true);
    report.ExpectEqual(absl::StrCat("removed value of pair ", i),
                       removed.value_out.view(), absl::StrCat("value ", i));
  }
  driver.ExpectCounts(0, 0);
}

void CheckTableHasItsKeys(StorageDriver& driver) {
  CheckReport& report = driver.report();
  std::map<std::string, std::string> want;
  std::map<std::string, uint64_t> versions;
  for (int i = 0; i < 300; ++i) {
    const std::string key = absl::StrCat("key", i);
    want[key] = absl::StrCat("value", i);
    versions[key] = driver.Set("t", key, want[key]).version;
    driver.Set("another", key, "not in t");
  }
  for (int i = 0; i < 300; i += 3) {
    const std::string key = absl::StrCat("key", i);
    driver.Delete("t", key);
    want.erase(key);
  }
  const Op table = driver.GetTable("t");
  report.Expect(Contents(table, report) == want,
                "a table has exactly its own keys and values");
  for (const TableEntry& entry : table.entries) {
    report.ExpectEqual("version in the table", entry.version,
                       versions[std::string(entry.key.view())]);
  }
}

void CheckTableLivesUntilItsLastKey(StorageDriver& driver) {
  CheckReport& report = driver.report();
  driver.ExpectCounts(0, 0);
  driver.Set("other", "k", "v");
  for (int round = 0; round < 3; ++round) {
    driver.Set("t", "a", "1");
    driver.Set("t", "b", "2");
    driver.ExpectCounts(2, 3);
    driver.Delete("t", "a");
    driver.ExpectCounts(2, 2);
    driver.ExpectValue("t", "b", "2");
    driver.Delete("t", "b");
    driver.ExpectCounts(1, 1);
    report.Expect(driver.GetTable("t").entries.empty(),
                  "a table without keys has entries");
    report.Expect(!driver.Delete("t", "b").found, "a key was deleted twice");
    driver.ExpectCounts(1, 1);
  }
  driver.ExpectValue("other", "k", "v");
}

void CheckReadsCreateNothing(StorageDriver& driver) {
  driver.Set("t", "k", "v");
  for (int i = 0; i < 100; ++i) {
    const std::string name = absl::StrCat("absent", i);
    Batch batch;
    batch.Get(name, "k");
    batch.Exists(name, "k");
    batch.GetTable(name);
    batch.Delete(name, "k");
    batch.Get("t", name);
    batch.Delete("t", name);
    const uint32_t group = batch.NewGroup();
    batch.Get(name, "k", group);
    batch.Delete(name, "k", true, group);
    driver.Run(batch);
  }
  driver.ExpectCounts(1, 1);
}

void CheckTableOverTheLimit(StorageDriver& driver) {
  CheckReport& report = driver.report();
  for (int i = 0; i < 10; ++i) {  // 10 keys of 1 byte, values of 99: 1000
    driver.Set("t", std::string(1, static_cast<char>('0' + i)),
               std::string(99, 'v'));
  }
  Batch batch;
  batch.set_result_bytes_max(999);
  batch.GetTable("t");
  driver.Run(batch);
  const Op& refused = batch.ops()[0];
  report.Expect(refused.status.code() == absl::StatusCode::kResourceExhausted,
                absl::StrCat("a table of 1000 bytes with a limit of 999: ",
                             refused.status.ToString()));
  report.Expect(refused.entries.empty(), "a refused table has entries");
  report.Expect(
      refused.status.message().find("limit of 999") != absl::string_view::npos,
      "the error names the limit");
  batch.Clear();
  batch.set_result_bytes_max(1000);
  batch.GetTable("t");
  driver.Run(batch);
  report.Expect(batch.ops()[0].status.ok(),
                "a table of 1000 bytes with a limit of 1000");
  report.ExpectEqual("entries at the limit", batch.ops()[0].entries.size(), 10);
}

void CheckTableInOrder(StorageDriver& driver) {
  std::vector<std::string> keys;
  for (int i = 0; i < 64; ++i) {
    // High bytes among them: the order is that of unsigned bytes.
    keys.push_back(absl::StrCat(std::string(1, static_cast<char>(i * 37)), i));
    driver.Set("t", keys.back(), "v");
  }
  std::sort(keys.begin(), keys.end());
  const Op table = driver.GetTable("t");
  if (!driver.report().ExpectEqual("entries", table.entries.size(),
                                   keys.size())) {
    return;
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    driver.report().ExpectEqual(absl::StrCat("key ", i, " of the table"),
                                table.entries[i].key.view(), keys[i]);
  }
}

void CheckDataOutlivesTheStore(StorageDriver& driver) {
  CheckReport& report = driver.report();
  driver.Set("t", "kept", "1");
  driver.Set("t", "removed", "2");
  driver.Set("gone", "k", "3");
  driver.Delete("t", "removed");
  const uint64_t last_version = driver.Set("t", "kept", "4").version;
  driver.Delete("gone", "k");
  driver.Reopen();
  driver.ExpectValue("t", "kept", "4");
  driver.ExpectValue("t", "removed", nullptr);
  driver.ExpectCounts(1, 1);
  report.ExpectEqual("version after reopening", driver.Get("t", "kept").version,
                     last_version);
  report.Expect(driver.Set("t", "kept", "5").version > last_version,
                "a version after reopening is above those before");
}

}  // namespace coffer_testing
