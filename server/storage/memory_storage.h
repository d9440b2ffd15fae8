// MemoryStorage: the engine that keeps everything in memory and forgets it with
// the process. Every batch finishes inside Submit, on the caller's thread.
//
// Keys are spread over shards by a hash of table (table_salts.h) and key. An
// operation on its own locks its key's shard; an atomic group locks the shards
// of all its keys, and what concerns a whole table locks all shards, in the
// order of their index: so a group is seen as a whole or not at all, and no two
// batches wait for each other in a circle. A page of a scan locks one shard
// after another, for as long as it takes to look through one segment of keys
// (memory_table.h).
//
// Reading costs no memory; an overwriting set costs one allocation, the new
// value's. A group that can fail half-way keeps what it has overwritten until
// it is through, and puts it back if it fails.
//
// What has expired is absent, and is removed when it is met by a write, or by
// Sweep, which also frees the memory of dropped tables, piece by piece.

#ifndef COFFER_SERVER_STORAGE_MEMORY_STORAGE_H_
#define COFFER_SERVER_STORAGE_MEMORY_STORAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/storage/held_bytes.h"
#include "coffer/server/storage/memory_shard.h"
#include "coffer/server/storage/memory_table.h"
#include "coffer/server/storage/storage.h"
#include "coffer/server/storage/table_registry.h"
#include "coffer/server/storage/table_salts.h"

namespace coffer::server {

class MemoryStorage final : public Storage {
 public:
  // `clock` says when keys expire, and outlives the engine.
  explicit MemoryStorage(const Clock* clock = &Clock::System())
      : clock_(*clock) {}
  MemoryStorage(const MemoryStorage&) = delete;
  MemoryStorage& operator=(const MemoryStorage&) = delete;

  bool Submit(Batch& batch, Done done) override;
  Capabilities capabilities() const override;
  absl::string_view name() const override { return "memory"; }
  StorageCounts counts() const override;
  void SetChangeSink(ChangeSink* sink) override { sink_ = sink; }
  bool Sweep() override;

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
  class Unit;  // memory_unit.h
  using DueByTable = absl::flat_hash_map<TableId, MemoryTable::Totals>;
  using Tables = std::vector<std::unique_ptr<MemoryTable>>;

  absl::Span<PaddedShard> shards() const { return {shards_.get(), kShards}; }
  size_t ShardOf(absl::string_view table, absl::string_view key) const;
  ShardSet ShardsOf(absl::Span<const Op> unit) const;
  void ExecuteUnit(absl::Span<Op> unit, size_t result_bytes_max,
                   HeldBytes* held);
  // False: nothing is done, to be tried again.
  bool ExecuteOnKeys(absl::Span<Op> unit, HeldBytes* held);
  void ExecuteOnTables(Op& op, size_t result_bytes_max);

  // memory_tables.cc
  void GetTable(Op& op, size_t result_bytes_max);
  void Scan(Op& op);
  void ListTables(Op& op);
  void CountKeys(Op& op);
  void DropTable(Op& op);
  void RenameTable(Op& op);
  // With all shards locked: what the table has, without what has expired. No
  // keys: there is no such table, or not any more.
  TableStats StatsOfLive(absl::string_view name) const;
  // With all shards locked: the table goes. Its memory is for Free, once they
  // are not locked any more.
  void Unlink(absl::string_view name, Tables* unlinked);
  void Free(Tables unlinked);
  void ForgetSalts();
  void TellOfTable(KeyChange::Kind kind, absl::string_view name);
  // What has expired and is not removed yet. Locks one shard at a time.
  DueByTable FindDue(uint64_t now_ms) const;

  // With the shard locked, a key that has expired.
  void RemoveExpired(MemoryShard& shard, TableId id, absl::string_view table,
                     const SharedBytes& key);
  bool SweepShard(MemoryShard& shard, uint64_t now_ms, size_t* budget);

  uint64_t NextVersion() {
    return last_version_.fetch_add(1, std::memory_order_relaxed) + 1;
  }
  // Never goes back; 0 while no key has ever had an expiry.
  uint64_t NowMs() const;
  // As NowMs, and from here on keys may expire.
  uint64_t BeginExpiry();

  // kShards of them. Not in the object: GCC's address sanitizer puts objects of
  // such alignment on the stack without it.
  const std::unique_ptr<PaddedShard[]> shards_ =
      std::make_unique<PaddedShard[]>(kShards);
  TableRegistry tables_;
  TableSalts salts_;
  std::atomic<uint64_t> last_version_{0};
  const Clock& clock_;
  ChangeSink* sink_ = nullptr;
  std::atomic<bool> keys_expire_{false};
  mutable std::atomic<uint64_t> now_ms_{0};  // the latest that was seen

  std::mutex dropped_mutex_;
  Tables dropped_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_MEMORY_STORAGE_H_
