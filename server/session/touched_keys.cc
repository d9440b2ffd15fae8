#include "coffer/server/session/touched_keys.h"

#include <functional>
#include <string>

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

// Calls visit(table, key) for each key that the request touches, with null for
// a whole table.
template <class Visit>
void ForEachKey(const CommandRequest& r, Visit visit) {
  switch (r.request_data_case()) {
    case CommandRequest::kHget:
      return visit(r.hget().table(), &r.hget().key());
    case CommandRequest::kHgetall:
      return visit(r.hgetall().table(), nullptr);
    case CommandRequest::kHset:
      return visit(r.hset().table(), &r.hset().pair().key());
    case CommandRequest::kHdel:
      return visit(r.hdel().table(), &r.hdel().key());
    case CommandRequest::kHexist:
      return visit(r.hexist().table(), &r.hexist().key());
    case CommandRequest::kHmget:
      for (const auto& key : r.hmget().keys()) visit(r.hmget().table(), &key);
      return;
    case CommandRequest::kHmset:
      for (const auto& pair : r.hmset().pairs()) {
        visit(r.hmset().table(), &pair.key());
      }
      return;
    case CommandRequest::kHmdel:
      for (const auto& key : r.hmdel().keys()) visit(r.hmdel().table(), &key);
      return;
    case CommandRequest::kHmexist:
      for (const auto& key : r.hmexist().keys()) {
        visit(r.hmexist().table(), &key);
      }
      return;
    default:
      return;
  }
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
    case CommandRequest::kCloseSubscription:
      return true;
    default:
      return false;
  }
}

void TouchedKeys::Add(const CommandRequest& request, bool strict) {
  all_ = all_ || strict;
  ordered_ = ordered_ || IsOrdered(request);
  ForEachKey(request, [this](const std::string& table, const std::string* key) {
    tables_.insert(TableHash(table));
    if (key == nullptr) {
      whole_tables_.insert(TableHash(table));
    } else {
      keys_.insert(KeyHash(table, *key));
    }
  });
}

void TouchedKeys::Clear() {
  all_ = false;
  ordered_ = false;
  // What is cleared keeps its buckets: those of one large request would stay.
  HashSet().swap(keys_);
  HashSet().swap(tables_);
  HashSet().swap(whole_tables_);
}

bool TouchedKeys::Block(const CommandRequest& later, bool strict) const {
  if (all_ || strict || IsOrdered(later)) return true;
  bool meet = false;
  ForEachKey(later, [&](const std::string& table, const std::string* key) {
    meet = meet || (key == nullptr ? tables_.count(TableHash(table)) > 0
                                   : keys_.count(KeyHash(table, *key)) > 0 ||
                                         whole_tables_.count(TableHash(table)));
  });
  return meet;
}

bool TouchedKeys::Block(const TouchedKeys& later) const {
  return all_ || later.all_ || later.ordered_ || Meet(keys_, later.keys_) ||
         Meet(whole_tables_, later.tables_) ||
         Meet(tables_, later.whole_tables_);
}

}  // namespace coffer::server
