// BatchReader: executes the reads of a batch on what is committed. The keys
// that are read between two whole tables are one MultiGet, as of one moment.

#ifndef COFFER_SERVER_STORAGE_DURABLE_BATCH_READER_H_
#define COFFER_SERVER_STORAGE_DURABLE_BATCH_READER_H_

#include <cstddef>

#include "absl/types/span.h"
#include "coffer/server/storage/batch.h"
#include "coffer/server/storage/durable/table_catalogue.h"
#include "rocksdb/db.h"

namespace coffer::server {

// How far a read goes for what it wants.
enum class ReadFrom {
  kMemory,  // never blocks on the disk
  kDisk,
};

enum class ReadOutcome {
  kDone,  // every operation has its result
  // Nothing is done, results have no meaning:
  kNotInMemory,
  // Tables of a group were made or removed each time it was tried.
  kTablesChange,
};

class BatchReader {
 public:
  // Both outlive it. Any thread, several at once.
  BatchReader(rocksdb::DB* db, const TableCatalogue* catalogue)
      : db_(*db), catalogue_(*catalogue) {}

  // Executes `ops`, of which none is a write.
  ReadOutcome Execute(absl::Span<Op> ops, size_t result_bytes_max,
                      ReadFrom from) const;

 private:
  ReadOutcome ReadKeys(absl::Span<Op* const> ops, ReadFrom from) const;
  void ReadTable(Op& op, size_t result_bytes_max) const;

  rocksdb::DB& db_;
  const TableCatalogue& catalogue_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_BATCH_READER_H_
