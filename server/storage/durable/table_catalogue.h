// TableCatalogue: the tables that exist, in memory: from names to ids, and how
// many keys each has. What is on the disk is in the same order: a table is
// published here before the write that makes it is visible, and goes from here
// after the write that removes its last key. So whoever has found ids, then
// read keys, and finds the generation as it was, has read no table that was
// made meanwhile under one of the names.
//
// A name that is found out of date leads to no keys, never to those of another
// table: ids are not used again.
//
// Threads: any may read; one thread at a time changes it.

#ifndef COFFER_SERVER_STORAGE_DURABLE_TABLE_CATALOGUE_H_
#define COFFER_SERVER_STORAGE_DURABLE_TABLE_CATALOGUE_H_

#include <atomic>
#include <cstdint>
#include <shared_mutex>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/storage/batch.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/server/storage/storage.h"

namespace coffer::server {

// What a commit does to a table.
struct TableChange {
  absl::string_view name = {};
  TableId id = kNoTable;
  bool is_new = false;
  uint64_t keys_before = 0;
  uint64_t keys = 0;
  uint64_t bytes_before = 0;
  uint64_t bytes = 0;

  bool changed() const { return keys != keys_before || bytes != bytes_before; }
};

class TableCatalogue {
 public:
  // An id of kNoTable if there is no such table.
  TableRecord Find(absl::string_view name) const;
  // Of a table that there is; else empty, and false.
  bool FindName(TableId id, std::string* name) const;
  // Visits tables in the order of their names, from `from` on, until told to
  // stop by false.
  using Visitor =
      absl::FunctionRef<bool(absl::string_view name, const TableRecord& table)>;
  void ForEach(absl::string_view from, Visitor visit) const;

  struct Found {
    uint64_t generation = 0;
    bool one_table = true;  // all operations name the same
  };
  // The ids of the operations' tables, all as of one moment.
  Found FindAll(absl::Span<Op* const> ops, std::vector<TableId>* ids) const;
  // Changes whenever a name gets an id, or loses it.
  uint64_t generation() const {
    return generation_.load(std::memory_order_acquire);
  }

  // Exact while no commit runs.
  StorageCounts counts() const;

  // From before a write is visible until it is known here. Whoever reads both,
  // and finds commits() even and as it was, has read what belongs together.
  class Commit {
   public:
    explicit Commit(TableCatalogue* catalogue) : commits_(catalogue->commits_) {
      ++commits_;
    }
    Commit(const Commit&) = delete;
    Commit& operator=(const Commit&) = delete;
    ~Commit() { ++commits_; }

   private:
    std::atomic<uint64_t>& commits_;
  };
  uint64_t commits() const { return commits_; }

  // When the data is opened, and opened again.
  void Clear();
  void Add(absl::string_view name, const TableRecord& table);

  // Around a commit: new tables become known, without keys; and then either
  // all is as the changes say, or as before.
  void Publish(absl::Span<const TableChange> changes);
  void Apply(absl::Span<const TableChange> changes);
  void Retract(absl::Span<const TableChange> changes);
  // After a commit that has dropped, or renamed, a table.
  void Drop(absl::string_view name);
  void Rename(absl::string_view name, absl::string_view new_name);

 private:
  // Under the lock, exclusively.
  void Put(absl::string_view name, const TableRecord& table);
  void Remove(absl::string_view name);
  void NewGeneration();

  mutable std::shared_mutex mutex_;
  absl::btree_map<std::string, TableRecord> tables_;
  absl::flat_hash_map<TableId, std::string> names_;
  uint64_t keys_ = 0;
  std::atomic<uint64_t> generation_{0};
  std::atomic<uint64_t> commits_{0};  // odd while one runs
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_TABLE_CATALOGUE_H_
