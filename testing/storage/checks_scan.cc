// Pages of a table: each key once, whatever the pages and whatever happens to
// the table meanwhile; ranges, limits, and cursors of any bytes.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/testing/storage/checks.h"
#include "coffer/testing/storage/run_at_once.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Op;
using ::coffer::server::PageRange;
using ::coffer::server::TableEntry;

namespace {

// A walk of a few thousand keys that has had so many pages has no end. (An
// engine may give pages that are empty, where it has looked through many keys.)
constexpr int kPagesMax = 100'000;

Op OnePage(StorageDriver& driver, absl::string_view table,
           const PageRange& page) {
  Batch batch;
  batch.Scan(table, &page);
  driver.Run(batch);
  return batch.op(0);
}

// Pages from the cursor of `page` to the last. `between` runs after each.
std::vector<TableEntry> Walk(StorageDriver& driver, absl::string_view table,
                             PageRange page,
                             const std::function<void()>& between = nullptr) {
  CheckReport& report = driver.report();
  std::vector<TableEntry> all;
  std::string cursor(page.cursor);
  for (int pages = 0; pages < kPagesMax; ++pages) {
    page.cursor = cursor;
    const Op op = OnePage(driver, table, page);
    if (!report.ExpectCode("a page", op.status, absl::StatusCode::kOk)) break;
    report.Expect(op.entries.size() <= page.limit,
                  absl::StrCat("a page of ", op.entries.size(),
                               " entries has a limit of ", page.limit));
    all.insert(all.end(), op.entries.begin(), op.entries.end());
    cursor = op.cursor_out;
    if (cursor.empty()) return all;
    if (between) between();
  }
  report.Fail("a walk through a table has no end");
  return all;
}

std::vector<std::string> KeysOf(const std::vector<TableEntry>& entries) {
  std::vector<std::string> keys;
  for (const TableEntry& entry : entries) keys.emplace_back(entry.key.view());
  return keys;
}

void ExpectKeys(CheckReport& report, const std::string& what,
                const std::vector<TableEntry>& entries,
                std::vector<std::string> want) {
  std::vector<std::string> got = KeysOf(entries);
  std::sort(got.begin(), got.end());
  std::sort(want.begin(), want.end());
  report.Expect(std::adjacent_find(got.begin(), got.end()) == got.end(),
                absl::StrCat(what, ": a key is there twice"));
  report.ExpectEqual(absl::StrCat(what, ": keys"), got.size(), want.size());
  report.Expect(got == want, absl::StrCat(what, ": other keys than wanted"));
}

// Many, by batches.
void SetAll(StorageDriver& driver, absl::string_view table,
            const std::vector<std::string>& keys) {
  constexpr size_t kAtOnce = 1000;
  for (size_t begin = 0; begin < keys.size(); begin += kAtOnce) {
    Batch batch;
    const size_t end = std::min(keys.size(), begin + kAtOnce);
    for (size_t i = begin; i < end; ++i) batch.Set(table, keys[i], keys[i]);
    driver.RunOk(batch);
  }
}

std::vector<std::string> NumberedKeys(absl::string_view prefix, int count) {
  std::vector<std::string> keys;
  for (int i = 0; i < count; ++i) keys.push_back(absl::StrCat(prefix, i));
  return keys;
}

}  // namespace

void CheckScanInPages(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const PageRange one{.limit = 1};
  const Op absent = OnePage(driver, "t", one);
  report.ExpectCode("a page of no table", absent.status, absl::StatusCode::kOk);
  report.Expect(absent.entries.empty() && absent.cursor_out.empty(),
                "a table that is not there has a page");
  driver.ExpectCounts(0, 0);
  constexpr int kKeys = 300;
  std::map<std::string, uint64_t> versions;
  for (const std::string& key : NumberedKeys("key", kKeys)) {
    versions[key] = driver.Set("t", key, key + "'s").version;
    driver.Set("other", key, "not in t");
  }
  const bool ordered = driver.storage().capabilities().ordered_scan;
  for (const size_t limit : {1, 2, 7, kKeys - 1, kKeys, kKeys + 1, 100000}) {
    const std::string what = absl::StrCat("pages of ", limit);
    const auto entries = Walk(driver, "t", PageRange{.limit = limit});
    ExpectKeys(report, what, entries, NumberedKeys("key", kKeys));
    for (const TableEntry& entry : entries) {
      const std::string key(entry.key.view());
      report.ExpectEqual(absl::StrCat(what, ": value"), entry.value.view(),
                         key + "'s");
      report.ExpectEqual(absl::StrCat(what, ": version"), entry.version,
                         versions[key]);
      report.ExpectEqual(absl::StrCat(what, ": expiry"), entry.expires_at_ms,
                         0);
    }
    const std::vector<std::string> keys = KeysOf(entries);
    report.Expect(!ordered || std::is_sorted(keys.begin(), keys.end()),
                  absl::StrCat(what, ": not in the order of the keys"));
  }
}

