// MemoryStorage::Unit: the execution of one unit of operations on keys, an
// atomic group or one operation on its own, while the shards of its keys are
// locked. Private to the engine.

#ifndef COFFER_SERVER_STORAGE_MEMORY_UNIT_H_
#define COFFER_SERVER_STORAGE_MEMORY_UNIT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "coffer/server/storage/memory_storage.h"

namespace coffer::server {

class MemoryStorage::Unit {
 public:
  // All outlive it.
  Unit(MemoryStorage* storage, absl::Span<Op> ops, HeldBytes* held);

  // Reads only.
  void Read();
  // Nobody is to see a part of a group: when memory runs out in here, the
  // process ends.
  void Apply() noexcept;

 private:
  // Where an operation's key is, as it is now.
  struct Place {
    MemoryShard& shard;
    TableId table;
    MemoryRecord* record;  // null: absent
    uint64_t expires_at_ms;
  };
  // How a key was.
  struct Before {
    size_t op;
    MemoryRecord record;  // no value: absent
    uint64_t expires_at_ms;
  };

  Place Find(const Op& op);
  bool Skips(Op& op) const;
  void Execute(size_t i);
  void ReadKey(Op& op);
  void Compare(Op& op);
  void Change(size_t i, const Place& place);
  void Delete(Op& op, const Place& place);
  void Write(Op& op, const Place& place, SharedBytes value);

  // The key becomes so; `value` null: absent. What it was goes to *before.
  void Put(const Op& op, const Place& place, MemoryRecord record,
           uint64_t expires_at_ms, MemoryRecord* before);
  void Keep(const Op& op, const Place& place, MemoryRecord before);
  void Tell(KeyChange::Kind kind, const Op& op, const MemoryRecord& record);
  bool sink_wanted() const;
  void UndoAll();

  MemoryStorage& storage_;
  const absl::Span<Op> ops_;
  HeldBytes& held_bytes_;  // values that were changed
  const uint64_t now_ms_;
  const bool can_fail_;  // after it has changed something
  bool writes_ = false;  // it may remove what has expired
  bool held_ = true;     // the comparisons so far
  std::vector<Before> before_;
  std::vector<KeyChange> changes_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_MEMORY_UNIT_H_
