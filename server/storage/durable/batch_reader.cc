#include "coffer/server/storage/durable/batch_reader.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "coffer/server/storage/durable/engine_status.h"
#include "coffer/server/storage/durable/read_pieces.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/server/storage/durable/table_scan.h"
#include "rocksdb/options.h"
#include "rocksdb/slice.h"
#include "rocksdb/snapshot.h"

namespace coffer::server {
namespace {

// So many keys are looked up on the caller's thread at most: more would hold up
// its other connections.
constexpr size_t kKeysFromMemoryMax = 1024;
// How often what belongs together is read again because it was changed
// meanwhile.
constexpr int kTries = 4;

// A cursor of a page is this and the name that the next one begins with.
constexpr char kFrom = '>';

bool IsCursor(absl::string_view cursor) {
  return cursor.empty() || cursor[0] == kFrom;
}

// Most often it is one key that is read.
template <class T>
using Few = absl::InlinedVector<T, 1>;

// Where a page begins.
absl::string_view FromOf(const PageRange& page) {
  const absl::string_view from = std::max(page.prefix, page.begin);
  if (page.cursor.empty()) return from;
  return std::max(from, page.cursor.substr(1));
}

std::string CursorAt(absl::string_view name) {
  return absl::StrCat(absl::string_view(&kFrom, 1), name);
}

absl::Status NoCursor(absl::string_view cursor) {
  return absl::InvalidArgumentError(absl::StrCat(
      "a cursor of ", cursor.size(), " bytes that is none of this engine"));
}

// The comparisons of a group of reads, so far.
void Compare(Op& op, bool* held) {
  const absl::string_view value = op.value_out.view();
  op.found = Holds(op, op.version, value);
  op.value_out = SharedBytes();
  *held = *held && op.found;
}

// Reads of a group that choose: what is read for nothing is forgotten.
void Choose(absl::Span<Op> unit) {
  bool held = true;
  for (Op& op : unit) {
    if (!op.status.ok()) return FailUnit(unit, &op - unit.data());
  }
  for (Op& op : unit) {
    if (op.branch != Branch::kAlways && held != (op.branch == Branch::kThen)) {
      ClearResult(&op);
      op.skipped = true;
    } else if (op.kind == OpKind::kCompare) {
      Compare(op, &held);
    }
  }
}

bool Chooses(absl::Span<const Op> unit) {
  return std::any_of(unit.begin(), unit.end(), [](const Op& op) {
    return op.kind == OpKind::kCompare || op.branch != Branch::kAlways;
  });
}

}  // namespace

// The keys to be read, each once, however often it is asked for: a request that
// names a large value many times must not hold as many copies of it.
class KeysToRead {
 public:
  // `ops` outlive it.
  explicit KeysToRead(absl::Span<Op* const> ops)
      : ops_(ops), next_of_same_(ops.size(), kNone) {
    names_.reserve(ops.size());
    if (ops.size() > 1) places_.reserve(ops.size());
  }

  // Operation `i` reads the key of that name.
  void Add(size_t i, std::string name) {
    names_.push_back(std::move(name));
    if (ops_.size() > 1) {
      const auto [at, added] =
          places_.try_emplace(names_.back(), slices_.size());
      if (!added) {
        names_.pop_back();
        size_t& last = last_op_[at->second];
        next_of_same_[last] = i;
        last = i;
        return;
      }
    }
    slices_.emplace_back(names_.back());
    first_op_.push_back(i);
    last_op_.push_back(i);
  }

  size_t size() const { return slices_.size(); }
  const rocksdb::Slice& name(size_t key) const { return slices_[key]; }

