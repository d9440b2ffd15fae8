// CommitPlan: operations on keys that are committed together, those of several
// batches, executed one after another on what is committed and what they
// themselves write, and turned into one RocksDB write. Results are in the
// operations from Plan on; they are true only once write() is on the disk.
//
// A group that fails half-way is undone: what it has changed is put back.
//
// Only one plan lives at a time: it is what serialises read-modify-writes.
// One thread.

#ifndef COFFER_SERVER_STORAGE_DURABLE_COMMIT_PLAN_H_
#define COFFER_SERVER_STORAGE_DURABLE_COMMIT_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/server/storage/batch.h"
#include "coffer/server/storage/durable/table_catalogue.h"
#include "coffer/server/storage/held_bytes.h"
#include "coffer/server/storage/storage.h"
#include "rocksdb/db.h"
#include "rocksdb/slice.h"
#include "rocksdb/write_batch.h"

namespace coffer::server {

// Where the next version and the next table's id come from.
struct CommitCounters {
  uint64_t last_version = 0;
  // As on the disk: versions up to here may be given without a write of it.
  uint64_t version_bound = 0;
  TableId last_table = kNoTable;
};

// Operations of one batch that are committed at once: whole units, none with an
// operation of tables. They, and the names and values in them, outlive the
// plan.
struct CommitPart {
  absl::Span<Op> ops;
  // Of their batch: what the results hold. What is read for them may be as much
  // once more. Outlives the plan.
  HeldBytes* held = nullptr;
};

class CommitPlan {
 public:
  struct Environment {
    rocksdb::DB* db = nullptr;
    const TableCatalogue* catalogue = nullptr;
    // Milliseconds since 1970.
    uint64_t now_ms = 0;
    // Whether anybody may want to be told of changes.
    bool tells = false;
  };

  // What it is given outlives it.
  CommitPlan(const Environment& environment, const CommitCounters& counters);
  CommitPlan(const CommitPlan&) = delete;
  CommitPlan& operator=(const CommitPlan&) = delete;

  // Once. Blocks on the disk.
  void Plan(absl::Span<const CommitPart> parts);

  rocksdb::WriteBatch& write() { return write_; }
  // What there is to write; without it the results are true as they are.
  bool has_writes() const { return write_.Count() > 0; }
  absl::Span<const TableChange> changes() const { return table_changes_; }
  // Tells them, once it is written. Whether they are wanted is asked only now:
  // who began to watch while it was written may have read what was before.
  void TellChanges(ChangeSink* sink) const;
  // As they are once it is written.
  const CommitCounters& counters() const { return counters_; }

 private:
  // What a key is at some moment.
  struct State {
    bool exists = false;
    uint64_t version = 0;
    uint64_t expires_at_ms = 0;
    // Known also of a value that no operation of the plan needs, which is not
    // kept.
    size_t value_bytes = 0;
    bool value_known = true;
    absl::string_view value = {};
    // Of the value, if it is not elsewhere; or made when it is first asked for.
    SharedBytes shared = {};
  };
  // A key that the operations name.
  struct Key {
    uint32_t table = 0;
    bool needs_value = false;
    uint32_t part = 0;  // the first that needs its value
    absl::string_view name;
    std::string encoded;
    absl::Status error;  // what is stored cannot be read
    bool stored = false;
    uint64_t stored_expires_at_ms = 0;
    bool changed = false;
    State now;
  };
  struct Undo {
    uint32_t key;
    bool changed;
    State before;
    uint64_t table_keys;
    uint64_t table_bytes;
  };
  struct Told {
    KeyChange::Kind kind;
    uint32_t key;
    uint64_t version;
    uint64_t expires_at_ms;
    absl::string_view value;
    SharedBytes shared;  // null: not made yet
  };
  struct Note {
    std::string key;
    absl::optional<std::string> note;  // none: it is removed
  };

  void Load(const CommitPart& part);
  uint32_t TableOf(absl::string_view name);
  uint32_t KeyOf(const Op& op);
  void ReadStored();
  size_t ReadSome(absl::Span<const uint32_t> keys,
                  std::vector<uint32_t>* not_read);
  void TakeStored(const rocksdb::Status& status,
                  rocksdb::PinnableSlice&& stored, uint32_t key);

  void Execute(absl::Span<Op> unit, absl::Span<const uint32_t> keys);
  void ExecuteOp(absl::Span<Op> unit, size_t i, uint32_t key);
  void ExecuteOnKey(absl::Span<Op> unit, size_t i, uint32_t key);
  absl::Status CheckValue(const Key& key) const;
  void Change(absl::Span<Op> unit, size_t i, uint32_t key);
  void SetNote(absl::Span<Op> unit, size_t i);
  // The key becomes so, by `op`.
  void Write(Op& op, uint32_t key, State state);
  void Tell(KeyChange::Kind kind, uint32_t key, uint64_t version);
  void Put(uint32_t key, State state);
  void UndoFrom(size_t undos, size_t notes, size_t told);

  void WriteKeys();
  void WriteTables();
  SharedBytes ValueOf(State& state);

  const Environment environment_;
  CommitCounters counters_;

  std::vector<TableChange> tables_;
  absl::flat_hash_map<absl::string_view, uint32_t> table_by_name_;
  std::vector<Key> keys_;
  absl::flat_hash_map<std::pair<uint32_t, absl::string_view>, uint32_t>
      key_by_name_;
  std::vector<uint32_t> of_op_;  // the key of each operation, in order
  std::deque<rocksdb::PinnableSlice> stored_;  // the values point into it
  struct Part {
    HeldBytes read;
    HeldBytes* held = nullptr;
  };
  std::vector<Part> parts_;

  // Of the unit that is executed.
  uint32_t part_ = 0;
  bool held_ = true;  // its comparisons so far
  std::vector<Undo> undos_;

  std::vector<Note> notes_;
  rocksdb::WriteBatch write_;
  std::vector<TableChange> table_changes_;
  std::vector<Told> told_;
};

// Gives `counters` room for the version that is its last, if it has none, and
// writes so.
void ReserveVersions(CommitCounters* counters, rocksdb::WriteBatch* write);

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_COMMIT_PLAN_H_
