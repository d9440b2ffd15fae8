// Several threads at once. Every loop is bounded by a count of operations or by
// the end of such a loop on another thread.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/testing/storage/checks.h"
#include "coffer/testing/storage/run_at_once.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Op;
using ::coffer::server::TableEntry;

namespace {

constexpr int kRounds = 1000;
constexpr size_t kGroupKeys = 8;

std::vector<std::string> GroupKeys() {
  std::vector<std::string> keys;
  for (size_t i = 0; i < kGroupKeys; ++i) keys.push_back(absl::StrCat("k", i));
  return keys;
}

// Reads the keys both ways, as a table and as a group, until `finished`. Each
// time the values must be all the same, or all absent.
void ReadWholeGroupsUntil(StorageDriver& driver,
                          const std::atomic<bool>& finished) {
  const std::vector<std::string> keys = GroupKeys();
  CheckReport& report = driver.report();
  do {
    Batch batch;
    batch.GetTable("t");
    const uint32_t group = batch.NewGroup();
    for (const std::string& key : keys) batch.Get("t", key, group);
    driver.Run(batch);
    auto ops = batch.ops();
    const std::vector<TableEntry>& entries = ops[0].entries;
    report.Expect(entries.empty() || entries.size() == keys.size(),
                  absl::StrCat("a table read saw a group half-applied: ",
                               entries.size(), " of ", keys.size(), " keys"));
    for (const TableEntry& entry : entries) {
      report.ExpectEqual("a table read saw a group half-applied: value",
                         entry.value.view(), entries[0].value.view());
    }
    for (size_t i = 1; i < keys.size(); ++i) {
      const bool same = ops[1 + i].found == ops[1].found &&
                        ops[1 + i].value_out.view() == ops[1].value_out.view();
      report.Expect(same, "a group of reads saw a group half-applied");
    }
  } while (!finished && !report.failed());
}

void SetGroup(StorageDriver& driver, absl::string_view value) {
  const std::vector<std::string> keys = GroupKeys();
  Batch batch;
  const uint32_t group = batch.NewGroup();
  for (const std::string& key : keys) batch.Set("t", key, value, false, group);
  driver.Run(batch);
}

void DeleteGroup(StorageDriver& driver) {
  const std::vector<std::string> keys = GroupKeys();
  Batch batch;
  const uint32_t group = batch.NewGroup();
  for (const std::string& key : keys) batch.Delete("t", key, false, group);
  driver.Run(batch);
}

}  // namespace

void CheckGroupIsSeenWhole(StorageDriver& driver) {
  std::atomic<bool> finished{false};
  RunAtOnce({[&] {
               for (int i = 0; i < kRounds && !driver.report().failed(); ++i) {
                 SetGroup(driver, absl::StrCat("value ", i));
               }
               finished = true;
             },
             [&] { ReadWholeGroupsUntil(driver, finished); }});
}

void CheckGroupOfDeletesIsSeenWhole(StorageDriver& driver) {
  std::atomic<bool> finished{false};
  RunAtOnce({[&] {
               for (int i = 0; i < kRounds && !driver.report().failed(); ++i) {
                 SetGroup(driver, "v");
                 DeleteGroup(driver);
               }
               finished = true;
             },
             [&] { ReadWholeGroupsUntil(driver, finished); }});
  driver.ExpectCounts(0, 0);
}

// Groups that take the same keys in opposite orders, and table reads between:
// an engine that locks as it goes waits for ever here.
void CheckOverlappingGroupsFinish(StorageDriver& driver) {
  const std::vector<std::string> keys = GroupKeys();
  auto write = [&](bool reverse) {
    for (int i = 0; i < kRounds && !driver.report().failed(); ++i) {
      Batch batch;
      const uint32_t group = batch.NewGroup();
      for (size_t k = 0; k < keys.size(); ++k) {
        const std::string& key = keys[reverse ? keys.size() - 1 - k : k];
        batch.Set("t", key, reverse ? "down" : "up", false, group);
      }
      driver.Run(batch);
    }
  };
  std::atomic<bool> finished{false};
  RunAtOnce({[&] {
               RunAtOnce({[&] { write(false); }, [&] { write(true); }});
               finished = true;
             },
             [&] { ReadWholeGroupsUntil(driver, finished); }});
  driver.ExpectCounts(1, keys.size());
}

