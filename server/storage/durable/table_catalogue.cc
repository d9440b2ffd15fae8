#include "coffer/server/storage/durable/table_catalogue.h"

#include <algorithm>
#include <mutex>

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
  keys_ = 0;
  generation_.fetch_add(1, std::memory_order_acq_rel);
}

void TableCatalogue::Add(absl::string_view name, const TableRecord& table) {
  std::unique_lock lock(mutex_);
  tables_.insert_or_assign(name, table);
  keys_ += table.keys;
}

void TableCatalogue::Publish(absl::Span<const TableChange> changes) {
  if (std::none_of(changes.begin(), changes.end(), IsNew)) return;
  std::unique_lock lock(mutex_);
  for (const TableChange& change : changes) {
    if (!change.is_new) continue;
    tables_.insert_or_assign(change.name, TableRecord{change.id, 0});
  }
  generation_.fetch_add(1, std::memory_order_acq_rel);
}

void TableCatalogue::Apply(absl::Span<const TableChange> changes) {
  if (changes.empty()) return;
  std::unique_lock lock(mutex_);
  for (const TableChange& change : changes) {
    keys_ += change.keys - change.keys_before;  // unsigned, and right
    if (change.keys == 0) {
      tables_.erase(change.name);
    } else {
      tables_.insert_or_assign(change.name,
                               TableRecord{change.id, change.keys});
    }
  }
  if (std::any_of(changes.begin(), changes.end(), ChangesNames)) {
    generation_.fetch_add(1, std::memory_order_acq_rel);
  }
}

void TableCatalogue::Retract(absl::Span<const TableChange> changes) {
  std::unique_lock lock(mutex_);
  for (const TableChange& change : changes) {
    if (change.is_new) tables_.erase(change.name);
  }
  generation_.fetch_add(1, std::memory_order_acq_rel);
}

}  // namespace coffer::server
