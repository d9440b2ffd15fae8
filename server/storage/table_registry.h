// TableRegistry: the tables that exist: their names, ids, and how much is in
// them.
//
// A registered table has at least one key: AddKey registers it with its first,
// RemoveKey forgets it with its last. Ids are never used again, so an id that
// has gone out of date leads to nothing, not to another table.
//
// Threads: any, with two conditions that keep counts and keys in step: AddKey
// comes before its key is stored and RemoveKey after it is removed, each while
// the caller holds the lock that guards this key; Rename and Remove are called
// by who holds the locks of all keys. So whoever holds a key's lock sees the
// key stored under the id that Find gives, or no key. The registry's own lock
// is taken last and held for no other.

#ifndef COFFER_SERVER_STORAGE_TABLE_REGISTRY_H_
#define COFFER_SERVER_STORAGE_TABLE_REGISTRY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <shared_mutex>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "coffer/server/storage/batch.h"

namespace coffer::server {

using TableId = uint64_t;
inline constexpr TableId kNoTable = 0;

class TableRegistry {
 public:
  // The table's id, kNoTable if there is no such table. Allocates nothing.
  TableId Find(absl::string_view name) const;
  // Of a table that exists.
  std::string NameOf(TableId id) const;
  // What it has; no keys if there is no such table.
  TableStats Stats(absl::string_view name) const;

  // Counts one key more, of so many bytes with its value, and makes the table
  // if it is the first.
  TableId AddKey(absl::string_view name, size_t bytes = 0);
  // Counts one key less, and forgets the table if it was the last.
  void RemoveKey(absl::string_view name, size_t bytes = 0);
  // A value of a key that is counted is longer, or shorter.
  void AddBytes(absl::string_view name, int64_t bytes);

  // The table goes, with all its keys.
  void Remove(absl::string_view name);
  // The table `name` is called `new_name`, of which there is none.
  void Rename(absl::string_view name, absl::string_view new_name);

  // Visits tables in the order of their names, from `from` on, until told to
  // stop by false.
  using Visitor = absl::FunctionRef<bool(TableId id, const TableStats& stats)>;
  void ForEach(absl::string_view from, Visitor visit) const;

  size_t size() const;  // tables

 private:
  struct Table {
    TableId id = kNoTable;
    // Never 0 while the lock is not held exclusively.
    std::atomic<uint64_t> keys{0};
    std::atomic<int64_t> bytes{0};
  };
  static TableStats StatsOf(absl::string_view name, const Table& table);
  // Under the lock, exclusively.
  Table& Make(absl::string_view name);
  void Forget(absl::string_view name);

  mutable std::shared_mutex mutex_;
  absl::node_hash_map<std::string, Table> tables_;
  // Views of the names in tables_.
  absl::btree_map<absl::string_view, const Table*> by_name_;
  absl::flat_hash_map<TableId, absl::string_view> names_;
  TableId last_id_ = kNoTable;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_TABLE_REGISTRY_H_