  // The operations that read the key, in their order.
  template <class Visit>
  void ForEachOp(size_t key, Visit visit) const {
    for (size_t i = first_op_[key]; i != kNone; i = next_of_same_[i]) {
      visit(*ops_[i]);
    }
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  const absl::Span<Op* const> ops_;
  Few<std::string> names_;  // never more than reserved: they stay
  Few<rocksdb::Slice> slices_;
  absl::flat_hash_map<absl::string_view, size_t> places_;
  // Of each key, and of each operation the next one that reads the same.
  Few<size_t> first_op_;
  Few<size_t> last_op_;
  Few<size_t> next_of_same_;
};

namespace {

// All of them read the key, which is as `status` and `stored` say.
template <class Take>
void TakeForAll(const KeysToRead& keys, size_t key, HeldBytes* held,
                Take take) {
  const Op* with_value = nullptr;
  keys.ForEachOp(key, [&](Op& op) {
    if (op.kind == OpKind::kExists) return take(op);
    if (with_value != nullptr) {
      op.status = with_value->status;
      op.found = with_value->found;
      op.version = with_value->version;
      op.expires_at_ms = with_value->expires_at_ms;
      op.value_out = with_value->value_out;
      return;
    }
    with_value = &op;
    op.status = held->Check();
    if (!op.status.ok()) return;
    take(op);
    held->Add(op.value_out.size());
  });
}

// Takes those out of `some` that nobody may hold, and nobody asks for
// otherwise.
void RefuseUnread(const KeysToRead& keys, const HeldBytes& held,
                  Few<size_t>* some) {
  const absl::Status room = held.Check();
  if (room.ok()) return;
  const auto refuse = [&](size_t key) {
    bool is_asked = false;
    keys.ForEachOp(key, [&](const Op& op) {
      is_asked = is_asked || op.kind == OpKind::kExists;
    });
    if (!is_asked) keys.ForEachOp(key, [&](Op& op) { op.status = room; });
    return !is_asked;
  };
  some->erase(std::remove_if(some->begin(), some->end(), refuse), some->end());
}

}  // namespace

ReadOutcome BatchReader::Execute(absl::Span<Op> ops, size_t result_bytes_max,
                                 HeldBytes* held, ReadFrom from) const {
  if (from == ReadFrom::kMemory) {
    if (ops.size() > kKeysFromMemoryMax) return ReadOutcome::kNotInMemory;
    for (const Op& op : ops) {
      if (IsTableOp(op.kind)) return ReadOutcome::kNotInMemory;
    }
  }
  std::vector<Op*> keys;
  keys.reserve(ops.size());
  for (size_t begin = 0; begin < ops.size();) {
    const size_t end = UnitEnd(ops, begin);
    const absl::Span<Op> unit = ops.subspan(begin, end - begin);
    begin = end;
    const absl::Status valid = CheckUnit(unit);
    if (valid.ok() && IsTableOp(unit[0].kind)) {
      ReadOutcome outcome = ReadKeys(keys, from, held);
      if (outcome != ReadOutcome::kDone) return outcome;
      keys.clear();
      held->BeginUnit();
      ClearResult(&unit[0]);
      unit[0].status = held->Check();
      if (!unit[0].status.ok()) continue;
      outcome = ReadTables(unit[0], result_bytes_max);
      if (outcome != ReadOutcome::kDone) return outcome;
      for (const TableEntry& entry : unit[0].entries) {
        held->Add(entry.key.size() + entry.value.size());
      }
      held->EndUnit();
      continue;
    }
    for (Op& op : unit) {
      op.status = valid;
      if (valid.ok()) keys.push_back(&op);
    }
  }
  const ReadOutcome outcome = ReadKeys(keys, from, held);
  if (outcome != ReadOutcome::kDone) return outcome;
  for (size_t begin = 0; begin < ops.size();) {
    const size_t end = UnitEnd(ops, begin);
    const absl::Span<Op> unit = ops.subspan(begin, end - begin);
    begin = end;
    if (Chooses(unit)) Choose(unit);
  }
  return outcome;
}

void BatchReader::TakeRecord(const rocksdb::Status& status,
                             const rocksdb::Slice& stored, Op& op) const {
  if (status.IsNotFound()) return;
  if (!status.ok()) {
    op.status = FromRocksDb(status, "reading a key");
    return;
  }
  DataRecord record;
  if (!DecodeData(ToView(stored), &record)) {
    op.status = CorruptRecord(op.table, stored.size());
    return;
  }
  if (IsExpired(record)) return;
  op.found = true;
  op.version = record.version;
  op.expires_at_ms = record.expires_at_ms;
  if (op.kind != OpKind::kExists) {
    op.value_out = SharedBytes::Copy(record.value);
  }
}

// As MultiGet. But one by one: RocksDB's MultiGet reads the files all the same,
// on this thread, and what it reads does not go into the cache then (7.8).
// False: some key's block is not in memory.
bool BatchReader::GetFromMemory(const rocksdb::ReadOptions& how,
                                absl::Span<const rocksdb::Slice> keys,
                                absl::Span<rocksdb::PinnableSlice> values,
                                absl::Span<rocksdb::Status> statuses) const {
  rocksdb::ReadOptions options = how;
  options.read_tier = rocksdb::kBlockCacheTier;
  for (size_t i = 0; i < keys.size(); ++i) {
    statuses[i] =
        db_.Get(options, db_.DefaultColumnFamily(), keys[i], &values[i]);
    if (statuses[i].IsIncomplete()) return false;
    // What RocksDB says of a key in a file that is not open. No record is
    // empty.
    if (statuses[i].ok() && values[i].empty()) return false;
  }
  return true;
}

// As of one moment. False: some key's block is not in memory.
bool BatchReader::ReadRecords(const KeysToRead& keys, ReadFrom from,
                              HeldBytes* held) const {
  rocksdb::ReadOptions options;
  options.value_size_soft_limit = ReadPieces::kBytes;
  absl::optional<rocksdb::ManagedSnapshot> moment;
  if (keys.size() > 1) options.snapshot = moment.emplace(&db_).snapshot();
  ReadPieces pieces;
  Few<size_t> some;
  for (size_t next = 0; next < keys.size() || !some.empty();) {
    while (next < keys.size() && some.size() < pieces.keys()) {
      some.push_back(next++);
    }
    RefuseUnread(keys, *held, &some);
    if (some.empty()) continue;
    const size_t piece = std::min(some.size(), pieces.keys());
    Few<rocksdb::Slice> names;
    for (size_t i = 0; i < piece; ++i) names.push_back(keys.name(some[i]));
    Few<rocksdb::PinnableSlice> values(piece);
    Few<rocksdb::Status> statuses(piece);
    if (from == ReadFrom::kDisk) {
      db_.MultiGet(options, db_.DefaultColumnFamily(), piece, names.data(),
                   values.data(), statuses.data());
    } else if (!GetFromMemory(options, names, absl::MakeSpan(values),
                              absl::MakeSpan(statuses))) {
      return false;
    }
    Few<size_t> not_read;  // behind what is too much for once
    size_t bytes = 0;
    for (size_t i = 0; i < piece; ++i) {
      if (statuses[i].IsAborted()) {
        not_read.push_back(some[i]);
        continue;
      }
      bytes += values[i].size();
      TakeForAll(keys, some[i], held,
                 [&](Op& op) { TakeRecord(statuses[i], values[i], op); });
    }
    pieces.Read(bytes);
    not_read.insert(not_read.end(), some.begin() + piece, some.end());
    some.swap(not_read);
  }
  return true;
}

ReadOutcome BatchReader::ReadKeys(absl::Span<Op* const> ops, ReadFrom from,
                                  HeldBytes* held) const {
  if (ops.empty()) return ReadOutcome::kDone;
  const HeldBytes held_before = *held;
  std::vector<TableId> ids;
  for (int tries = 0; tries < kTries; ++tries) {
    const TableCatalogue::Found found = catalogue_.FindAll(ops, &ids);
    *held = held_before;
    KeysToRead keys(ops);
    for (size_t i = 0; i < ops.size(); ++i) {
      ClearResult(ops[i]);
      if (ids[i] != kNoTable) keys.Add(i, DataKey(ids[i], ops[i]->key));
    }
    if (!ReadRecords(keys, from, held)) return ReadOutcome::kNotInMemory;
    if (found.one_table || catalogue_.generation() == found.generation) {
      return ReadOutcome::kDone;
    }
  }
  return ReadOutcome::kTablesChange;
}

ReadOutcome BatchReader::ReadTables(Op& op, size_t result_bytes_max) const {
  ClearResult(&op);
  switch (op.kind) {
    case OpKind::kGetTable:
      GetTable(op, result_bytes_max);
      break;
    case OpKind::kScan:
      Scan(op);
      break;
    case OpKind::kListTables:
    case OpKind::kCountKeys:
      return ReadCounts(op);
    default:
      op.status = absl::InvalidArgumentError("not a read of tables");
  }
  return ReadOutcome::kDone;
}

ReadOutcome BatchReader::ReadCounts(Op& op) const {
  for (int tries = 0; tries < kTries; ++tries) {
    const uint64_t commits = catalogue_.commits();
    if (commits % 2 != 0) continue;
    ClearResult(&op);
    op.kind == OpKind::kCountKeys ? CountKeys(op) : ListTables(op);
    if (catalogue_.commits() == commits) return ReadOutcome::kDone;
  }
  return ReadOutcome::kTablesChange;
}

void BatchReader::GetTable(Op& op, size_t result_bytes_max) const {
  const TableRecord table = catalogue_.Find(op.table);
  if (table.id == kNoTable) return;
  EntryCollector entries(&op, result_bytes_max);
  const absl::Status read = ForEachRecord(
      db_, table.id, "", [&](absl::string_view key, const DataRecord& record) {
        return IsExpired(record) || entries.Add(key, record);
      });
  if (!read.ok()) entries.Fail(read);
}

void BatchReader::Scan(Op& op) const {
  const PageRange& page = *op.page;
  if (!IsCursor(page.cursor)) {
    op.status = NoCursor(page.cursor);
    return;
  }
  const TableRecord table = catalogue_.Find(op.table);
  if (table.id == kNoTable) return;
  size_t bytes = 0;
  const auto visit = [&](absl::string_view key, const DataRecord& record) {
    if (!InRange(page, key)) return false;  // all behind it are not either
    if (IsExpired(record)) return true;
    bytes += key.size() + (page.keys_only ? 0 : record.value.size());
    const bool over = page.bytes_max != 0 && bytes > page.bytes_max;
    if (op.entries.size() == page.limit || (over && !op.entries.empty())) {
      op.cursor_out = CursorAt(key);
      return false;
    }
    op.entries.push_back(
        {SharedBytes::Copy(key),
         page.keys_only ? SharedBytes() : SharedBytes::Copy(record.value),
         record.version, record.expires_at_ms});
    return true;
  };
  const absl::Status read = ForEachRecord(db_, table.id, FromOf(page), visit);
  if (read.ok()) return;
  ClearResult(&op);
  op.status = read;
}

void BatchReader::ListTables(Op& op) const {
  const PageRange& page = *op.page;
  DueByTable due;
  op.status = IsCursor(page.cursor) ? FindDue(db_, kNoTable, now_ms_, &due)
                                    : NoCursor(page.cursor);
  if (!op.status.ok()) return;
  size_t bytes = 0;
  catalogue_.ForEach(
      FromOf(page), [&](absl::string_view name, const TableRecord& table) {
        if (!absl::StartsWith(name, page.prefix)) return false;
        const Due gone = due[table.id];
        if (table.keys <= gone.keys) return true;
        bytes += name.size();
        const bool over = page.bytes_max != 0 && bytes > page.bytes_max;
        if (op.tables.size() == page.limit || (over && !op.tables.empty())) {
          op.cursor_out = CursorAt(name);
          return false;
        }
        op.tables.push_back({.name = std::string(name),
                             .keys = table.keys - gone.keys,
                             .bytes = table.bytes - gone.bytes});
        return true;
      });
}

void BatchReader::CountKeys(Op& op) const {
  const TableRecord table = catalogue_.Find(op.table);
  if (table.id == kNoTable) return;
  DueByTable due;
  op.status = FindDue(db_, table.id, now_ms_, &due);
  const Due gone = due[table.id];
  if (!op.status.ok() || table.keys <= gone.keys) return;
  op.found = true;
  op.tables.push_back({.name = std::string(op.table),
                       .keys = table.keys - gone.keys,
                       .bytes = table.bytes - gone.bytes});
}

}  // namespace coffer::server
