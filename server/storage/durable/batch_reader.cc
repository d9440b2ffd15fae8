#include "coffer/server/storage/durable/batch_reader.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/server/storage/durable/engine_status.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/server/storage/durable/table_scan.h"
#include "rocksdb/options.h"
#include "rocksdb/slice.h"

namespace coffer::server {
namespace {

// So many keys are looked up on the caller's thread at most: more would hold up
// its other connections.
constexpr size_t kKeysFromMemoryMax = 1024;
// How often keys of several tables are read again because of tables that were
// made or removed meanwhile.
constexpr int kTries = 4;

void TakeRecord(const rocksdb::Status& status, const rocksdb::Slice& stored,
                Op& op) {
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
  op.found = true;
  op.version = record.version;
  if (op.kind == OpKind::kGet) op.value_out = SharedBytes::Copy(record.value);
}

}  // namespace

ReadOutcome BatchReader::Execute(absl::Span<Op> ops, size_t result_bytes_max,
                                 ReadFrom from) const {
  if (from == ReadFrom::kMemory) {
    if (ops.size() > kKeysFromMemoryMax) return ReadOutcome::kNotInMemory;
    for (const Op& op : ops) {
      if (op.kind == OpKind::kGetTable) return ReadOutcome::kNotInMemory;
    }
  }
  std::vector<Op*> keys;
  keys.reserve(ops.size());
  for (size_t begin = 0; begin < ops.size();) {
    const size_t end = UnitEnd(ops, begin);
    const absl::Span<Op> unit = ops.subspan(begin, end - begin);
    begin = end;
    const absl::Status valid = CheckUnit(unit);
    const bool whole_table = unit[0].kind == OpKind::kGetTable;
    if (valid.ok() && whole_table) {
      const ReadOutcome outcome = ReadKeys(keys, from);
      if (outcome != ReadOutcome::kDone) return outcome;
      keys.clear();
      ReadTable(unit[0], result_bytes_max);
      continue;
    }
    for (Op& op : unit) {
      op.status = valid;
      if (valid.ok()) keys.push_back(&op);
    }
  }
  return ReadKeys(keys, from);
}

ReadOutcome BatchReader::ReadKeys(absl::Span<Op* const> ops,
                                  ReadFrom from) const {
  if (ops.empty()) return ReadOutcome::kDone;
  rocksdb::ReadOptions options;
  if (from == ReadFrom::kMemory) options.read_tier = rocksdb::kBlockCacheTier;
  std::vector<TableId> ids;
  std::vector<std::string> keys;
  std::vector<rocksdb::Slice> slices;
  for (int tries = 0; tries < kTries; ++tries) {
    const TableCatalogue::Found found = catalogue_.FindAll(ops, &ids);
    keys.clear();
    slices.clear();
    keys.reserve(ops.size());
    for (size_t i = 0; i < ops.size(); ++i) {
      ClearResult(ops[i]);
      if (ids[i] == kNoTable) continue;
      keys.push_back(DataKey(ids[i], ops[i]->key));
    }
    for (const std::string& key : keys) slices.emplace_back(key);
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    if (keys.size() == 1) {
      statuses[0] =
          db_.Get(options, db_.DefaultColumnFamily(), slices[0], &values[0]);
    } else if (!keys.empty()) {
      db_.MultiGet(options, db_.DefaultColumnFamily(), keys.size(),
                   slices.data(), values.data(), statuses.data());
    }
    for (size_t i = 0, read = 0; i < ops.size(); ++i) {
      if (ids[i] == kNoTable) continue;
      if (statuses[read].IsIncomplete()) return ReadOutcome::kNotInMemory;
      TakeRecord(statuses[read], values[read], *ops[i]);
      ++read;
    }
    if (found.one_table || catalogue_.generation() == found.generation) {
      return ReadOutcome::kDone;
    }
  }
  return ReadOutcome::kTablesChange;
}

void BatchReader::ReadTable(Op& op, size_t result_bytes_max) const {
  ClearResult(&op);
  const TableRecord table = catalogue_.Find(op.table);
  if (table.id == kNoTable) return;
  EntryCollector entries(&op, result_bytes_max);
  const absl::Status read = ForEachRecord(
      db_, table.id, [&](absl::string_view key, const DataRecord& record) {
        return entries.Add(key, record.value, record.version);
      });
  if (!read.ok()) entries.Fail(read);
}

}  // namespace coffer::server
