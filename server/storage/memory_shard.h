// MemoryShard: a part of the keys of MemoryStorage, those whose names hash to
// it, under one mutex. It knows tables by their ids, and one of which it has no
// key costs it nothing.
//
// The caller holds mutex() for every other call, and for as long as it uses a
// pointer that Find has given.

#ifndef COFFER_SERVER_STORAGE_MEMORY_SHARD_H_
#define COFFER_SERVER_STORAGE_MEMORY_SHARD_H_

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/server/storage/shared_bytes.h"
#include "coffer/server/storage/table_registry.h"

namespace coffer::server {

struct MemoryRecord {
  SharedBytes value;
  uint64_t version = 0;
};

class MemoryShard {
 public:
  std::mutex& mutex() const { return mutex_; }

  // Null if there is no such key. Allocates nothing.
  MemoryRecord* Find(TableId table, absl::string_view key) {
    auto records = tables_.find(table);
    if (records == tables_.end()) return nullptr;
    auto it = records->second.find(key);
    return it == records->second.end() ? nullptr : &it->second;
  }

  // The key is absent.
  void Insert(TableId table, absl::string_view key, MemoryRecord record) {
    bool inserted = tables_[table]
                        .try_emplace(SharedBytes::Copy(key), std::move(record))
                        .second;
    COFFER_ASSERT(inserted && "the key was absent");
    ++keys_;
  }

  // The key is there. Returns what it had.
  MemoryRecord Erase(TableId table, absl::string_view key) {
    auto records = tables_.find(table);
    COFFER_ASSERT(records != tables_.end() && "the key was there");
    auto it = records->second.find(key);
    COFFER_ASSERT(it != records->second.end() && "the key was there");
    MemoryRecord record = std::move(it->second);
    records->second.erase(it);
    if (records->second.empty()) tables_.erase(records);
    --keys_;
    return record;
  }

  // Calls visit(const SharedBytes& key, const MemoryRecord&) for each key of
  // the table, until it returns false. Returns whether it never did.
  template <class Visitor>
  bool ForEach(TableId table, Visitor visit) const {
    auto records = tables_.find(table);
    if (records == tables_.end()) return true;
    for (const auto& [key, record] : records->second) {
      if (!visit(key, record)) return false;
    }
    return true;
  }

  size_t keys() const { return keys_; }
  size_t tables() const { return tables_.size(); }

 private:
  // Keys are found by their bytes, without making a SharedBytes of them.
  struct Hash {
    using is_transparent = void;
    size_t operator()(absl::string_view key) const {
      return absl::Hash<absl::string_view>()(key);
    }
    size_t operator()(const SharedBytes& key) const {
      return (*this)(key.view());
    }
  };
  struct Equal {
    using is_transparent = void;
    static absl::string_view View(absl::string_view key) { return key; }
    static absl::string_view View(const SharedBytes& key) { return key.view(); }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return View(a) == View(b);
    }
  };
  using Records = absl::flat_hash_map<SharedBytes, MemoryRecord, Hash, Equal>;

  mutable std::mutex mutex_;
  absl::flat_hash_map<TableId, Records> tables_;
  size_t keys_ = 0;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_MEMORY_SHARD_H_
