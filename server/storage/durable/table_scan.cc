#include "coffer/server/storage/durable/table_scan.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/storage/durable/engine_status.h"
#include "rocksdb/iterator.h"
#include "rocksdb/options.h"

namespace coffer::server {

absl::Status ForEachRecord(rocksdb::DB& db, TableId table,
                           absl::string_view from, VisitRecord visit) {
  const KeyRange range = DataOf(table);
  const rocksdb::Slice end(range.end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  // One big table must not push out of the cache what is read all the time.
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(options));
  for (it->Seek(DataKey(table, from)); it->Valid(); it->Next()) {
    const absl::string_view key = ToView(it->key());
    DataRecord record;
    if (!DecodeData(ToView(it->value()), &record)) {
      return CorruptRecord(absl::StrCat("with id ", table), it->value().size());
    }
    if (!visit(key.substr(kDataKeyPrefixBytes), record)) break;
  }
  return FromRocksDb(it->status(), absl::StrCat("reading table ", table));
}

absl::Status FindDue(rocksdb::DB& db, TableId table, uint64_t now_ms,
                     DueByTable* due) {
  const KeyRange range = ExpiredAt(now_ms);
  const rocksdb::Slice end(range.end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(options));
  std::string stored;
  for (it->Seek(range.begin); it->Valid(); it->Next()) {
    ExpiryEntry entry;
    if (!DecodeExpiryKey(ToView(it->key()), &entry)) continue;
    if (table != kNoTable && entry.table != table) continue;
    // The record may be gone with its table, or be another by now.
    const rocksdb::Status read = db.Get(
        rocksdb::ReadOptions(), DataKey(entry.table, entry.key), &stored);
    // What is damaged counts as there: whoever reads it is told.
    if (read.IsNotFound() || read.IsCorruption()) continue;
    if (!read.ok()) return FromRocksDb(read, "counting keys");
    DataRecord record;
    if (!DecodeData(stored, &record) || record.expires_at_ms != entry.at_ms) {
      continue;
    }
    Due& of_table = (*due)[entry.table];
    ++of_table.keys;
    of_table.bytes += entry.key.size() + record.value.size();
  }
  return FromRocksDb(it->status(), "counting keys");
}

absl::Status CorruptRecord(absl::string_view table, size_t bytes) {
  return absl::DataLossError(
      absl::StrCat("a record of ", bytes, " bytes in table ",
                   absl::CHexEscape(table.substr(0, 100)),
                   " is corrupt, or was written by a newer version"));
}

bool EntryCollector::Add(absl::string_view key, const DataRecord& record) {
  bytes_ += key.size() + record.value.size();
  if (bytes_max_ != 0 && bytes_ > bytes_max_) {
    Fail(TableTooLarge(bytes_, bytes_max_));
    return false;
  }
  op_.entries.push_back({SharedBytes::Copy(key),
                         SharedBytes::Copy(record.value), record.version,
                         record.expires_at_ms});
  return true;
}

void EntryCollector::Fail(const absl::Status& status) {
  op_.status = status;
  std::vector<TableEntry>().swap(op_.entries);
}

}  // namespace coffer::server
