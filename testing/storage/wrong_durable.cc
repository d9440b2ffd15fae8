// Those that are wrong about what lasts beyond the store's closing.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/testing/storage/model_storage.h"
#include "coffer/testing/storage/wrapped_storage.h"
#include "coffer/testing/storage/wrong_storages.h"

namespace coffer_testing {
namespace {

using ::coffer::server::Batch;
using ::coffer::server::Op;
using ::coffer::server::Storage;

// A durable engine, but for what `spoil` does to its data while it is closed,
// and what T makes of it.
template <class T = WrappedStorage>
WrongStorage WrongDurable(
    const char* name, absl::string_view check, absl::string_view failure,
    void (*spoil)(ModelStorage::Data&) = [](ModelStorage::Data&) {}) {
  auto data = std::make_shared<std::shared_ptr<ModelStorage::Data>>();
  const auto open = [data] {
    return std::make_unique<T>(
        std::make_unique<ModelStorage>(*data, SuiteClock().get()));
  };
  return {.engine = {.name = name,
                     .open =
                         [data, open] {
                           *data = std::make_shared<ModelStorage::Data>();
                           return open();
                         },
                     .reopen =
                         [data, open, spoil](std::unique_ptr<Storage> storage) {
                           storage.reset();
                           spoil(**data);
                           return open();
                         },
                     .clock = SuiteClock()},
          .check = check,
          .failure = failure};
}

void LoseAll(ModelStorage::Data& data) { data = {}; }
void LoseRename(ModelStorage::Data& data) { data.tables.erase("new"); }
void LoseExpiry(ModelStorage::Data& data) {
  for (auto& [name, table] : data.tables) {
    for (auto& [key, record] : table) record.expires_at_ms = 0;
  }
}

// Writes notes beside their groups.
class NotesAlone : public WrappedStorage {
 public:
  using WrappedStorage::WrappedStorage;

 private:
  void Change(Batch& batch) override {
    for (Op& op : batch.ops()) {
      if (IsNoteOp(op.kind)) op.group = 0;
    }
    Execute(batch);
  }
};

class NotesBackwards : public WrappedStorage {
 public:
  using WrappedStorage::WrappedStorage;
  absl::Status ForEachNote(NoteVisitor visit) override {
    std::map<std::string, std::string, std::greater<>> notes;
    const absl::Status read = WrappedStorage::ForEachNote(
        [&](absl::string_view name, absl::string_view note) {
          notes.emplace(name, note);
        });
    for (const auto& [name, note] : notes) visit(name, note);
    return read;
  }
};

}  // namespace

std::vector<WrongStorage> WrongAboutWhatLasts() {
  return {
      WrongDurable("ForgetsWhenClosed", "DataOutlivesTheStore",
                   "key \"kept\": found: got 0, want 1", LoseAll),
      WrongDurable("ForgetsRename", "TablesOutliveTheStore",
                   "tables after reopening", LoseRename),
      WrongDurable("ForgetsExpiry", "ExpiryOutlivesTheStore",
                   "expiry after reopening: got 0", LoseExpiry),
      WrongDurable<NotesAlone>("NotesAlone", "NotesGoWithTheirGroup",
                               "notes: got "),
      WrongDurable<NotesBackwards>("NotesBackwards", "NotesAreGivenInOrder",
                                   "notes of any names"),
  };
}

}  // namespace coffer_testing
