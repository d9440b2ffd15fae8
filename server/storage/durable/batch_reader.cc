#include "coffer/server/storage/durable/batch_reader.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "coffer/server/storage/durable/engine_status.h"
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

// The keys to be read, each once, however often it is asked for: a request that
// names a large value many times must not hold as many copies of it.
class DistinctKeys {
 public:
  explicit DistinctKeys(size_t most) : most_(most) { keys_.reserve(most); }

  // Its place among slices().
  size_t Add(std::string key) {
    keys_.push_back(std::move(key));
    if (most_ == 1) {
      slices_.emplace_back(keys_.back());
      return 0;
    }
    const auto [at, added] = places_.try_emplace(keys_.back(), slices_.size());
    if (added) {
      slices_.emplace_back(keys_.back());
    } else {
      keys_.pop_back();
    }
    return at->second;
  }

  const std::vector<rocksdb::Slice>& slices() const { return slices_; }

 private:
  const size_t most_;
  std::vector<std::string> keys_;  // never more than reserved: they stay
  std::vector<rocksdb::Slice> slices_;
  absl::flat_hash_map<absl::string_view, size_t> places_;
};

// As `read`, which asked for the same key.
void TakeAs(const Op& read, Op& op) {
  op.status = read.status;
  op.found = read.found;
  op.version = read.version;
  op.expires_at_ms = read.expires_at_ms;
  if (op.kind != OpKind::kExists) op.value_out = read.value_out;
}

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

ReadOutcome BatchReader::Execute(absl::Span<Op> ops, size_t result_bytes_max,
                                 ReadFrom from) const {
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
      ReadOutcome outcome = ReadKeys(keys, from);
      if (outcome != ReadOutcome::kDone) return outcome;
      keys.clear();
      outcome = ReadTables(unit[0], result_bytes_max);
      if (outcome != ReadOutcome::kDone) return outcome;
      continue;
    }
    for (Op& op : unit) {
      op.status = valid;
      if (valid.ok()) keys.push_back(&op);
    }
  }
  const ReadOutcome outcome = ReadKeys(keys, from);
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

// As of one moment, as MultiGet. But one by one: RocksDB's MultiGet reads the
// files all the same, on this thread, and what it reads does not go into the
// cache then (7.8). False: some key's block is not in memory.
bool BatchReader::GetFromMemory(absl::Span<const rocksdb::Slice> keys,
                                absl::Span<rocksdb::PinnableSlice> values,
                                absl::Span<rocksdb::Status> statuses) const {
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kBlockCacheTier;
  absl::optional<rocksdb::ManagedSnapshot> moment;
  if (keys.size() > 1) options.snapshot = moment.emplace(&db_).snapshot();
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

ReadOutcome BatchReader::ReadKeys(absl::Span<Op* const> ops,
                                  ReadFrom from) const {
  if (ops.empty()) return ReadOutcome::kDone;
  std::vector<TableId> ids;
  constexpr size_t kNone = SIZE_MAX;
  for (int tries = 0; tries < kTries; ++tries) {
    const TableCatalogue::Found found = catalogue_.FindAll(ops, &ids);
    DistinctKeys keys(ops.size());
    std::vector<size_t> places(ops.size(), kNone);
    for (size_t i = 0; i < ops.size(); ++i) {
      ClearResult(ops[i]);
      if (ids[i] == kNoTable) continue;
      places[i] = keys.Add(DataKey(ids[i], ops[i]->key));
    }
    const std::vector<rocksdb::Slice>& slices = keys.slices();
    std::vector<rocksdb::PinnableSlice> values(slices.size());
    std::vector<rocksdb::Status> statuses(slices.size());
    if (from == ReadFrom::kMemory) {
      if (!GetFromMemory(slices, absl::MakeSpan(values),
                         absl::MakeSpan(statuses))) {
        return ReadOutcome::kNotInMemory;
      }
    } else if (!slices.empty()) {
      db_.MultiGet(rocksdb::ReadOptions(), db_.DefaultColumnFamily(),
                   slices.size(), slices.data(), values.data(),
                   statuses.data());
    }
    // Who has taken the record of a key, with its value.
    std::vector<const Op*> taken(slices.size());
    for (size_t i = 0; i < ops.size(); ++i) {
      if (places[i] == kNone) continue;
      const Op*& first = taken[places[i]];
      if (first != nullptr) {
        TakeAs(*first, *ops[i]);
        continue;
      }
      TakeRecord(statuses[places[i]], values[places[i]], *ops[i]);
      if (ops[i]->kind != OpKind::kExists) first = ops[i];
    }
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
