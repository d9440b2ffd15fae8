// Batch: operations submitted to a storage engine together, with a result each.
//
// They take effect in their order: a read sees the writes before it in the
// batch. An operation with a group of 0 succeeds or fails on its own.
// Consecutive operations with the same non-zero group form one atomic group:
// all of them take effect at one moment, or, if any fails, none does and each
// has an error. Operations of tables (IsTableOp) stand in no group.
//
// A group may choose: its comparisons (kCompare), which stand before what
// depends on them, decide at that moment whether the operations of
// Branch::kThen are executed or those of kElse. The others are skipped.
//
// A batch belongs to one thread at a time: the submitter's, and from Submit
// until done the engine's.

#ifndef COFFER_SERVER_STORAGE_BATCH_H_
#define COFFER_SERVER_STORAGE_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/server/storage/shared_bytes.h"

namespace coffer::server {

struct Op;

enum class OpKind : uint8_t {
  // Of a key:
  kGet,
  kExists,
  kSet,
  kDelete,
  kChange,   // read, change and write: Op::change
  kExpire,   // only its expiry
  kCompare,  // in a group: does Op::condition hold?
  // Of a note: a small record beside the tables (Storage::ForEachNote), named
  // by `key`, written and removed in the same step as the group it is in. An
  // engine that is not durable does nothing for them.
  kSetNote,  // to what Op::change makes
  kDeleteNote,
  // Of tables:
  kGetTable,
  kScan,        // a page of a table
  kListTables,  // a page of them
  kCountKeys,
  kDropTable,
  kRenameTable,  // `value` is the new name
};

// Changes what is stored, so that executing it twice is not as good as once.
inline bool IsWrite(OpKind kind) {
  switch (kind) {
    case OpKind::kSet:
    case OpKind::kDelete:
    case OpKind::kChange:
    case OpKind::kExpire:
    case OpKind::kSetNote:
    case OpKind::kDeleteNote:
    case OpKind::kDropTable:
    case OpKind::kRenameTable:
      return true;
    default:
      return false;
  }
}

// Of a whole table, or of several: in no group.
inline bool IsTableOp(OpKind kind) { return kind >= OpKind::kGetTable; }

inline bool IsNoteOp(OpKind kind) {
  return kind == OpKind::kSetNote || kind == OpKind::kDeleteNote;
}

// What has to hold of a key as it is when the operation's turn comes.
struct Condition {
  enum class Kind : uint8_t {
    kNone,  // always holds
    kAbsent,
    kPresent,
    // The key's version, 0 for one that is absent, beside `version`:
    kVersionEqual,
    kVersionNotEqual,
    kVersionLess,
    kVersionGreater,
    // Only of kCompare: the key's bytes beside Op::value. What is absent is
    // equal to nothing.
    kValueEqual,
    kValueNotEqual,
  };
  Kind kind = Kind::kNone;
  uint64_t version = 0;
};

// When a key is to expire. At that time, by the engine's clock, it is absent to
// all operations, whether it was removed already or not.
struct Expiry {
  enum class Kind : uint8_t {
    kNever,
    kKeep,     // as it was; never, if the key is new
    kAtMs,     // at `ms` milliseconds since 1970; past: it goes at once
    kAfterMs,  // `ms` milliseconds after the execution
  };
  Kind kind = Kind::kNever;
  uint64_t ms = 0;
};

// A change of a value that depends on what it is, executed by the engine while
// nobody else writes the key. It may be executed more than once for one
// operation. Any thread.
class ValueChange {
 public:
  virtual ~ValueChange() = default;
  // `present`: what is stored, nullopt if the key is absent, or for a note,
  // which is not read. `before`: the operations of its group that stand before
  // it, with their results. `changed` is empty at first. An error fails the
  // operation.
  virtual absl::Status Apply(absl::optional<absl::string_view> present,
                             absl::Span<const Op> before,
                             std::string* changed) const = 0;
  // What it holds beside itself, about.
  virtual size_t bytes() const { return 0; }
};

// What a kScan or kListTables is to give: a page. A page of a kScan may be
// empty and have a cursor, where an engine has to look through many keys for a
// few.
struct PageRange {
  // The page before ended here: its cursor_out. Empty: the first page. May be
  // any bytes, as it comes from a peer: what is no cursor of the engine's gives
  // kInvalidArgument, or any page.
  absl::string_view cursor = {};
  // Keys, or names of tables, that begin so, and are not before `begin` and
  // before `end`; empty `end`: no bound. kListTables has a prefix only.
  absl::string_view prefix = {};
  absl::string_view begin = {};
  absl::string_view end = {};
  // At most so many entries, at least 1.
  size_t limit = 1;
  // The page ends before the entry with which its keys and values would pass so
  // many bytes, but they do not make it empty. 0: no limit.
  size_t bytes_max = 0;
  bool keys_only = false;  // kScan: entries have no value
};

// One key of a kGetTable or kScan.
struct TableEntry {
  SharedBytes key;
  SharedBytes value;
  uint64_t version = 0;
  uint64_t expires_at_ms = 0;  // since 1970; 0: never
};

// One table.
struct TableStats {
  std::string name;
  uint64_t keys = 0;
  // Of keys and values.
  uint64_t bytes = 0;
};

// Which branch of its group an operation is in.
enum class Branch : uint8_t { kAlways, kThen, kElse };

struct Op {
  // The request. Names and values are views of memory that the submitter keeps
  // alive and unchanged until the batch is done, as is what is pointed to; an
  // engine keeps none of them.
  OpKind kind = OpKind::kGet;
  bool want_previous = false;  // kSet, kDelete: value_out is asked for
  Branch branch = Branch::kAlways;
  uint32_t group = 0;
  absl::string_view table;  // all but kListTables and notes
  absl::string_view key;    // all but those of tables
  // kSet: a serialized v1::Value, to the engine just bytes.
  absl::string_view value;
  Condition condition;                  // kSet, kDelete, kExpire; kCompare
  Expiry expiry;                        // kSet, kChange, kExpire
  const ValueChange* change = nullptr;  // kChange, kSetNote
  const PageRange* page = nullptr;      // kScan, kListTables

