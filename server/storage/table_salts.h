// TableSalts: what stands for a table's name in the hash by which MemoryStorage
// chooses the shard of a key. It is the hash of the name, but for a table that
// was renamed, which keeps that of the name it had before: so its keys stay
// where they are.
//
// A name that lost its table keeps its salt for a while: whoever has looked it
// up may be about to make the table anew. Salts change only while the caller
// holds the locks of all shards, and generation() tells those who have chosen
// their locks before.
//
// Threads: any.

#ifndef COFFER_SERVER_STORAGE_TABLE_SALTS_H_
#define COFFER_SERVER_STORAGE_TABLE_SALTS_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace coffer::server {

class TableSalts {
 public:
  uint64_t Of(absl::string_view name) const {
    const uint64_t hash = absl::Hash<absl::string_view>()(name);
    if (!any_.load(std::memory_order_acquire)) return hash;
    std::shared_lock lock(mutex_);
    const auto it = salts_.find(name);
    return it == salts_.end() ? hash : it->second;
  }

  uint64_t generation() const {
    return generation_.load(std::memory_order_acquire);
  }

  // The table `name` is called `new_name` from now on.
  void Renamed(absl::string_view name, absl::string_view new_name) {
    const uint64_t salt = Of(name);
    std::unique_lock lock(mutex_);
    salts_.insert_or_assign(new_name, salt);
    Changed();
  }
  // Forgets names that have no table any more.
  void Forget(absl::FunctionRef<bool(absl::string_view name)> exists) {
    if (!any_.load(std::memory_order_acquire)) return;
    std::unique_lock lock(mutex_);
    for (auto it = salts_.begin(); it != salts_.end();) {
      if (exists(it->first)) {
        ++it;
      } else {
        salts_.erase(it++);
      }
    }
    Changed();
  }

 private:
  void Changed() {
    any_.store(!salts_.empty(), std::memory_order_release);
    generation_.fetch_add(1, std::memory_order_acq_rel);
  }

  mutable std::shared_mutex mutex_;
  absl::flat_hash_map<std::string, uint64_t> salts_;
  std::atomic<bool> any_{false};
  std::atomic<uint64_t> generation_{0};
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_TABLE_SALTS_H_
