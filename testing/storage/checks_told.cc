// What an engine tells its ChangeSink.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/testing/storage/change_recorder.h"
#include "coffer/testing/storage/checks.h"
#include "coffer/testing/storage/run_at_once.h"
#include "coffer/testing/storage/value_changes.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Condition;
using ::coffer::server::Expiry;
using ::coffer::server::Op;
using ::coffer::server::TableEntry;
using Change = ChangeRecorder::Change;
using Kind = ChangeRecorder::Kind;

namespace {

std::shared_ptr<ChangeRecorder> WatchTable(StorageDriver& driver,
                                           absl::string_view table) {
  auto recorder =
      std::make_shared<ChangeRecorder>(std::string(table), &driver.report());
  driver.Watch(recorder);
  return recorder;
}

std::string Shown(const Change& change, bool with_version = true) {
  return absl::StrCat("kind ", static_cast<int>(change.kind), " \"", change.key,
                      "\" = \"", change.value, "\"",
                      with_version ? absl::StrCat(" v", change.version) : "",
                      " expires at ", change.expires_at_ms);
}

void ExpectTold(CheckReport& report, const std::vector<Change>& told,
                const std::vector<Change>& want) {
  report.ExpectEqual("changes told", told.size(), want.size());
  for (size_t i = 0; i < told.size() && i < want.size(); ++i) {
    // That of a table's has no version that a result tells.
    const bool of_key = want[i].version != 0;
    report.ExpectEqual(absl::StrCat("change ", i), Shown(told[i], of_key),
                       Shown(want[i], of_key));
  }
}

std::map<std::string, std::string> Stored(StorageDriver& driver,
                                          absl::string_view table) {
  std::map<std::string, std::string> stored;
  for (const TableEntry& entry : driver.GetTable(table).entries) {
    stored[std::string(entry.key.view())] = std::string(entry.value.view());
  }
  return stored;
}

}  // namespace

void CheckChangesAreTold(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const auto recorder = WatchTable(driver, "t");
  const FunctionChange append = AppendText("x");
  const uint64_t far_ms = uint64_t{1} << 45;
  Batch batch;
  const size_t a = batch.Set("t", "a", "1");
  batch.Set("unwatched", "a", "2");
  const size_t removed = batch.Delete("t", "a");
  batch.Delete("t", "a");  // nothing to delete: no change
  batch.Get("t", "a");
  const size_t changed = batch.Change("t", "b", &append);
  const size_t expires = batch.Expire("t", "b", {Expiry::Kind::kAtMs, far_ms});
  const size_t kept = batch.Set("t", "b", "3");
  batch.op(kept).expiry = {Expiry::Kind::kKeep};
  batch.Expire("t", "absent", {});
  const size_t past = batch.Set("t", "b", "gone at once");
  batch.op(past).expiry = {Expiry::Kind::kAtMs, 1};
  // Not there before or behind: nothing to tell.
  batch.op(batch.Set("t", "never", "v")).expiry = {Expiry::Kind::kAtMs, 1};
  driver.RunOk(batch);
  const auto version = [&](size_t op) { return batch.op(op).version; };
  std::vector<Change> want = {
      {Kind::kSet, "a", "1", version(a), 0},
      {Kind::kRemoved, "a", "", version(removed), 0},
      {Kind::kSet, "b", "x", version(changed), 0},
      {Kind::kSet, "b", "x", version(expires), far_ms},
      {Kind::kSet, "b", "3", version(kept), far_ms},
      {Kind::kExpired, "b", "", version(past), 0},
  };
  ExpectTold(report, recorder->changes(), want);

  // Groups: all in their order, or nothing.
  Batch groups;
  const uint32_t fails = groups.NewGroup();
  groups.Set("t", "a", "of a group that fails", false, fails);
  groups.op(groups.Delete("t", "absent", false, fails)).condition = {
      Condition::Kind::kPresent};
  const uint32_t group = groups.NewGroup();
  const size_t c = groups.Set("t", "c", "1", false, group);
  groups.Set("unwatched", "c", "1", false, group);
  const size_t d = groups.Set("t", "d", "1", false, group);
  const size_t again = groups.Set("t", "c", "2", false, group);
  const size_t e = groups.Delete("t", "d", false, group);
  driver.Run(groups);
  for (const auto& [op, kind, value] :
       {std::tuple(c, Kind::kSet, "1"), std::tuple(d, Kind::kSet, "1"),
        std::tuple(again, Kind::kSet, "2"),
        std::tuple(e, Kind::kRemoved, "")}) {
    want.push_back({kind, std::string(groups.op(op).key), value,
                    groups.op(op).version, 0});
  }
  ExpectTold(report, recorder->changes(), want);

  Batch tables;
  tables.DropTable("unwatched");
  tables.RenameTable("t", "other");
  tables.RenameTable("other", "t");
  tables.DropTable("t");
  tables.DropTable("t");  // there is none any more
  driver.RunOk(tables);
  want.push_back({Kind::kTableGone, "", "", 0, 0});
  want.push_back({Kind::kTableCame, "", "", 0, 0});
  want.push_back({Kind::kTableGone, "", "", 0, 0});
  ExpectTold(report, recorder->changes(), want);
  uint64_t last = 0;
  for (const Change& change : recorder->changes()) {
    report.Expect(change.version > last,
                  absl::StrCat("versions of one thread's changes rise: ",
                               change.version, " behind ", last));
    last = change.version;
  }
}

