// Notes of durable engines: written and removed with their groups, there after
// the store was closed, and given in the order of their names.

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/testing/storage/checks.h"
#include "coffer/testing/storage/value_changes.h"

namespace coffer_testing {

using ::coffer::server::Batch;
using ::coffer::server::Branch;
using ::coffer::server::Condition;
using ::coffer::server::Op;

namespace {

// Closes the store, opens it again, and reads its notes, as "name=note ".
std::string NotesAfterReopening(StorageDriver& driver) {
  driver.Reopen();
  std::string notes;
  const absl::Status read = driver.storage().ForEachNote(
      [&](absl::string_view name, absl::string_view note) {
        absl::StrAppend(&notes, absl::CHexEscape(name), "=",
                        absl::CHexEscape(note), " ");
      });
  driver.report().ExpectCode("reading notes", read, absl::StatusCode::kOk);
  return notes;
}

}  // namespace

void CheckNotesGoWithTheirGroup(StorageDriver& driver) {
  CheckReport& report = driver.report();
  const FunctionChange done = AppendText("done");
  // Of what its group did.
  const FunctionChange tell([](absl::optional<absl::string_view>,
                               absl::Span<const Op> before,
                               std::string* changed) {
    for (const Op& op : before) absl::StrAppend(changed, op.key, op.found, ";");
    return absl::OkStatus();
  });
  const FunctionChange refuse = RefuseChange(absl::OutOfRangeError("no more"));
  driver.Set("t", "k", "v");
  Batch batch;
  const uint32_t first = batch.NewGroup();
  batch.Set("t", "k", "w", false, first);
  batch.Set("t", "l", "w", false, first);
  batch.SetNote("tells", &tell, first);
  batch.SetNote("after it", &done, first);
  const uint32_t early = batch.NewGroup();  // fails before its note
  batch.op(batch.Set("t", "k", "x", false, early)).condition = {
      Condition::Kind::kAbsent};
  batch.SetNote("early", &done, early);
  const uint32_t late = batch.NewGroup();  // and behind it
  batch.SetNote("late", &done, late);
  batch.DeleteNote("tells", late);
  batch.op(batch.Set("t", "k", "x", false, late)).condition = {
      Condition::Kind::kAbsent};
  const uint32_t by_note = batch.NewGroup();  // by the note itself
  batch.Set("t", "k", "x", false, by_note);
  const size_t refused = batch.SetNote("refused", &refuse, by_note);
  const uint32_t chooses = batch.NewGroup();
  batch.Compare("t", "k", {Condition::Kind::kPresent}, "", chooses);
  batch.op(batch.SetNote("then", &done, chooses)).branch = Branch::kThen;
  batch.op(batch.SetNote("else", &done, chooses)).branch = Branch::kElse;
  driver.Run(batch);
  report.ExpectCode("a note that is refused", batch.op(refused).status,
                    absl::StatusCode::kOutOfRange);
  report.ExpectCode("the write beside a note that is refused",
                    batch.op(refused - 1).status, absl::StatusCode::kAborted);
  driver.ExpectValue("t", "k", "w");
  const std::string want = "after it=done tells=k1;l0; then=done ";
  report.ExpectEqual("notes", NotesAfterReopening(driver), want);
  report.ExpectEqual("notes, when opened again", NotesAfterReopening(driver),
                     want);
  driver.ExpectValue("t", "k", "w");
  driver.ExpectCounts(1, 2);  // notes are beside the tables

  Batch next;
  const uint32_t group = next.NewGroup();
  next.DeleteNote("then", group);
  next.SetNote("tells", &done, group);
  next.DeleteNote("absent", group);
  next.Set("t", "k", "y", false, group);
  next.DeleteNote("after it");  // on its own
  driver.RunOk(next);
  report.ExpectEqual("notes after some were removed",
                     NotesAfterReopening(driver), "tells=done ");
  driver.ExpectValue("t", "k", "y");
}

void CheckNotesAreGivenInOrder(StorageDriver& driver) {
  const std::vector<std::string> names = {
      "\xff", "b", std::string(1, '\0'), "", "a", "ab", "\x80", "a/b"};
  std::vector<FunctionChange> notes;
  notes.reserve(names.size());
  Batch batch;
  for (const std::string& name : names) {
    notes.push_back(AppendText(absl::StrCat("of ", name)));
    batch.SetNote(name, &notes.back(), batch.NewGroup());
  }
  const FunctionChange nothing = AppendText("");
  batch.SetNote("an empty one", &nothing, batch.NewGroup());
  driver.RunOk(batch);
  driver.report().ExpectEqual(
      "notes of any names", NotesAfterReopening(driver),
      "=of  \\x00=of \\x00 a=of a a/b=of a/b ab=of ab an empty one= b=of b "
      "\\x80=of \\x80 \\xff=of \\xff ");
}

}  // namespace coffer_testing