// Every write of one key names the value that it replaced. If writes are
// linearizable, that makes one chain from "absent" to the last value, through
// each write once, with rising versions.
void CheckWritesOfAKeyFormOneChain(StorageDriver& driver) {
  CheckReport& report = driver.report();
  constexpr int kWriters = 3;
  struct Write {
    std::string value;
    uint64_t version;
  };
  std::vector<std::vector<std::pair<std::string, Write>>> written(kWriters);
  std::vector<std::function<void()>> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.push_back([&, w] {
      for (int i = 0; i < kRounds; ++i) {
        const std::string value = absl::StrCat(w, ".", i);
        const Op op = driver.Set("t", "k", value, /*want_previous=*/true);
        written[w].push_back(
            {std::string(op.value_out.view()), {value, op.version}});
      }
    });
  }
  RunAtOnce(writers);
  std::map<std::string, Write> next;  // by the value replaced; "" = absent
  for (const auto& writes : written) {
    for (const auto& [previous, write] : writes) {
      if (!next.emplace(previous, write).second) {
        report.Fail(absl::StrCat("two writes replaced \"", previous, "\""));
        return;
      }
    }
  }
  std::string value;
  uint64_t version = 0;
  size_t length = 0;
  for (auto it = next.find(value); it != next.end(); it = next.find(value)) {
    report.Expect(it->second.version > version, "the version did not rise");
    value = it->second.value;
    version = it->second.version;
    if (++length > next.size()) break;
  }
  report.ExpectEqual("writes in the chain", length, kWriters * kRounds);
  driver.ExpectValue("t", "k", value.c_str());
}

void CheckReadsOfAKeyNeverGoBack(StorageDriver& driver) {
  CheckReport& report = driver.report();
  std::atomic<bool> finished{false};
  std::atomic<uint64_t> answered{0};  // version of the last write answered
  auto write = [&] {
    for (int i = 0; i < 3 * kRounds; ++i) {
      answered = driver.Set("t", "k", "v").version;
    }
    finished = true;
  };
  auto read = [&] {
    uint64_t last = 0;
    do {
      const uint64_t at_least = answered;
      const uint64_t seen = driver.Get("t", "k").version;
      report.Expect(seen >= at_least, "a read missed an answered write");
      report.Expect(seen >= last, "a read saw an older value than before");
      last = seen;
    } while (!finished && !report.failed());
  };
  RunAtOnce({write, read, read});
}

// Threads that share no key share the engine's source of versions. Half of the
// writes are in groups.
void CheckVersionsAreUniqueAcrossThreads(StorageDriver& driver) {
  constexpr size_t kWriters = 3;
  constexpr size_t kWritesEach = 20'000;
  std::vector<std::vector<uint64_t>> versions(kWriters);
  std::vector<std::function<void()>> writers;
  for (std::vector<uint64_t>& mine : versions) {
    const std::string table = absl::StrCat("t", writers.size());
    writers.push_back([&driver, &mine, table] {
      const std::vector<std::string> keys = GroupKeys();
      Batch batch;
      while (mine.size() < kWritesEach) {
        batch.Clear();
        for (const std::string& key : keys) batch.Set(table, key, "v");
        const uint32_t group = batch.NewGroup();
        for (const std::string& key : keys) {
          batch.Set(table, key, "v", false, group);
        }
        driver.Run(batch);
        for (const Op& op : batch.ops()) mine.push_back(op.version);
      }
    });
  }
  RunAtOnce(writers);
  std::vector<uint64_t> all;
  for (const std::vector<uint64_t>& mine : versions) {
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  const auto twice = std::adjacent_find(all.begin(), all.end());
  if (twice != all.end()) {
    driver.report().Fail(
        absl::StrCat("version ", *twice, " was used by two writes"));
  }
}

// Each thread writes and deletes keys of its own in one table, which so comes
// and goes all the time. A key must be there while its owner has it.
void CheckLastKeyRacesWithWriters(StorageDriver& driver) {
  CheckReport& report = driver.report();
  auto own_key = [&](const std::string& key) {
    for (int i = 0; i < kRounds && !report.failed(); ++i) {
      const std::string value = absl::StrCat(i);
      report.Expect(!driver.Set("t", key, value).found,
                    "a deleted key was found by a set");
      report.ExpectEqual("a key was lost after its set: value",
                         driver.Get("t", key).value_out.view(), value);
      report.Expect(driver.Delete("t", key).found,
                    "a key was lost after its set, before its delete");
      report.Expect(!driver.Get("t", key).found, "a deleted key was found");
    }
  };
  RunAtOnce(
      {[&] { own_key("a"); }, [&] { own_key("b"); }, [&] { own_key("c"); }});
  report.Expect(driver.GetTable("t").entries.empty(), "a key is left");
  driver.ExpectCounts(0, 0);
}

}  // namespace coffer_testing
