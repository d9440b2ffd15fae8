// TableRegistry: from the names of the tables that exist to their ids.
//
// A registered table has at least one key: AddKey registers it with its first,
// RemoveKey forgets it with its last. Ids are never used again, so an id that
// has gone out of date leads to nothing, not to another table.
//
// Threads: any, with one condition that keeps count and keys in step: AddKey
// comes before its key is stored and RemoveKey after it is removed, each while
// the caller holds the lock that guards this key. So whoever holds a key's lock
// sees the key stored under the id that Find gives, or no key. The registry's
// own lock is taken last and held for no other.

#ifndef COFFER_SERVER_STORAGE_TABLE_REGISTRY_H_
#define COFFER_SERVER_STORAGE_TABLE_REGISTRY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <shared_mutex>
#include <string>

#include "absl/container/node_hash_map.h"
#include "absl/strings/string_view.h"

namespace coffer::server {

using TableId = uint64_t;
inline constexpr TableId kNoTable = 0;

class TableRegistry {
 public:
  // The table's id, kNoTable if there is no such table. Allocates nothing.
  TableId Find(absl::string_view name) const;
  // Counts one key more, and makes the table if it is the first.
  TableId AddKey(absl::string_view name);
  // Counts one key less, and forgets the table if it was the last.
  void RemoveKey(absl::string_view name);

  size_t size() const;  // tables

 private:
  struct Table {
    TableId id = kNoTable;
    // Never 0 while the lock is not held exclusively.
    std::atomic<uint64_t> keys{0};
  };

  mutable std::shared_mutex mutex_;
  absl::node_hash_map<std::string, Table> tables_;
  TableId last_id_ = kNoTable;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_TABLE_REGISTRY_H_
