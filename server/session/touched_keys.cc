#include "coffer/server/session/touched_keys.h"

#include <functional>
#include <string>

#include "coffer/proto/request_keys.h"

namespace coffer::server {
namespace {

using v1::CommandRequest;
using HashSet = std::unordered_set<std::uint64_t>;

std::uint64_t TableHash(const std::string& table) {
  return std::hash<std::string>()(table);
}

std::uint64_t KeyHash(const std::string& table, const std::string& key) {
  const std::uint64_t mixed = TableHash(table) * 0x9E3779B97F4A7C15u;
  return (mixed ^ (mixed >> 32)) + std::hash<std::string>()(key);
}

bool Meet(const HashSet& a, const HashSet& b) {
  if (a.size() > b.size()) return Meet(b, a);
  for (const std::uint64_t hash : a) {
    if (b.count(hash) > 0) return true;
  }
  return false;
}

}  // namespace

bool IsOrdered(const CommandRequest& request) {
  switch (request.request_data_case()) {
    case CommandRequest::kSubscribe:
    case CommandRequest::kUnsubscribe:
    case CommandRequest::kPublish:
    case CommandRequest::kOpenSubscription:
    case CommandRequest::kOpenWatch:
    case CommandRequest::kCloseSubscription:
      return true;
    default:
      return false;
  }
}

void TouchedKeys::Add(const CommandRequest& request, bool strict) {
  all_ = all_ || strict;
  ordered_ = ordered_ || IsOrdered(request);
  ForEachKey(request, [this](const TouchedName& name) {
    if (name.table == nullptr) {
      all_tables_ = true;
      return;
    }
    tables_.insert(TableHash(*name.table));
    if (name.key == nullptr) {
      whole_tables_.insert(TableHash(*name.table));
    } else {
      keys_.insert(KeyHash(*name.table, *name.key));
    }
  });
}

void TouchedKeys::Clear() {
  all_ = false;
  ordered_ = false;
  all_tables_ = false;
  // What is cleared keeps its buckets: those of one large request would stay.
  HashSet().swap(keys_);
  HashSet().swap(tables_);
  HashSet().swap(whole_tables_);
}

bool TouchedKeys::Meets(const TouchedName& name) const {
  if (name.table == nullptr) return !tables_.empty();
  if (all_tables_) return true;
  const std::uint64_t table = TableHash(*name.table);
  if (name.key == nullptr) return tables_.count(table) > 0;
  return whole_tables_.count(table) > 0 ||
         keys_.count(KeyHash(*name.table, *name.key)) > 0;
}

bool TouchedKeys::Block(const CommandRequest& later, bool strict) const {
  if (all_ || strict || IsOrdered(later)) return true;
  bool meet = false;
  ForEachKey(later,
             [&](const TouchedName& name) { meet = meet || Meets(name); });
  return meet;
}

bool TouchedKeys::Block(const TouchedKeys& later) const {
  return all_ || later.all_ || later.ordered_ ||
         (all_tables_ && !later.tables_.empty()) ||
         (later.all_tables_ && !tables_.empty()) || Meet(keys_, later.keys_) ||
         Meet(whole_tables_, later.tables_) ||
         Meet(tables_, later.whole_tables_);
}

}  // namespace coffer::server
