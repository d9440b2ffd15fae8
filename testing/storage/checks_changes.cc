// Changes of values, groups that fail late, the versions of deletes, and what
// no engine can execute.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/testing/storage/checks.h"
#include "coffer/testing/storage/value_changes.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Condition;
using ::coffer::server::Op;
using ::coffer::server::OpKind;
using ::coffer::server::PageRange;

void CheckChangeSeesWhatIsThere(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const FunctionChange append = AppendText("x");
  for (const char* want : {"x", "xx", "xxx"}) {
    Batch batch;
    const size_t change = batch.Change("t", "k", &append);
    const size_t get = batch.Get("t", "k");
    driver.RunOk(batch);
    const std::string before(want + 1);
    report.ExpectEqual("a changed key was there before", batch.op(change).found,
                       !before.empty());
    report.ExpectEqual("the result of a change is the new value",
                       batch.op(change).value_out.view(), want);
    report.ExpectEqual("value after a change", batch.op(get).value_out.view(),
                       want);
    report.ExpectEqual("version after a change", batch.op(get).version,
                       batch.op(change).version);
  }
  driver.ExpectCounts(1, 1);
  // An empty value is one, and what is absent is none.
  driver.Set("t", "empty", "");
  std::atomic<int> seen{0};
  const FunctionChange look([&](absl::optional<absl::string_view> present,
                                absl::Span<const Op>, std::string* changed) {
    report.Expect(changed->empty(), "a change begins with nothing");
    if (present.has_value()) ++seen;
    *changed = std::string("\0v", 2);
    return absl::OkStatus();
  });
  for (const char* key : {"empty", "absent"}) {
    Batch batch;
    batch.Change("t", key, &look);
    driver.RunOk(batch);
    const absl::string_view want("\0v", 2);
    report.ExpectEqual("value of any bytes after a change",
                       driver.Get("t", key).value_out.view(), want);
    report.Expect(seen > 0, "an empty value is absent to a change");
  }
  const int twice = seen;
  Batch again;
  again.Change("t", "new", &look);
  driver.RunOk(again);
  report.ExpectEqual("what is absent was given to a change as present",
                     static_cast<uint64_t>(seen.load()),
                     static_cast<uint64_t>(twice));
}

// A change may depend on what its group has done so far.
void CheckChangeSeesItsGroup(StorageDriver& driver) {
  CheckReport& report = driver.report();
  driver.Set("t", "a", "1");
  std::vector<std::string> seen;
  const FunctionChange look([&](absl::optional<absl::string_view> present,
                                absl::Span<const Op> before,
                                std::string* changed) {
    seen.clear();
    for (const Op& op : before) {
      seen.push_back(absl::StrCat(op.key, " found ", op.found, " '",
                                  op.value_out.view(), "' ",
                                  op.version > 0 ? "version" : "none"));
    }
    *changed = absl::StrCat(present.value_or("absent"), "+", before.size());
    return absl::OkStatus();
  });
  Batch batch;
  batch.Set("t", "not of the group", "");
  const uint32_t group = batch.NewGroup();
  batch.Get("t", "a", group);
  batch.Set("t", "b", "2", true, group);
  batch.Delete("t", "a", true, group);
  const size_t first = batch.Change("t", "a", &look, group);
  const size_t second = batch.Change("t", "a", &look, group);
  batch.Set("t", "b", "3", false, group);
  driver.RunOk(batch);
  report.ExpectEqual("a change after a delete of its group",
                     batch.op(first).value_out.view(), "absent+3");
  report.ExpectEqual("a change after a change of its group",
                     batch.op(second).value_out.view(), "absent+3+4");
  const std::vector<std::string> want = {
      "a found 1 '1' version", "b found 0 '' version", "a found 1 '1' version",
      "a found 0 'absent+3' version"};
  report.ExpectEqual("operations that a change is told of", seen.size(),
                     want.size());
  for (size_t i = 0; i < seen.size() && i < want.size(); ++i) {
    report.ExpectEqual(absl::StrCat("what a change is told of operation ", i),
                       seen[i], want[i]);
  }
  Batch alone;
  alone.Set("t", "b", "4");
  alone.Change("t", "c", &look);
  driver.RunOk(alone);
  report.ExpectEqual("a change on its own is told of others",
                     alone.op(1).value_out.view(), "absent+0");
}

void CheckFailedChangeDoesNothing(StorageDriver& driver) {
  CheckReport& report = driver.report();
  driver.Set("t", "k", "before");
  const std::string before = driver.Contents();
  const FunctionChange refuse = RefuseChange(absl::OutOfRangeError("no more"));
  Batch batch;
  batch.Change("t", "k", &refuse);
  batch.Change("new", "k", &refuse);
  const size_t get = batch.Get("t", "k");
  driver.Run(batch);
  for (size_t i = 0; i < get; ++i) {
    report.ExpectCode("a change that was refused", batch.op(i).status,
                      absl::StatusCode::kOutOfRange);
    report.ExpectEqual("the reason of the refusal",
                       batch.op(i).status.message(), "no more");
    report.Expect(!batch.op(i).outcome_unknown, "its outcome is known");
  }
  report.ExpectEqual("value after a change that was refused",
                     batch.op(get).value_out.view(), "before");
  report.Expect(driver.Contents() == before,
                "a change that was refused left something behind");
}

