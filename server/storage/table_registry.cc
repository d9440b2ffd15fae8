#include "coffer/server/storage/table_registry.h"

#include <mutex>

#include "coffer/sdk/internal/assert.h"

namespace coffer::server {
namespace {

// Takes one off, unless it is the last.
bool DecrementAboveOne(std::atomic<uint64_t>& count) {
  uint64_t seen = count.load(std::memory_order_relaxed);
  while (seen > 1) {
    if (count.compare_exchange_weak(seen, seen - 1,
                                    std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

}  // namespace

TableId TableRegistry::Find(absl::string_view name) const {
  std::shared_lock lock(mutex_);
  auto it = tables_.find(name);
  return it == tables_.end() ? kNoTable : it->second.id;
}

TableId TableRegistry::AddKey(absl::string_view name) {
  {
    std::shared_lock lock(mutex_);
    auto it = tables_.find(name);
    if (it != tables_.end()) {
      it->second.keys.fetch_add(1, std::memory_order_relaxed);
      return it->second.id;
    }
  }
  std::unique_lock lock(mutex_);
  Table& table = tables_[name];  // another thread may have made it meanwhile
  if (table.id == kNoTable) table.id = ++last_id_;
  table.keys.fetch_add(1, std::memory_order_relaxed);
  return table.id;
}

void TableRegistry::RemoveKey(absl::string_view name) {
  {
    std::shared_lock lock(mutex_);
    auto it = tables_.find(name);
    COFFER_ASSERT(it != tables_.end() && "a key was counted");
    if (DecrementAboveOne(it->second.keys)) return;
  }
  // Another thread may add or remove keys before the lock is ours; the key
  // that is taken off here is counted still, so the table is there.
  std::unique_lock lock(mutex_);
  auto it = tables_.find(name);
  COFFER_ASSERT(it != tables_.end() && "a key was counted");
  if (it->second.keys.fetch_sub(1, std::memory_order_relaxed) == 1) {
    tables_.erase(it);
  }
}

size_t TableRegistry::size() const {
  std::shared_lock lock(mutex_);
  return tables_.size();
}

}  // namespace coffer::server
