// CommitPlan: batches that are committed together, executed one after another
// on what is committed and what they themselves write, and turned into one
// RocksDB write. Results are in the operations from Plan on; they are true only
// once write() is on the disk.
//
// Only one plan lives at a time: it is what serialises read-modify-writes.
// One thread.

#ifndef COFFER_SERVER_STORAGE_DURABLE_COMMIT_PLAN_H_
#define COFFER_SERVER_STORAGE_DURABLE_COMMIT_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/storage/batch.h"
#include "coffer/server/storage/durable/table_catalogue.h"
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

class CommitPlan {
 public:
  // Both outlive it.
  CommitPlan(rocksdb::DB* db, const TableCatalogue* catalogue,
             const CommitCounters& counters);
  CommitPlan(const CommitPlan&) = delete;
  CommitPlan& operator=(const CommitPlan&) = delete;

  // Once. The batches, and the names and values in them, outlive the plan.
  // Blocks on the disk.
  void Plan(absl::Span<Batch* const> batches);

  rocksdb::WriteBatch& write() { return write_; }
  // What there is to write; without it the results are true as they are.
  bool has_writes() const { return write_.Count() > 0; }
  absl::Span<const TableChange> changes() const { return changes_; }
  // As they are once it is written.
  const CommitCounters& counters() const { return counters_; }

 private:
  // A key that the batches name, as it is after the operations so far.
  struct Key {
    uint32_t table = 0;
    absl::string_view name;
    std::string encoded;
    absl::Status error;  // what is stored cannot be read
    bool existed = false;
    bool exists = false;
    bool changed = false;
    uint64_t version = 0;
    absl::string_view value;
    SharedBytes shared;  // of the value; made when it is first asked for
  };

  void Load(absl::Span<Op> ops);
  uint32_t TableOf(absl::string_view name);
  uint32_t KeyOf(const Op& op);
  void ReadStored();
  void Execute(absl::Span<Op> unit, absl::Span<const uint32_t> keys,
               size_t result_bytes_max);
  void ExecuteOnKey(Op& op, Key& key);
  void GetTable(Op& op, uint32_t table, size_t result_bytes_max);
  std::vector<const Key*> ChangedKeysOf(uint32_t table) const;
  void Finish();
  static SharedBytes ValueOf(Key& key);

  rocksdb::DB& db_;
  const TableCatalogue& catalogue_;
  CommitCounters counters_;

  std::vector<TableChange> tables_;
  absl::flat_hash_map<absl::string_view, uint32_t> table_by_name_;
  std::vector<Key> keys_;
  absl::flat_hash_map<std::pair<uint32_t, absl::string_view>, uint32_t>
      key_by_name_;
  // Of each operation of each batch, in order; of a kGetTable its table.
  std::vector<uint32_t> of_op_;
  std::vector<rocksdb::PinnableSlice> stored_;  // the values point into it

  rocksdb::WriteBatch write_;
  std::vector<TableChange> changes_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_COMMIT_PLAN_H_