// Told again and done again, the changes give what is stored, whoever wrote it.
void CheckToldChangesGiveTheTable(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const auto recorder = WatchTable(driver, "t");
  const FunctionChange append = AppendText("x");
  const auto write = [&](int writer) {
    for (int i = 0; i < 500 && !report.failed(); ++i) {
      const std::string key = absl::StrCat((i * 7 + writer) % 40);
      const std::string other = absl::StrCat((i * 3 + writer) % 40);
      const std::string value = absl::StrCat(writer, "/", i);
      const std::string appended = absl::StrCat("n", i % 5);
      Batch batch;
      const uint32_t group = batch.NewGroup();
      batch.Set("t", key, value, false, group);
      batch.Delete("t", other, false, group);
      batch.Change("t", appended, &append, group);
      batch.Set("u", key, "unwatched", false, group);
      if (i % 5 == 0) {  // fails, and nothing of it is told
        batch.op(batch.Set("t", key, "", false, group)).condition = {
            Condition::Kind::kAbsent};
      }
      batch.Set("t", other, "on its own");
      if (i % 7 == 0) {
        batch.op(0).expiry = {Expiry::Kind::kAtMs, 1};
      }
      if (i % 100 == 50) batch.DropTable("t");
      driver.Run(batch);
    }
  };
  RunAtOnce({[&] { write(0); }, [&] { write(1); }, [&] { write(2); }});
  const auto replayed = recorder->Replay();
  const auto stored = Stored(driver, "t");
  report.Expect(replayed == stored,
                absl::StrCat("the changes told give ", replayed.size(),
                             " keys, other than the ", stored.size(),
                             " that are stored"));
  report.Expect(!stored.empty(), "nothing is stored");
}

// Changes of one group stand together, with none of another group between.
void CheckGroupsAreToldTogether(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const auto recorder = WatchTable(driver, "t");
  constexpr int kKeys = 2;
  const auto write = [&](const std::string& writer) {
    for (int i = 0; i < 300; ++i) {
      const std::string value = absl::StrCat(writer, i);
      std::vector<std::string> keys;
      for (int k = 0; k < kKeys; ++k) keys.push_back(absl::StrCat(writer, k));
      Batch batch;
      const uint32_t group = batch.NewGroup();
      for (const std::string& key : keys) {
        batch.Set("t", key, value, false, group);
      }
      driver.RunOk(batch);
    }
  };
  RunAtOnce({[&] { write("a"); }, [&] { write("b"); }, [&] { write("c"); }});
  const std::vector<Change> changes = recorder->changes();
  if (!report.ExpectEqual("changes of groups", changes.size(),
                          3 * 300 * kKeys)) {
    return;
  }
  for (size_t i = 0; i < changes.size(); ++i) {
    report.ExpectEqual("a group is not told together: value", changes[i].value,
                       changes[i / kKeys * kKeys].value);
  }
}

// That a key has expired is told before its next change, whether anybody swept
// before that or not.
void CheckExpiryIsTold(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const auto recorder = WatchTable(driver, "t");
  const Expiry soon{Expiry::Kind::kAfterMs, 1000};
  for (const bool sweep : {false, true}) {
    Batch batch;
    for (const char* key : {"set", "removed", "in a group"}) {
      batch.op(batch.Set("t", key, "v")).expiry = soon;
    }
    batch.Set("t", "stays", "v");
    driver.RunOk(batch);
    driver.AdvanceMs(1000);
    while (sweep && driver.storage().Sweep()) {
    }
    Batch touch;
    touch.Set("t", "set", "again");
    touch.Delete("t", "removed");
    const uint32_t group = touch.NewGroup();
    touch.Set("t", "in a group", "again", false, group);
    touch.op(touch.Set("t", "stays", "", false, group)).condition = {
        Condition::Kind::kAbsent};
    touch.Delete("t", "in a group");
    driver.Run(touch);
    const auto replayed = recorder->Replay();
    report.Expect(replayed == Stored(driver, "t"),
                  "the changes told give another table than is stored");
    int expired = 0;
    for (const Change& change : recorder->changes()) {
      expired += change.kind == Kind::kExpired;
    }
    report.ExpectEqual("keys that were told to have expired", expired,
                       sweep ? 6 : 3);
  }
}

}  // namespace coffer_testing