  // The result. After an error only `status` and `outcome_unknown` have
  // meaning, but after a condition that did not hold (FailedPrecondition) also
  // what says how the key is: found, version, expires_at_ms, value_out. In a
  // group the operation that failed has the reason, and the others are Aborted.
  absl::Status status;
  // A failed write may have had its effect, or may have it yet; false: it has
  // none. (A sync that failed, a replica that did not answer.)
  bool outcome_unknown = false;
  // Of the branch that was not taken: not executed, and without other results.
  bool skipped = false;
  // kCompare: it holds. The others: the key, or the table, was there: when
  // read, or just before the write.
  bool found = false;
  // kGet, kExists, kCompare: of the record found. kSet, kChange, kExpire: of
  // the record written. kDelete: of the deletion, if there was something to
  // delete. Else 0.
  uint64_t version = 0;
  // Of the record found or written, in milliseconds since 1970; 0: never. Those
  // of kSet and kDelete with want_previous: of the record written.
  uint64_t expires_at_ms = 0;
  // kGet: the value; kSet and kDelete with want_previous: the one before. Null
  // if there was none. kChange: the new value.
  SharedBytes value_out;
  // kSet and kDelete with want_previous: of the record before; 0 if none.
  uint64_t previous_version = 0;
  // kGetTable: every key of the table, none twice; sorted by key if the engine
  // declares ordered_scan. kScan: the page, in an order of the engine's in
  // which each key has its place for good; ordered_scan: that of the keys.
  // Empty if there is no such table.
  std::vector<TableEntry> entries;
  // kListTables: the page, by name. kCountKeys, kDropTable, kRenameTable: what
  // the table has, or had; none if there is no such table.
  std::vector<TableStats> tables;
  // kScan, kListTables: the cursor of the next page; empty: there is none.
  std::string cursor_out;
};

class Batch {
 public:
  // Each adds one operation and returns its index.
  size_t Get(absl::string_view table, absl::string_view key,
             uint32_t group = 0);
  size_t Exists(absl::string_view table, absl::string_view key,
                uint32_t group = 0);
  size_t GetTable(absl::string_view table);
  size_t Set(absl::string_view table, absl::string_view key,
             absl::string_view value, bool want_previous = false,
             uint32_t group = 0);
  size_t Delete(absl::string_view table, absl::string_view key,
                bool want_previous = false, uint32_t group = 0);
  size_t Change(absl::string_view table, absl::string_view key,
                const ValueChange* change, uint32_t group = 0);
  size_t Expire(absl::string_view table, absl::string_view key,
                const Expiry& expiry, uint32_t group = 0);
  size_t Compare(absl::string_view table, absl::string_view key,
                 const Condition& condition, absl::string_view value,
                 uint32_t group);
  size_t SetNote(absl::string_view name, const ValueChange* change,
                 uint32_t group);
  size_t DeleteNote(absl::string_view name, uint32_t group = 0);
  size_t Scan(absl::string_view table, const PageRange* page);
  size_t ListTables(const PageRange* page);
  size_t CountKeys(absl::string_view table);
  size_t DropTable(absl::string_view table);
  size_t RenameTable(absl::string_view table, absl::string_view new_name);
  // The operation, to set what the functions above have no argument for.
  Op& op(size_t i) { return ops_[i]; }

