// Whole tables: their records on the disk, and the entries that a kGetTable
// gives of them.

#ifndef COFFER_SERVER_STORAGE_DURABLE_TABLE_SCAN_H_
#define COFFER_SERVER_STORAGE_DURABLE_TABLE_SCAN_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/server/storage/batch.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/server/storage/shared_bytes.h"
#include "rocksdb/db.h"

namespace coffer::server {

// Calls `visit` for the table's records in the order of their keys, from `from`
// on and as of one moment, until it returns false. An error of the disk, or a
// record that is corrupt, ends it with a status. Blocks on the disk.
using VisitRecord =
    absl::FunctionRef<bool(absl::string_view key, const DataRecord& record)>;
absl::Status ForEachRecord(rocksdb::DB& db, TableId table,
                           absl::string_view from, VisitRecord visit);

// What keys that have expired, and are not removed yet, count for.
struct Due {
  uint64_t keys = 0;
  uint64_t bytes = 0;
};
// By table, of all tables or of one; kNoTable: all. Blocks on the disk.
using DueByTable = absl::flat_hash_map<TableId, Due>;
absl::Status FindDue(rocksdb::DB& db, TableId table, uint64_t now_ms,
                     DueByTable* due);

// A record that does not decode.
absl::Status CorruptRecord(absl::string_view table, size_t bytes);

// Puts entries into a kGetTable, up to a limit in bytes, 0 for none.
class EntryCollector {
 public:
  EntryCollector(Op* op, size_t bytes_max) : op_(*op), bytes_max_(bytes_max) {}

  // False once the limit is passed: the operation has failed.
  bool Add(absl::string_view key, const DataRecord& record);
  // The operation fails with this.
  void Fail(const absl::Status& status);

 private:
  Op& op_;
  const size_t bytes_max_;
  size_t bytes_ = 0;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_TABLE_SCAN_H_
