// Groups and failures, as one thread sees them.

#include <string>

#include "absl/strings/str_cat.h"
#include "coffer/testing/storage/checks.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Op;

void CheckGroupKeepsItsOrder(StorageDriver& driver) {
  CheckReport& report = driver.report();
  Batch batch;
  const uint32_t group = batch.NewGroup();
  batch.Set("t", "k", "1", true, group);
  batch.Set("u", "k", "2", true, group);
  batch.Set("t", "k", "3", true, group);
  batch.Get("t", "k", group);
  batch.Delete("t", "k", true, group);
  batch.Exists("t", "k", group);
  batch.Delete("t", "k", true, group);
  const uint32_t next = batch.NewGroup();
  batch.Get("u", "k", next);
  batch.Set("t", "k", "4", true, next);
  driver.Run(batch);
  auto ops = batch.ops();
  for (const Op& op : ops) {
    report.Expect(op.status.ok(), absl::StrCat("an operation of a group: ",
                                               op.status.ToString()));
  }
  report.Expect(!ops[0].value_out, "the first write has no previous value");
  report.Expect(!ops[1].value_out, "another table's key has none either");
  report.ExpectEqual("previous value of a key twice in a group",
                     ops[2].value_out.view(), "1");
  report.Expect(ops[2].version > ops[0].version,
                "the later write of a group has the higher version");
  report.ExpectEqual("read in a group", ops[3].value_out.view(), "3");
  report.ExpectEqual("removed in a group", ops[4].value_out.view(), "3");
  report.Expect(!ops[5].found, "Exists after a delete of its group");
  report.Expect(!ops[6].found && !ops[6].value_out,
                "a second delete of the group found the key");
  report.ExpectEqual("read in the next group", ops[7].value_out.view(), "2");
  report.Expect(!ops[8].value_out, "the next group sees the delete");
  driver.ExpectValue("t", "k", "4");
  driver.ExpectValue("u", "k", "2");
}

void CheckFailedGroupDoesNothing(StorageDriver& driver) {
  CheckReport& report = driver.report();
  driver.Set("t", "kept", "1");
  Batch batch;
  const uint32_t group = batch.NewGroup();
  batch.Set("t", "new", "2", false, group);
  batch.Delete("t", "kept", false, group);
  batch.GetTable("t");  // not allowed in a group
  batch.ops()[2].group = group;
  batch.Set("t", "kept", "3", false, group);
  const size_t other = batch.Set("u", "other", "4");
  driver.Run(batch);
  for (size_t i = 0; i < other; ++i) {
    const Op& op = batch.ops()[i];
    report.Expect(op.status.code() == absl::StatusCode::kInvalidArgument,
                  absl::StrCat("operation ", i,
                               " of a failed group: ", op.status.ToString()));
    report.Expect(!op.outcome_unknown, "the outcome of a refusal is known");
  }
  report.Expect(batch.ops()[other].status.ok(),
                "the operation after a failed group");
  driver.ExpectValue("t", "kept", "1");
  driver.ExpectValue("t", "new", nullptr);
  driver.ExpectValue("u", "other", "4");
}

void CheckFailedItemLeavesTheOthers(StorageDriver& driver) {
  CheckReport& report = driver.report();
  driver.Set("big", "k", std::string(100, 'v'));
  Batch batch;
  batch.set_result_bytes_max(50);
  batch.Set("t", "a", "1");
  const size_t failed = batch.GetTable("big");
  batch.Set("t", "b", "2");
  const size_t table = batch.GetTable("t");
  driver.Run(batch);
  for (size_t i = 0; i < batch.size(); ++i) {
    report.ExpectEqual(absl::StrCat("operation ", i, " succeeded"),
                       batch.ops()[i].status.ok(), i != failed);
  }
  report.ExpectEqual("entries beside a failed item",
                     batch.ops()[table].entries.size(), 2);
  driver.ExpectValue("t", "a", "1");
  driver.ExpectValue("t", "b", "2");
}

}  // namespace coffer_testing
