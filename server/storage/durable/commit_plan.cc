#include "coffer/server/storage/durable/commit_plan.h"

#include <algorithm>

#include "coffer/sdk/internal/assert.h"
#include "coffer/server/storage/durable/engine_status.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/server/storage/durable/table_scan.h"
#include "rocksdb/options.h"

namespace coffer::server {
namespace {

// So many versions are given for each write of the bound. A start skips those
// that are left.
constexpr uint64_t kVersionsReserved = 1 << 20;

constexpr uint32_t kNothing = UINT32_MAX;

void MustBeOk(const rocksdb::Status& status) {
  // A WriteBatch without a size limit takes what it is given.
  COFFER_ASSERT(status.ok() && "put together in memory");
}

}  // namespace

CommitPlan::CommitPlan(rocksdb::DB* db, const TableCatalogue* catalogue,
                       const CommitCounters& counters)
    : db_(*db), catalogue_(*catalogue), counters_(counters) {}

void CommitPlan::Plan(absl::Span<Batch* const> batches) {
  for (Batch* batch : batches) Load(batch->ops());
  ReadStored();
  absl::Span<const uint32_t> of_op = of_op_;
  for (Batch* batch : batches) {
    absl::Span<Op> ops = batch->ops();
    for (size_t begin = 0; begin < ops.size();) {
      const size_t count = UnitEnd(ops, begin) - begin;
      Execute(ops.subspan(begin, count), of_op.subspan(0, count),
              batch->result_bytes_max());
      of_op.remove_prefix(count);
      begin += count;
    }
  }
  Finish();
}

void CommitPlan::Load(absl::Span<Op> ops) {
  for (size_t begin = 0; begin < ops.size();) {
    const size_t end = UnitEnd(ops, begin);
    const absl::Status valid = CheckUnit(ops.subspan(begin, end - begin));
    for (; begin < end; ++begin) {
      Op& op = ops[begin];
      ClearResult(&op);
      op.status = valid;
      if (!valid.ok()) {
        of_op_.push_back(kNothing);
      } else if (op.kind == OpKind::kGetTable) {
        of_op_.push_back(TableOf(op.table));
      } else {
        of_op_.push_back(KeyOf(op));
      }
    }
  }
}

uint32_t CommitPlan::TableOf(absl::string_view name) {
  const auto next = static_cast<uint32_t>(tables_.size());
  const auto [it, inserted] = table_by_name_.try_emplace(name, next);
  if (!inserted) return it->second;
  const TableRecord known = catalogue_.Find(name);
  TableChange& table = tables_.emplace_back();
  table.name = name;
  table.is_new = known.id == kNoTable;
  table.id = table.is_new ? ++counters_.last_table : known.id;
  table.keys_before = table.keys = known.keys;
  return next;
}

uint32_t CommitPlan::KeyOf(const Op& op) {
  // Most often it is the table of the operation before.
  const bool as_before =
      !keys_.empty() && tables_[keys_.back().table].name == op.table;
  const uint32_t table = as_before ? keys_.back().table : TableOf(op.table);
  const auto next = static_cast<uint32_t>(keys_.size());
  const auto [it, inserted] =
      key_by_name_.try_emplace(std::make_pair(table, op.key), next);
  if (!inserted) return it->second;
  Key& key = keys_.emplace_back();
  key.table = table;
  key.name = op.key;
  key.encoded = DataKey(tables_[table].id, op.key);
  return next;
}

void CommitPlan::ReadStored() {
  std::vector<Key*> known;
  std::vector<rocksdb::Slice> names;
  for (Key& key : keys_) {
    if (tables_[key.table].is_new) continue;
    known.push_back(&key);
    names.emplace_back(key.encoded);
  }
  if (known.empty()) return;
  stored_.resize(known.size());
  std::vector<rocksdb::Status> statuses(known.size());
  db_.MultiGet(rocksdb::ReadOptions(), db_.DefaultColumnFamily(), known.size(),
               names.data(), stored_.data(), statuses.data());
  for (size_t i = 0; i < known.size(); ++i) {
    Key& key = *known[i];
    if (statuses[i].IsNotFound()) continue;
    key.error = FromRocksDb(statuses[i], "reading a key");
    if (!key.error.ok()) continue;
    DataRecord record;
    if (!DecodeData(ToView(stored_[i]), &record)) {
      key.error = CorruptRecord(tables_[key.table].name, stored_[i].size());
      continue;
    }
    key.existed = key.exists = true;
    key.version = record.version;
    key.value = record.value;
  }
}

void CommitPlan::Execute(absl::Span<Op> unit, absl::Span<const uint32_t> keys,
                         size_t result_bytes_max) {
  if (!unit[0].status.ok()) return;  // no unit that can be executed
  if (unit[0].kind == OpKind::kGetTable) {
    return GetTable(unit[0], keys[0], result_bytes_max);
  }
  for (const uint32_t key : keys) {
    if (keys_[key].error.ok()) continue;
    for (Op& op : unit) op.status = keys_[key].error;
    return;
  }
  for (size_t i = 0; i < unit.size(); ++i)
    ExecuteOnKey(unit[i], keys_[keys[i]]);
}

void CommitPlan::ExecuteOnKey(Op& op, Key& key) {
  op.found = key.exists;
  switch (op.kind) {
    case OpKind::kGet:
    case OpKind::kExists:
      if (!key.exists) return;
      op.version = key.version;
      if (op.kind == OpKind::kGet) op.value_out = ValueOf(key);
      return;
    case OpKind::kSet:
      if (key.exists && op.want_previous) op.value_out = ValueOf(key);
      if (!key.exists) ++tables_[key.table].keys;
      key.exists = key.changed = true;
      op.version = key.version = ++counters_.last_version;
      key.value = op.value;
      key.shared = SharedBytes();
      return;
    case OpKind::kDelete:
      if (!key.exists) return;
      if (op.want_previous) op.value_out = ValueOf(key);
      --tables_[key.table].keys;
      key.exists = false;
      key.changed = true;
      return;
    case OpKind::kGetTable:
      break;
  }
  COFFER_ASSERT(false && "not an operation on a key");
}

SharedBytes CommitPlan::ValueOf(Key& key) {
  if (!key.shared) key.shared = SharedBytes::Copy(key.value);
  return key.shared;
}

// What is stored and what is written, both in the order of their keys.
void CommitPlan::GetTable(Op& op, uint32_t table, size_t result_bytes_max) {
  EntryCollector entries(&op, result_bytes_max);
  const std::vector<const Key*> changed = ChangedKeysOf(table);
  auto next = changed.begin();
  const auto add_changed = [&] {
    const Key& key = **next++;
    return !key.exists || entries.Add(key.name, key.value, key.version);
  };
  const auto visit = [&](absl::string_view key, const DataRecord& record) {
    while (next != changed.end() && (*next)->name < key) {
      if (!add_changed()) return false;
    }
    if (next != changed.end() && (*next)->name == key) return add_changed();
    return entries.Add(key, record.value, record.version);
  };
  if (!tables_[table].is_new) {
    const absl::Status read = ForEachRecord(db_, tables_[table].id, visit);
    if (!read.ok()) entries.Fail(read);
  }
  while (op.status.ok() && next != changed.end()) add_changed();
}

std::vector<const CommitPlan::Key*> CommitPlan::ChangedKeysOf(
    uint32_t table) const {
  std::vector<const Key*> changed;
  for (const Key& key : keys_) {
    if (key.table == table && key.changed) changed.push_back(&key);
  }
  std::sort(changed.begin(), changed.end(),
            [](const Key* a, const Key* b) { return a->name < b->name; });
  return changed;
}

void CommitPlan::Finish() {
  for (const Key& key : keys_) {
    if (!key.changed) continue;
    if (key.exists) {
      const std::string header = EncodeDataHeader({.version = key.version});
      const rocksdb::Slice name(key.encoded);
      const rocksdb::Slice record[] = {header, ToSlice(key.value)};
      MustBeOk(write_.Put(rocksdb::SliceParts(&name, 1),
                          rocksdb::SliceParts(record, 2)));
    } else if (key.existed) {
      MustBeOk(write_.Delete(key.encoded));
    }
  }
  bool is_new = false;
  for (const TableChange& table : tables_) {
    if (table.keys == table.keys_before) continue;
    changes_.push_back(table);
    is_new |= table.is_new;
    MustBeOk(table.keys == 0 ? write_.Delete(TableKey(table.name))
                             : write_.Put(TableKey(table.name),
                                          EncodeTable({table.id, table.keys})));
  }
  if (is_new) {
    MustBeOk(write_.Put(LastTableKey(), EncodeNumber(counters_.last_table)));
  }
  if (counters_.last_version > counters_.version_bound) {
    counters_.version_bound = counters_.last_version + kVersionsReserved;
    MustBeOk(
        write_.Put(VersionBoundKey(), EncodeNumber(counters_.version_bound)));
  }
}

}  // namespace coffer::server