namespace {

// Writes of every kind, to keys and tables that are there and that are not.
void AddWrites(Batch& batch, uint32_t group, const FunctionChange& append) {
  batch.Set("t", "a", "another value, longer", true, group);
  batch.Set("t", "new", "v", false, group);
  batch.Delete("t", "b", true, group);
  batch.Set("t", "b", "again", false, group);
  batch.Set("t", "a", "", false, group);
  batch.Change("t", "c", &append, group);
  batch.Change("t", "made", &append, group);
  batch.Delete("last", "k", false, group);  // its table goes with it
  batch.Set("first", "k", "v", false, group);
  batch.Expire("t", "d",
               {coffer::server::Expiry::Kind::kAfterMs, uint64_t{1} << 40},
               group);
  batch.Delete("t", "d", false, group);
  batch.Delete("t", "absent", false, group);
}

}  // namespace

void CheckLateFailureUndoesTheGroup(StorageDriver& driver) {
  CheckReport& report = driver.report();
  for (const char* key : {"a", "b", "c", "d"}) driver.Set("t", key, key);
  driver.Set("last", "k", "v");
  const std::string before = driver.Contents();
  const FunctionChange append = AppendText("x");
  const FunctionChange refuse = RefuseChange(absl::OutOfRangeError("no more"));
  for (const bool by_change : {false, true}) {
    Batch batch;
    const uint32_t group = batch.NewGroup();
    AddWrites(batch, group, append);
    size_t failing;
    if (by_change) {
      failing = batch.Change("t", "a", &refuse, group);
    } else {
      failing = batch.Delete("t", "absent", false, group);
      batch.op(failing).condition = {Condition::Kind::kPresent};
    }
    batch.Set("t", "behind it", "v", false, group);
    const size_t get = batch.Get("t", "a");
    driver.Run(batch);
    report.ExpectCode("the operation that fails its group",
                      batch.op(failing).status,
                      by_change ? absl::StatusCode::kOutOfRange
                                : absl::StatusCode::kFailedPrecondition);
    for (size_t i = 0; i < get; ++i) {
      if (i == failing) continue;
      report.ExpectCode(absl::StrCat("operation ", i, " of a failed group"),
                        batch.op(i).status, absl::StatusCode::kAborted);
    }
    report.ExpectEqual("read behind a failed group",
                       batch.op(get).value_out.view(), "a");
    const std::string after = driver.Contents();
    report.Expect(after == before,
                  absl::StrCat("a group that failed late was not undone:\n",
                               after, "before it:\n", before));
    driver.ExpectCounts(2, 5);
  }
  // What failed as a group succeeds without its last operation.
  Batch batch;
  AddWrites(batch, batch.NewGroup(), append);
  driver.RunOk(batch);
  driver.ExpectValue("t", "c", "cx");
  driver.ExpectValue("t", "d", nullptr);
  driver.ExpectValue("last", "k", nullptr);
  driver.ExpectCounts(2, 6);
}

void CheckDeletesHaveVersions(StorageDriver& driver) {
  CheckReport& report = driver.report();
  uint64_t last = 0;
  for (int i = 0; i < 20; ++i) {
    const Op set = driver.Set("t", "k", "v", /*want_previous=*/true);
    report.Expect(set.version > last, "a set above the delete before it");
    report.ExpectEqual("version before a new key", set.previous_version, 0);
    const Op again = driver.Set("t", "k", "w", /*want_previous=*/true);
    report.ExpectEqual("version before an overwriting set",
                       again.previous_version, set.version);
    const Op unasked = driver.Set("t", "k", "x");
    report.ExpectEqual("version before, unasked", unasked.previous_version, 0);
    const Op removed = driver.Delete("t", "k", /*want_previous=*/true);
    report.Expect(removed.version > unasked.version,
                  "a delete has a version above the set before it");
    report.ExpectEqual("version before a delete", removed.previous_version,
                       unasked.version);
    last = removed.version;
    const Op absent = driver.Delete("t", "k", /*want_previous=*/true);
    report.ExpectEqual("version of a delete of nothing", absent.version, 0);
    report.ExpectEqual("version before a delete of nothing",
                       absent.previous_version, 0);
  }
}

void CheckWhatCannotBeExecuted(StorageDriver& driver) {
  CheckReport& report = driver.report();
  driver.Set("t", "k", "v");
  const std::string before = driver.Contents();
  const PageRange nothing{.limit = 0};
  Batch batch;
  batch.Change("t", "k", nullptr);
  batch.Scan("t", nullptr);
  batch.Scan("t", &nothing);
  batch.ListTables(&nothing);
  const size_t ungrouped = batch.size();
  // Operations of tables stand in no group.
  const uint32_t group = batch.NewGroup();
  batch.Set("t", "k", "w", false, group);
  const PageRange page{.limit = 1};
  batch.op(batch.Scan("t", &page)).group = group;
  const uint32_t next = batch.NewGroup();
  batch.op(batch.DropTable("t")).group = next;
  batch.Set("t", "l", "w", false, next);
  const uint32_t last = batch.NewGroup();
  batch.Set("t", "m", "w", false, last);
  batch.SetNote("note", nullptr, last);
  driver.Run(batch);
  for (size_t i = 0; i < batch.size(); ++i) {
    report.ExpectCode(
        absl::StrCat("operation ", i, i < ungrouped ? "" : ", in a group",
                     ", that cannot be executed"),
        batch.op(i).status, absl::StatusCode::kInvalidArgument);
  }
  report.Expect(driver.Contents() == before,
                "what cannot be executed left something behind");
}

}  // namespace coffer_testing
