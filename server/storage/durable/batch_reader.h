// BatchReader: executes the reads of a batch on what is committed. The keys
// that are read between two whole tables are one MultiGet, as of one moment.

#ifndef COFFER_SERVER_STORAGE_DURABLE_BATCH_READER_H_
#define COFFER_SERVER_STORAGE_DURABLE_BATCH_READER_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "coffer/server/storage/batch.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/server/storage/durable/table_catalogue.h"
#include "coffer/server/storage/held_bytes.h"
#include "rocksdb/db.h"
#include "rocksdb/slice.h"
#include "rocksdb/status.h"

namespace coffer::server {

class KeysToRead;

// How far a read goes for what it wants.
enum class ReadFrom {
  kMemory,  // never blocks on the disk
  kDisk,
};

enum class ReadOutcome {
  kDone,  // every operation has its result
  // Nothing is done, results have no meaning:
  kNotInMemory,
  // Tables of a group were made or removed, or those that are counted changed,
  // each time it was tried.
  kTablesChange,
};

class BatchReader {
 public:
  // Both outlive it. Any thread, several at once. What has expired at `now_ms`,
  // in milliseconds since 1970, is absent.
  BatchReader(rocksdb::DB* db, const TableCatalogue* catalogue, uint64_t now_ms)
      : db_(*db), catalogue_(*catalogue), now_ms_(now_ms) {}

  // Executes `ops`, of which none is a write. `held` goes up by what they hold
  // if they are done.
  ReadOutcome Execute(absl::Span<Op> ops, size_t result_bytes_max,
                      HeldBytes* held, ReadFrom from) const;

 private:
  ReadOutcome ReadKeys(absl::Span<Op* const> ops, ReadFrom from,
                       HeldBytes* held) const;
  bool ReadRecords(const KeysToRead& keys, ReadFrom from,
                   HeldBytes* held) const;
  bool GetFromMemory(const rocksdb::ReadOptions& how,
                     absl::Span<const rocksdb::Slice> keys,
                     absl::Span<rocksdb::PinnableSlice> values,
                     absl::Span<rocksdb::Status> statuses) const;
  void TakeRecord(const rocksdb::Status& status, const rocksdb::Slice& stored,
                  Op& op) const;
  ReadOutcome ReadTables(Op& op, size_t result_bytes_max) const;
  // What the catalogue counts, and what of it has expired.
  ReadOutcome ReadCounts(Op& op) const;
  void GetTable(Op& op, size_t result_bytes_max) const;
  void Scan(Op& op) const;
  void ListTables(Op& op) const;
  void CountKeys(Op& op) const;
  bool IsExpired(const DataRecord& record) const {
    return record.expires_at_ms != 0 && record.expires_at_ms <= now_ms_;
  }

  rocksdb::DB& db_;
  const TableCatalogue& catalogue_;
  const uint64_t now_ms_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_BATCH_READER_H_
