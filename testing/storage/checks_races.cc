// Several threads at once: changes of one key, groups over tables that come and
// go, tables that are dropped and renamed under readers and writers.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/testing/storage/checks.h"
#include "coffer/testing/storage/run_at_once.h"
#include "coffer/testing/storage/value_changes.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Condition;
using ::coffer::server::Op;
using ::coffer::server::TableEntry;
using ::coffer::server::TableStats;

namespace {

constexpr int kRounds = 1000;

// One body at least works until another is through.
class UntilFinished {
 public:
  explicit UntilFinished(CheckReport* report) : report_(*report) {}
  bool goes_on() const { return !finished_ && !report_.failed(); }
  void Finish() { finished_ = true; }

 private:
  CheckReport& report_;
  std::atomic<bool> finished_{false};
};

// Both keys are there with the same value, or neither is.
void ExpectBothOrNone(CheckReport& report, const Op& left, const Op& right) {
  report.Expect(left.found == right.found &&
                    left.value_out.view() == right.value_out.view(),
                absl::StrCat("a group of reads saw a half: ", left.found, " '",
                             left.value_out.view(), "' and ", right.found, " '",
                             right.value_out.view(), "'"));
}

}  // namespace

void CheckIncrementsAreNotLost(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const FunctionChange increment([](absl::optional<absl::string_view> present,
                                    absl::Span<const Op>,
                                    std::string* changed) {
    int number = 0;
    if (present.has_value() && !absl::SimpleAtoi(*present, &number)) {
      return absl::InternalError("no number is stored");
    }
    *changed = absl::StrCat(number + 1);
    return absl::OkStatus();
  });
  const auto work = [&](bool in_group) {
    for (int i = 0; i < kRounds; ++i) {
      Batch batch;
      const uint32_t group = in_group ? batch.NewGroup() : 0;
      if (in_group) batch.Get("u", "k", group);
      batch.Change("t", "k", &increment, group);
      driver.RunOk(batch);
    }
  };
  RunAtOnce({[&] { work(false); }, [&] { work(false); }, [&] { work(true); }});
  report.ExpectEqual("increments by three threads",
                     driver.Get("t", "k").value_out.view(),
                     absl::StrCat(3 * kRounds));
}

// A write that is conditional on the version that was read is as good as a
// lock.
void CheckConditionsAreAtomic(StorageDriver& driver) {
  CheckReport& report = driver.report();
  driver.Set("t", "k", "0");
  const auto work = [&] {
    for (int done = 0; done < kRounds / 2 && !report.failed();) {
      const Op read = driver.Get("t", "k");
      int number = 0;
      report.Expect(absl::SimpleAtoi(read.value_out.view(), &number),
                    "no number is stored");
      const std::string next = absl::StrCat(number + 1);
      Batch batch;
      batch.op(batch.Set("t", "k", next)).condition = {
          Condition::Kind::kVersionEqual, read.version};
      driver.Run(batch);
      done += batch.op(0).status.ok();
    }
  };
  RunAtOnce({work, work});
  report.ExpectEqual("conditional writes by two threads",
                     driver.Get("t", "k").value_out.view(),
                     absl::StrCat(kRounds / 2 * 2));
}

// Reads of both tables agree, although the tables themselves come and go.
void CheckGroupOverTablesThatComeAndGo(StorageDriver& driver) {
  UntilFinished reading(&driver.report());
  const auto write = [&] {
    for (int i = 0; i < 3 * kRounds && reading.goes_on(); ++i) {
      const std::string value = absl::StrCat(i);
      Batch batch;
      const uint32_t group = batch.NewGroup();
      for (const char* table : {"left", "right"}) {
        if (i % 2 == 0) {
          batch.Set(table, "k", value, false, group);
        } else {
          batch.Delete(table, "k", false, group);
        }
      }
      driver.RunOk(batch);
    }
    reading.Finish();
  };
  const auto read = [&] {
    while (reading.goes_on()) {
      Batch batch;
      const uint32_t group = batch.NewGroup();
      batch.Get("left", "k", group);
      batch.Get("right", "k", group);
      driver.RunOk(batch);
      ExpectBothOrNone(driver.report(), batch.op(0), batch.op(1));
    }
  };
  RunAtOnce({write, read});
  driver.ExpectCounts(0, 0);
}

