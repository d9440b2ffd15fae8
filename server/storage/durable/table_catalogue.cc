#include "coffer/server/storage/durable/table_catalogue.h"

#include <algorithm>
#include <mutex>

#include "coffer/sdk/internal/assert.h"

namespace coffer::server {
namespace {

bool IsNew(const TableChange& change) { return change.is_new; }

// A name gets an id or loses it.
bool ChangesNames(const TableChange& change) {
  return change.is_new || change.keys == 0;
}

}  // namespace

TableRecord TableCatalogue::Find(absl::string_view name) const {
  std::shared_lock lock(mutex_);
  auto it = tables_.find(name);
  return it == tables_.end() ? TableRecord() : it->second;
}

bool TableCatalogue::FindName(TableId id, std::string* name) const {
  std::shared_lock lock(mutex_);
  auto it = names_.find(id);
  if (it == names_.end()) return false;
  *name = it->second;
  return true;
}

void TableCatalogue::ForEach(absl::string_view from, Visitor visit) const {
  std::shared_lock lock(mutex_);
  for (auto it = tables_.lower_bound(from); it != tables_.end(); ++it) {
    if (!visit(it->first, it->second)) return;
  }
}

TableCatalogue::Found TableCatalogue::FindAll(absl::Span<Op* const> ops,
                                              std::vector<TableId>* ids) const {
  Found found;
  ids->clear();
  std::shared_lock lock(mutex_);
  found.generation = generation();
  absl::string_view last_name;
  for (const Op* op : ops) {
    // Most often they all name one table.
    if (!ids->empty() && op->table == last_name) {
      ids->push_back(ids->back());
      continue;
    }
    if (!ids->empty()) found.one_table = false;
    last_name = op->table;
    auto it = tables_.find(last_name);
    ids->push_back(it == tables_.end() ? kNoTable : it->second.id);
  }
  return found;
}

StorageCounts TableCatalogue::counts() const {
  std::shared_lock lock(mutex_);
  return {.tables = tables_.size(), .keys = keys_};
}

void TableCatalogue::Clear() {
  std::unique_lock lock(mutex_);
  tables_.clear();
  names_.clear();
  keys_ = 0;
  generation_.fetch_add(1, std::memory_order_acq_rel);
}

void TableCatalogue::Add(absl::string_view name, const TableRecord& table) {
  std::unique_lock lock(mutex_);
  Put(name, table);
  keys_ += table.keys;
}

void TableCatalogue::Put(absl::string_view name, const TableRecord& table) {
  const auto it = tables_.find(name);
  if (it != tables_.end()) {
    it->second = table;
    return;
  }
  tables_.emplace(std::string(name), table);
  names_.insert_or_assign(table.id, std::string(name));
}

void TableCatalogue::Remove(absl::string_view name) {
  const auto it = tables_.find(name);
  if (it == tables_.end()) return;
  names_.erase(it->second.id);
  tables_.erase(it);
}

void TableCatalogue::NewGeneration() {
  generation_.fetch_add(1, std::memory_order_acq_rel);
}

void TableCatalogue::Publish(absl::Span<const TableChange> changes) {
  if (std::none_of(changes.begin(), changes.end(), IsNew)) return;
  std::unique_lock lock(mutex_);
  for (const TableChange& change : changes) {
    if (change.is_new) Put(change.name, TableRecord{.id = change.id});
  }
  NewGeneration();
}

void TableCatalogue::Apply(absl::Span<const TableChange> changes) {
  if (changes.empty()) return;
  std::unique_lock lock(mutex_);
  for (const TableChange& change : changes) {
    keys_ += change.keys - change.keys_before;  // unsigned, and right
    if (change.keys == 0) {
      Remove(change.name);
    } else {
      Put(change.name, TableRecord{change.id, change.keys, change.bytes});
    }
  }
  if (std::any_of(changes.begin(), changes.end(), ChangesNames)) {
    NewGeneration();
  }
}

void TableCatalogue::Retract(absl::Span<const TableChange> changes) {
  std::unique_lock lock(mutex_);
  for (const TableChange& change : changes) {
    if (change.is_new) Remove(change.name);
  }
  NewGeneration();
}

void TableCatalogue::Drop(absl::string_view name) {
  std::unique_lock lock(mutex_);
  const auto it = tables_.find(name);
  if (it != tables_.end()) keys_ -= it->second.keys;
  Remove(name);
  NewGeneration();
}

void TableCatalogue::Rename(absl::string_view name,
                            absl::string_view new_name) {
  std::unique_lock lock(mutex_);
  const auto it = tables_.find(name);
  COFFER_ASSERT(it != tables_.end() && "it was there");
  const TableRecord table = it->second;
  Remove(name);
  Put(new_name, table);
  NewGeneration();
}

}  // namespace coffer::server
