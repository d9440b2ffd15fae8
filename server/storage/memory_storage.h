// MemoryStorage: the engine that keeps everything in memory and forgets it with
// the process. Every batch finishes inside Submit, on the caller's thread.
//
// Keys are spread over shards by a hash of table and key. An operation on its
// own locks its key's shard; an atomic group locks the shards of all its keys,
// and kGetTable all shards, in the order of their index: so a group is seen as
// a whole or not at all, and no two batches wait for each other in a circle.
// Reading costs no memory; an overwriting set costs one allocation, the new
// value's.

#ifndef COFFER_SERVER_STORAGE_MEMORY_STORAGE_H_
#define COFFER_SERVER_STORAGE_MEMORY_STORAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/storage/memory_shard.h"
#include "coffer/server/storage/storage.h"
#include "coffer/server/storage/table_registry.h"

namespace coffer::server {

class MemoryStorage final : public Storage {
 public:
  MemoryStorage() = default;
  MemoryStorage(const MemoryStorage&) = delete;
  MemoryStorage& operator=(const MemoryStorage&) = delete;

  bool Submit(Batch& batch, Done done) override;
  Capabilities capabilities() const override;
  absl::string_view name() const override { return "memory"; }
  StorageCounts counts() const override;

 private:
  // A power of two; a set of shards is the bits of a ShardSet.
  static constexpr size_t kShards = 16;
  using ShardSet = uint32_t;
  static constexpr ShardSet kAllShards = (ShardSet{1} << kShards) - 1;
  class Locks;
  // On its own cache line, so that one shard's lock does not slow the next.
  struct alignas(64) PaddedShard {
    MemoryShard shard;
  };

  absl::Span<PaddedShard> shards() const { return {shards_.get(), kShards}; }
  static size_t ShardOf(const Op& op);
  static ShardSet ShardsOf(absl::Span<const Op> unit);
  void ExecuteUnit(absl::Span<Op> unit, size_t result_bytes_max);
  // The shards of the operation's keys are locked.
  void Apply(absl::Span<Op> unit) noexcept;
  void Execute(Op& op, size_t result_bytes_max);
  void Read(Op& op);
  void Set(Op& op);
  void Delete(Op& op);
  void GetTable(Op& op, size_t result_bytes_max);

  // kShards of them. Not in the object: GCC's address sanitizer puts objects of
  // such alignment on the stack without it.
  const std::unique_ptr<PaddedShard[]> shards_ =
      std::make_unique<PaddedShard[]>(kShards);
  TableRegistry tables_;
  std::atomic<uint64_t> last_version_{0};
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_MEMORY_STORAGE_H_
