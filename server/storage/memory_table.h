// MemoryTable: the keys of one table that are in one shard of MemoryStorage,
// found by hash, and listed in an order that each key has its place in for
// good.
//
// The keys stand in segments, by the first bits of their hashes: a small hash
// map each, which is split in two when it has too many (extendible hashing:
// R. Fagin et al., ACM TODS 4(3), 1979). So a page of the table costs no more
// than a segment or two, wherever it begins and however the table grows between
// two pages; and no insertion moves more keys than one segment has.
//
// The order is that of (hash, key). Not thread-safe.

#ifndef COFFER_SERVER_STORAGE_MEMORY_TABLE_H_
#define COFFER_SERVER_STORAGE_MEMORY_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "coffer/server/storage/shared_bytes.h"

namespace coffer::server {

struct MemoryRecord {
  SharedBytes value;
  uint64_t version : 63 = 0;
  // It does; the time is with its table.
  uint64_t expires : 1 = 0;
};
static_assert(sizeof(MemoryRecord) == 16);

class MemoryTable {
 public:
  // A segment that has so many keys is split.
  static constexpr size_t kSegmentKeysMax = 512;
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  // Null if there is no such key. Valid until the next insertion or removal.
  // Allocates nothing.
  MemoryRecord* Find(absl::string_view key);
  // The key is absent.
  void Insert(absl::string_view key, MemoryRecord record);
  // The key is there. Returns what it had.
  MemoryRecord Erase(absl::string_view key);

  // When a key that is there expires, in milliseconds since 1970; 0: never.
  uint64_t ExpiresAtMs(absl::string_view key,
                       const MemoryRecord& record) const {
    return record.expires ? times_->by_key.find(key)->second.at_ms : 0;
  }
  void SetExpiry(absl::string_view key, MemoryRecord* record, uint64_t at_ms);
  // Of the key that expires first; kNever if none does.
  uint64_t first_expiry_ms() const {
    return times_ == nullptr || times_->in_order.empty()
               ? kNever
               : times_->in_order.begin()->first;
  }
  // What keys whose time is `now_ms` or before it have: expired, and not
  // removed yet. Looks at times, not at keys: a million of one millisecond are
  // one step.
  struct Totals {
    uint64_t keys = 0;
    uint64_t bytes = 0;  // of keys and values
  };
  Totals Due(uint64_t now_ms) const;
  // Visits them, the earliest first, until told to stop by false.
  using DueVisitor = absl::FunctionRef<bool(const SharedBytes& key)>;
  void ForEachDue(uint64_t now_ms, DueVisitor visit) const;

  // Visits every key, until told to stop by false. Whether it never was.
  using Visitor = absl::FunctionRef<bool(const SharedBytes& key,
                                         const MemoryRecord& record)>;
  bool ForEach(Visitor visit) const;

  // A place in the order: before `key`, were it there.
  struct Position {
    uint64_t hash = 0;
    std::string key;
  };
  static uint64_t HashOf(absl::string_view key) {
    return absl::Hash<absl::string_view>()(key);
  }
  struct Found {
    uint64_t hash;
    const SharedBytes* key;
    const MemoryRecord* record;
  };
  // The keys of one segment from a position on, in their order; valid as
  // Find's. Returns where the next segment begins, 0 if it was the last.
  uint64_t SegmentFrom(const Position& from, std::vector<Found>* found) const;

  // Frees about one segment's memory, of a table that nobody uses any more.
  // False: nothing is left.
  bool FreeSome();

  size_t size() const { return size_; }

 private:
  // Keys are found by their bytes, without making a SharedBytes of them.
  struct Hash {
    using is_transparent = void;
    size_t operator()(absl::string_view key) const { return HashOf(key); }
    size_t operator()(const SharedBytes& key) const {
      return HashOf(key.view());
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

  struct Segment {
    Records records;
    int depth = 0;  // bits that all hashes in it have in common
  };

  // Of the keys that expire: few tables have any.
  struct Times {
    struct Order {
      bool operator()(const std::pair<uint64_t, SharedBytes>& a,
                      const std::pair<uint64_t, SharedBytes>& b) const {
        if (a.first != b.first) return a.first < b.first;
        return a.second.view() < b.second.view();
      }
    };
    struct Time {
      uint64_t at_ms;
      uint64_t bytes;  // of key and value, as `totals` has them
    };
    absl::btree_set<std::pair<uint64_t, SharedBytes>, Order> in_order;
    absl::flat_hash_map<SharedBytes, Time, Hash, Equal> by_key;
    absl::btree_map<uint64_t, Totals> totals;  // of each time
  };

  size_t IndexOf(uint64_t hash) const {
    return depth_ == 0 ? 0 : hash >> (64 - depth_);
  }
  // A table of one segment, as most are, needs no hash to find it.
  Segment& SegmentOf(absl::string_view key) {
    return depth_ == 0 ? first_ : *directory_[IndexOf(HashOf(key))];
  }
  const Segment& SegmentAt(uint64_t hash) const {
    return depth_ == 0 ? first_ : *directory_[IndexOf(hash)];
  }
  void Split(uint64_t hash);
  void ForgetTime(absl::string_view key);

  // The only segment while depth_ is 0; then 2^depth_ places in the directory,
  // of which several may lead to one segment.
  Segment first_;
  std::vector<std::shared_ptr<Segment>> directory_;
  int depth_ = 0;
  size_t size_ = 0;
  std::unique_ptr<Times> times_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_MEMORY_TABLE_H_