  // Makes room for so many more at once.
  void Reserve(size_t ops);
  // A group that no operation of this batch has yet.
  uint32_t NewGroup() { return ++last_group_; }

  absl::Span<Op> ops() { return absl::MakeSpan(ops_); }
  absl::Span<const Op> ops() const { return ops_; }
  size_t size() const { return ops_.size(); }
  bool empty() const { return ops_.empty(); }

  // A kGetTable whose keys and values pass so many bytes in all fails with
  // ResourceExhausted and gives no entries; 0 is no limit.
  size_t result_bytes_max() const { return result_bytes_max_; }
  void set_result_bytes_max(size_t bytes) { result_bytes_max_ = bytes; }

  // Operations of keys that come when the results hold so many bytes that are
  // not in the store anyway, copies of what is on the disk and changed values,
  // fail, each with its group, and are not executed: with Unavailable, or with
  // ResourceExhausted where those of the group are too much by themselves. 0 is
  // no limit.
  size_t held_bytes_max() const { return held_bytes_max_; }
  void set_held_bytes_max(size_t bytes) { held_bytes_max_ = bytes; }

  // Forgets operations and results. Keeps the memory for the next operations,
  // unless it has become large; keeps the limits.
  void Clear();

 private:
  Op& Add(OpKind kind, absl::string_view table, absl::string_view key,
          uint32_t group);

  std::vector<Op> ops_;
  uint32_t last_group_ = 0;
  size_t result_bytes_max_ = 0;
  size_t held_bytes_max_ = 0;
};

// --- For engines

// The end of the unit of execution that begins at `begin`: past one atomic
// group, or past one operation on its own.
size_t UnitEnd(absl::Span<const Op> ops, size_t begin);

// The operation's result is as before its execution.
void ClearResult(Op* op);

// Whether a unit is one that can be executed: no operation of tables in a
// group, none that lacks what it points to, no name or value larger than
// SharedBytes holds. InvalidArgument if not.
absl::Status CheckUnit(absl::Span<const Op> unit);

// Whether the operation's condition holds of its key; version 0: it is absent.
bool Holds(const Op& op, uint64_t version, absl::string_view value);

// A condition that does not hold of such a key.
absl::Status ConditionFailed(const Op& op, uint64_t version);

// When a key that is written at `now_ms` expires: at 0, never; at or before
// now_ms, at once.
uint64_t ExpiresAtMs(const Expiry& expiry, uint64_t now_ms,
                     uint64_t present_expires_at_ms);

// The unit failed by operation `failed`, which has its status: the others are
// Aborted, and nothing of it was done.
void FailUnit(absl::Span<Op> unit, size_t failed);

// Whether `key` is in the page's range; of the cursor the engine takes care.
bool InRange(const PageRange& page, absl::string_view key);

// The error of a kRenameTable to a name that there is a table of.
absl::Status TableExists(absl::string_view name);

// The error of a kGetTable that has passed result_bytes_max.
absl::Status TableTooLarge(size_t bytes_so_far, size_t bytes_max);

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_BATCH_H_