void CheckScanHasItsRange(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const std::vector<std::string> keys = {
      "",       "a",          "aa",   "aab", "ab",       "abc",
      "ab\xff", "ab\xff\xff", "ac",   "b",   {"b\0", 2}, {"b\0a", 3},
      "\xff",   "\xff\xff",   "\x7f", "\x80"};
  for (const std::string& key : keys) driver.Set("t", key, "v");
  const std::vector<std::string> bounds = {"",     "a", "ab",   "ab\xff",
                                           "abcd", "b", "\x80", "\xff"};
  for (const std::string& prefix : bounds) {
    for (const std::string& begin : bounds) {
      for (const std::string& end : bounds) {
        std::vector<std::string> want;
        for (const std::string& key : keys) {
          if (absl::StartsWith(key, prefix) && key >= begin &&
              (end.empty() || key < end)) {
            want.push_back(key);
          }
        }
        const PageRange page{
            .prefix = prefix, .begin = begin, .end = end, .limit = 3};
        ExpectKeys(report, "a range", Walk(driver, "t", page), want);
      }
    }
  }
}

// By bytes, and without values.
void CheckScanPagesAreBounded(StorageDriver& driver) {
  CheckReport& report = driver.report();
  constexpr size_t kKeys = 60;
  const std::vector<std::string> keys = NumberedKeys("key", kKeys);
  for (size_t i = 0; i < kKeys; ++i) {
    driver.Set("t", keys[i], std::string(10 * (i % 7), 'v'));
  }
  for (const size_t bytes_max : {1, 20, 64, 65, 200, 100000}) {
    for (const bool keys_only : {false, true}) {
      const std::string what = absl::StrCat("pages of ", bytes_max, " bytes",
                                            keys_only ? " without values" : "");
      PageRange page{
          .limit = 50, .bytes_max = bytes_max, .keys_only = keys_only};
      std::vector<TableEntry> all;
      std::string cursor;
      int pages = 0;
      do {
        page.cursor = cursor;
        const Op op = OnePage(driver, "t", page);
        size_t bytes = 0;
        for (const TableEntry& entry : op.entries) {
          bytes += entry.key.size() + entry.value.size();
          report.Expect(!keys_only || !entry.value,
                        absl::StrCat(what, ": it has a value"));
          report.Expect(entry.version != 0,
                        absl::StrCat(what, ": it has no version"));
        }
        report.Expect(bytes <= bytes_max || op.entries.size() == 1,
                      absl::StrCat(what, ": it has ", bytes, " bytes in ",
                                   op.entries.size(), " entries"));
        all.insert(all.end(), op.entries.begin(), op.entries.end());
        cursor = op.cursor_out;
      } while (!cursor.empty() && ++pages < kPagesMax);
      ExpectKeys(report, what, all, keys);
    }
  }
}