// A group that fails behind its writes is never seen, by anybody.
void CheckFailedGroupIsNeverSeen(StorageDriver& driver) {
  CheckReport& report = driver.report();
  driver.Set("t", "k", "right");
  const std::string before = driver.Contents();
  UntilFinished reading(&report);
  const auto fail = [&] {
    for (int i = 0; i < 2 * kRounds && reading.goes_on(); ++i) {
      Batch batch;
      const uint32_t group = batch.NewGroup();
      batch.Set("t", "k", "wrong", false, group);
      batch.Set("made", "k", "wrong", false, group);
      const size_t last = batch.Delete("t", "absent", false, group);
      batch.op(last).condition = {Condition::Kind::kPresent};
      driver.Run(batch);
    }
    reading.Finish();
  };
  const auto read = [&] {
    while (reading.goes_on()) {
      Batch batch;
      batch.Get("t", "k");
      batch.Get("made", "k");
      batch.GetTable("made");
      driver.RunOk(batch);
      report.ExpectEqual("a write of a group that fails was seen",
                         batch.op(0).value_out.view(), "right");
      report.Expect(!batch.op(1).found && batch.op(2).entries.empty(),
                    "a table of a group that fails was seen");
    }
  };
  RunAtOnce({fail, read});
  report.Expect(driver.Contents() == before,
                "groups that failed left something behind");
}

// Readers of two keys of a table that is made, renamed and dropped all the
// time.
void CheckTableIsSeenWhole(StorageDriver& driver) {
  CheckReport& report = driver.report();
  UntilFinished reading(&report);
  const auto change = [&] {
    for (int i = 0; i < kRounds && reading.goes_on(); ++i) {
      const std::string value = absl::StrCat(i);
      Batch batch;
      const uint32_t group = batch.NewGroup();
      batch.Set("t", "left", value, false, group);
      batch.Set("t", "right", value, false, group);
      if (i % 2 == 0) batch.RenameTable("t", "u");
      driver.RunOk(batch);
      Batch drop;
      drop.DropTable(i % 2 == 0 ? "u" : "t");
      driver.RunOk(drop);
      report.ExpectEqual(
          "keys of a table that is dropped",
          drop.op(0).tables.empty() ? 0 : drop.op(0).tables[0].keys, 2);
    }
    reading.Finish();
  };
  const auto read = [&](const char* table) {
    while (reading.goes_on()) {
      Batch batch;
      const uint32_t group = batch.NewGroup();
      batch.Get(table, "left", group);
      batch.Get(table, "right", group);
      const size_t entries = batch.GetTable(table);
      driver.RunOk(batch);
      ExpectBothOrNone(report, batch.op(0), batch.op(1));
      const size_t met = batch.op(entries).entries.size();
      report.Expect(
          met == 0 || met == 2,
          absl::StrCat("a read of a table saw a half: ", met, " of 2 keys"));
    }
  };
  RunAtOnce({change, [&] { read("t"); }, [&] { read("u"); }});
  driver.ExpectCounts(0, 0);
}

// Whoever writes, drops, renames and fails beside others: what the tables know
// to have is what is in them, and no key is in two.
void CheckCountsStayExact(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const auto write = [&](const std::string& writer) {
    for (int i = 0; i < kRounds && !report.failed(); ++i) {
      const std::string key = absl::StrCat(writer, i % 10);
      const std::string other = absl::StrCat(writer, i * 7 % 10);
      const std::string value(i % 13, 'v');
      Batch batch;
      const uint32_t group = batch.NewGroup();
      batch.Set("t", key, value, false, group);
      batch.Delete("t", other, false, group);
      batch.Set("u", other, value, false, group);
      if (i % 4 == 0) {
        batch.op(batch.Delete("t", "absent", false, group)).condition = {
            Condition::Kind::kPresent};
      }
      batch.Delete("u", key);
      driver.Run(batch);
    }
  };
  const auto change_tables = [&] {
    for (int i = 0; i < kRounds / 5 && !report.failed(); ++i) {
      Batch batch;
      batch.RenameTable("t", "v");
      batch.RenameTable("v", i % 2 == 0 ? "t" : "u");
      if (i % 10 == 0) batch.DropTable("v");
      driver.Run(batch);
    }
  };
  RunAtOnce({[&] { write("a"); }, [&] { write("b"); }, change_tables});
  uint64_t tables = 0;
  uint64_t keys = 0;
  for (const char* table : {"t", "u", "v"}) {
    uint64_t bytes = 0;
    const Op read = driver.GetTable(table);
    for (const TableEntry& entry : read.entries) {
      bytes += entry.key.size() + entry.value.size();
    }
    const TableStats stats = driver.Count(table);
    report.ExpectEqual(absl::StrCat("keys counted of ", table), stats.keys,
                       read.entries.size());
    report.ExpectEqual(absl::StrCat("bytes counted of ", table), stats.bytes,
                       bytes);
    keys += read.entries.size();
    tables += !read.entries.empty();
  }
  driver.ExpectCounts(tables, keys);
}

}  // namespace coffer_testing
