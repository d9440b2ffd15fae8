#include "coffer/server/storage/table_registry.h"

#include <algorithm>
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

std::string TableRegistry::NameOf(TableId id) const {
  std::shared_lock lock(mutex_);
  auto it = names_.find(id);
  COFFER_ASSERT(it != names_.end() && "the table has a key");
  return std::string(it->second);
}

TableStats TableRegistry::Stats(absl::string_view name) const {
  std::shared_lock lock(mutex_);
  auto it = tables_.find(name);
  if (it == tables_.end()) return TableStats{.name = std::string(name)};
  return StatsOf(name, it->second);
}

TableStats TableRegistry::StatsOf(absl::string_view name, const Table& table) {
  // The two are not of one moment while others write: bytes may lag behind.
  const int64_t bytes = table.bytes.load(std::memory_order_relaxed);
  return {.name = std::string(name),
          .keys = table.keys.load(std::memory_order_relaxed),
          .bytes = static_cast<uint64_t>(std::max<int64_t>(bytes, 0))};
}

TableRegistry::Table& TableRegistry::Make(absl::string_view name) {
  const auto [it, inserted] = tables_.try_emplace(std::string(name));
  Table& table = it->second;
  if (!inserted) return table;
  table.id = ++last_id_;
  by_name_.emplace(it->first, &table);
  names_.emplace(table.id, it->first);
  return table;
}

void TableRegistry::Forget(absl::string_view name) {
  auto it = tables_.find(name);
  COFFER_ASSERT(it != tables_.end() && "a key was counted");
  by_name_.erase(it->first);
  names_.erase(it->second.id);
  tables_.erase(it);
}

TableId TableRegistry::AddKey(absl::string_view name, size_t bytes) {
  {
    std::shared_lock lock(mutex_);
    auto it = tables_.find(name);
    if (it != tables_.end()) {
      it->second.keys.fetch_add(1, std::memory_order_relaxed);
      it->second.bytes.fetch_add(static_cast<int64_t>(bytes),
                                 std::memory_order_relaxed);
      return it->second.id;
    }
  }
  std::unique_lock lock(mutex_);
  Table& table = Make(name);  // another thread may have made it meanwhile
  table.keys.fetch_add(1, std::memory_order_relaxed);
  table.bytes.fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  return table.id;
}

void TableRegistry::RemoveKey(absl::string_view name, size_t bytes) {
  AddBytes(name, -static_cast<int64_t>(bytes));
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
    Forget(name);
  }
}

void TableRegistry::AddBytes(absl::string_view name, int64_t bytes) {
  std::shared_lock lock(mutex_);
  auto it = tables_.find(name);
  COFFER_ASSERT(it != tables_.end() && "a key was counted");
  it->second.bytes.fetch_add(bytes, std::memory_order_relaxed);
}

void TableRegistry::Remove(absl::string_view name) {
  std::unique_lock lock(mutex_);
  Forget(name);
}

void TableRegistry::Rename(absl::string_view name, absl::string_view new_name) {
  std::unique_lock lock(mutex_);
  auto old = tables_.find(name);
  COFFER_ASSERT(old != tables_.end() && tables_.count(new_name) == 0);
  const Table& renamed = old->second;  // outlives a rehash, `old` does not
  const auto it = tables_.try_emplace(std::string(new_name)).first;
  Table& table = it->second;
  table.id = renamed.id;
  table.keys = renamed.keys.load();
  table.bytes = renamed.bytes.load();
  Forget(name);
  by_name_.emplace(it->first, &table);
  names_.insert_or_assign(table.id, it->first);
}

void TableRegistry::ForEach(absl::string_view from, Visitor visit) const {
  std::shared_lock lock(mutex_);
  for (auto it = by_name_.lower_bound(from); it != by_name_.end(); ++it) {
    if (!visit(it->second->id, StatsOf(it->first, *it->second))) return;
  }
}

size_t TableRegistry::size() const {
  std::shared_lock lock(mutex_);
  return tables_.size();
}

}  // namespace coffer::server
