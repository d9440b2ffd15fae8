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
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/server/storage/memory_table.h"
#include "coffer/server/storage/table_registry.h"

namespace coffer::server {

class MemoryShard {
 public:
  std::mutex& mutex() const { return mutex_; }

  // Null if it has no key of the table.
  MemoryTable* FindTable(TableId id) const {
    auto table = tables_.find(id);
    return table == tables_.end() ? nullptr : table->second.get();
  }
  // Null if there is no such key. Allocates nothing.
  MemoryRecord* Find(TableId id, absl::string_view key) {
    MemoryTable* const table = FindTable(id);
    return table == nullptr ? nullptr : table->Find(key);
  }
  uint64_t ExpiresAtMs(TableId id, absl::string_view key,
                       const MemoryRecord& record) const {
    return record.expires ? FindTable(id)->ExpiresAtMs(key, record) : 0;
  }

  // The key is absent.
  void Insert(TableId id, absl::string_view key, MemoryRecord record) {
    std::unique_ptr<MemoryTable>& table = tables_[id];
    if (table == nullptr) table = std::make_unique<MemoryTable>();
    table->Insert(key, std::move(record));
    ++keys_;
  }

  // The key is there. Returns what it had.
  MemoryRecord Erase(TableId id, absl::string_view key) {
    MemoryTable* const table = FindTable(id);
    COFFER_ASSERT(table != nullptr && "the key was there");
    const uint64_t first_ms = table->first_expiry_ms();
    MemoryRecord record = table->Erase(key);
    --keys_;
    NoteExpiry(id, *table, first_ms);
    if (table->size() == 0) tables_.erase(id);
    return record;
  }

  // When the key, which is there, expires; 0: never.
  void SetExpiry(TableId id, absl::string_view key, MemoryRecord* record,
                 uint64_t at_ms) {
    if (at_ms == 0 && !record->expires) return;
    MemoryTable* const table = FindTable(id);
    const uint64_t first_ms = table->first_expiry_ms();
    table->SetExpiry(key, record, at_ms);
    NoteExpiry(id, *table, first_ms);
  }

  // A table of which keys have expired, kNoTable if there is none.
  TableId FirstDue(uint64_t now_ms) const {
    return expiring_.empty() || expiring_.begin()->first > now_ms
               ? kNoTable
               : expiring_.begin()->second;
  }
  // Visits all of these: visit(TableId, MemoryTable&).
  template <class Visitor>
  void ForEachDueTable(uint64_t now_ms, Visitor visit) const {
    for (const auto& [first_ms, id] : expiring_) {
      if (first_ms > now_ms) return;
      visit(id, *FindTable(id));
    }
  }

  // Takes the table out, null if it has no key of it.
  std::unique_ptr<MemoryTable> TakeTable(TableId id) {
    auto it = tables_.find(id);
    if (it == tables_.end()) return nullptr;
    std::unique_ptr<MemoryTable> table = std::move(it->second);
    tables_.erase(it);
    expiring_.erase({table->first_expiry_ms(), id});
    keys_ -= table->size();
    return table;
  }

  // Calls visit(const SharedBytes& key, const MemoryRecord&) for each key of
  // the table, until it returns false. Returns whether it never did.
  template <class Visitor>
  bool ForEach(TableId id, Visitor visit) const {
    const MemoryTable* const table = FindTable(id);
    return table == nullptr || table->ForEach(visit);
  }

  size_t keys() const { return keys_; }
  size_t tables() const { return tables_.size(); }

 private:
  void NoteExpiry(TableId id, const MemoryTable& table, uint64_t before_ms) {
    const uint64_t first_ms = table.first_expiry_ms();
    if (first_ms == before_ms) return;
    if (before_ms != MemoryTable::kNever) expiring_.erase({before_ms, id});
    if (first_ms != MemoryTable::kNever) expiring_.emplace(first_ms, id);
  }

  mutable std::mutex mutex_;
  absl::flat_hash_map<TableId, std::unique_ptr<MemoryTable>> tables_;
  // Tables with keys that expire, by the first time that one does.
  std::set<std::pair<uint64_t, TableId>> expiring_;
  size_t keys_ = 0;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_MEMORY_SHARD_H_