// Keys come and go between two pages, and the table grows manifold.
void CheckScanWhileTheTableChanges(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const std::vector<std::string> stay = NumberedKeys("stays", 1000);
  for (const size_t limit : {50, 3, 500}) {
    if (report.failed()) return;
    SetAll(driver, "t", stay);
    SetAll(driver, "t", NumberedKeys("goes", 1000));
    int came = 0;
    int gone = 0;
    const auto change = [&] {
      // Ever more than a page has; until there are far more than at first.
      Batch batch;
      std::vector<std::string> names;
      names.reserve(4 * limit);
      for (size_t i = 0; i < 2 * limit && came < 10'000; ++i, ++came) {
        names.push_back(absl::StrCat("comes", came));
        batch.Set("t", names.back(), "v");
      }
      for (size_t i = 0; i < limit && gone < 1000; ++i, ++gone) {
        names.push_back(absl::StrCat("goes", gone));
        batch.Delete("t", names.back());
      }
      batch.Set("t", stay[gone % stay.size()], "another value");
      driver.RunOk(batch);
    };
    const auto entries = Walk(driver, "t", PageRange{.limit = limit}, change);
    const std::string what = absl::StrCat("pages of ", limit);
    std::multiset<std::string> met;
    for (std::string& key : KeysOf(entries)) met.insert(std::move(key));
    for (const std::string& key : stay) {
      report.ExpectEqual(
          absl::StrCat(what, ": times that a key was given that is there ",
                       "throughout"),
          met.count(key), 1);
    }
    const std::set<std::string> distinct(met.begin(), met.end());
    report.ExpectEqual(absl::StrCat(what, ": keys given twice"),
                       met.size() - distinct.size(), 0);
    Batch drop;
    drop.DropTable("t");
    driver.RunOk(drop);
  }
}

void CheckScanBesideWriters(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const std::vector<std::string> stay = NumberedKeys("stays", 2000);
  SetAll(driver, "t", stay);
  std::atomic<bool> finished{false};
  const auto write = [&](const std::string& mine) {
    for (int i = 0; !finished; ++i) {
      Batch batch;
      std::vector<std::string> names;
      names.reserve(100);
      for (int k = 0; k < 50; ++k) {
        names.push_back(absl::StrCat(mine, (50 * i + k) % 4000));
        batch.Set("t", names.back(), "v");
        names.push_back(absl::StrCat(mine, (50 * i + k + 2000) % 4000));
        batch.Delete("t", names.back());
      }
      driver.RunOk(batch);
    }
  };
  const auto walk = [&] {
    for (const size_t limit : {20, 100, 1000}) {
      if (report.failed()) break;
      std::multiset<std::string> met;
      const auto entries = Walk(driver, "t", PageRange{.limit = limit});
      for (std::string& key : KeysOf(entries)) met.insert(std::move(key));
      for (const std::string& key : stay) {
        report.ExpectEqual("times that a key was given beside writers",
                           met.count(key), 1);
      }
    }
    finished = true;
  };
  RunAtOnce({walk, [&] { write("left"); }, [&] { write("right"); }});
}

// They come from peers.
void CheckCursorsAreAnyBytes(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const std::vector<std::string> keys = NumberedKeys("key", 200);
  SetAll(driver, "t", keys);
  const std::set<std::string> known(keys.begin(), keys.end());
  const Op first = OnePage(driver, "t", PageRange{.limit = 5});
  std::mt19937 random(1);
  const auto random_cursor = [&]() -> std::string {
    std::string cursor = first.cursor_out;
    switch (random() % 4) {
      case 0:
        cursor.resize(random() % 12);
        for (char& byte : cursor) byte = static_cast<char>(random());
        return cursor;
      case 1:
        return cursor.substr(0, random() % cursor.size());
      case 2:
        return cursor + std::string(1 + random() % 20, '\xff');
      default:
        cursor[random() % cursor.size()] = static_cast<char>(random());
        return cursor;
    }
  };
  if (!report.Expect(!first.cursor_out.empty(), "a first page has a cursor")) {
    return;
  }
  for (int i = 0; i < 1000; ++i) {
    const std::string cursor = random_cursor();
    const PageRange page{.cursor = cursor, .limit = 300};
    Batch batch;
    batch.Scan("t", &page);
    batch.Scan("absent", &page);
    batch.ListTables(&page);
    driver.Run(batch);
    for (const Op& op : batch.ops()) {
      report.Expect(op.status.ok() || absl::IsInvalidArgument(op.status),
                    absl::StrCat("a page by a cursor of any bytes: ",
                                 op.status.ToString()));
      std::set<std::string> met;
      for (const TableEntry& entry : op.entries) {
        const std::string key(entry.key.view());
        report.Expect(known.count(key) > 0 && met.insert(key).second,
                      "a page by a cursor of any bytes has other keys");
      }
    }
  }
  ExpectKeys(report, "afterwards", Walk(driver, "t", PageRange{.limit = 5}),
             keys);
}

}  // namespace coffer_testing
