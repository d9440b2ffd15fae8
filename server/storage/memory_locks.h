// MemoryStorage::Locks: a set of shards, locked in the order of their index.
// Private to the engine.

#ifndef COFFER_SERVER_STORAGE_MEMORY_LOCKS_H_
#define COFFER_SERVER_STORAGE_MEMORY_LOCKS_H_

#include "coffer/server/storage/memory_storage.h"

namespace coffer::server {

class MemoryStorage::Locks {
 public:
  Locks(const MemoryStorage& storage, ShardSet shards)
      : storage_(storage), shards_(shards) {
    ForEach([](const MemoryShard& shard) { shard.mutex().lock(); });
  }
  Locks(const Locks&) = delete;
  Locks& operator=(const Locks&) = delete;
  ~Locks() {
    ForEach([](const MemoryShard& shard) { shard.mutex().unlock(); });
  }

 private:
  template <class Visitor>
  void ForEach(Visitor visit) {
    for (size_t i = 0; i < kShards; ++i) {
      if (shards_ & (ShardSet{1} << i)) visit(storage_.shards_[i].shard);
    }
  }

  const MemoryStorage& storage_;
  const ShardSet shards_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_MEMORY_LOCKS_H_
