#include "coffer/server/storage/memory_storage.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"

namespace coffer::server {

// Locks a set of shards in the order of their index.
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

size_t MemoryStorage::ShardOf(const Op& op) {
  using Names = std::pair<absl::string_view, absl::string_view>;
  return absl::Hash<Names>()(Names(op.table, op.key)) % kShards;
}

MemoryStorage::ShardSet MemoryStorage::ShardsOf(absl::Span<const Op> unit) {
  ShardSet shards = 0;
  for (const Op& op : unit) {
    if (op.kind == OpKind::kGetTable) return kAllShards;
    shards |= ShardSet{1} << ShardOf(op);
  }
  return shards;
}

bool MemoryStorage::Submit(Batch& batch, Done /*done*/) {
  absl::Span<Op> ops = batch.ops();
  for (size_t begin = 0; begin < ops.size();) {
    const size_t end = UnitEnd(ops, begin);
    ExecuteUnit(ops.subspan(begin, end - begin), batch.result_bytes_max());
    begin = end;
  }
  return true;
}

void MemoryStorage::ExecuteUnit(absl::Span<Op> unit, size_t result_bytes_max) {
  // After this check no operation on a key can fail, so a group never stops
  // half-way.
  absl::Status status = CheckUnit(unit);
  if (!status.ok()) {
    for (Op& op : unit) op.status = status;
    return;
  }
  Locks locks(*this, ShardsOf(unit));
  const auto is_write = [](const Op& op) { return IsWrite(op.kind); };
  if (std::any_of(unit.begin(), unit.end(), is_write)) {
    Apply(unit);
  } else {
    for (Op& op : unit) Execute(op, result_bytes_max);
  }
}

// Nobody is to see a part of a group, and there is no way back out of the
// middle of one: when memory runs out in here, the process ends.
void MemoryStorage::Apply(absl::Span<Op> unit) noexcept {
  for (Op& op : unit) Execute(op, /*result_bytes_max=*/0);
}

void MemoryStorage::Execute(Op& op, size_t result_bytes_max) {
  switch (op.kind) {
    case OpKind::kGet:
    case OpKind::kExists:
      return Read(op);
    case OpKind::kSet:
      return Set(op);
    case OpKind::kDelete:
      return Delete(op);
    case OpKind::kGetTable:
      return GetTable(op, result_bytes_max);
  }
}

void MemoryStorage::Read(Op& op) {
  MemoryShard& shard = shards_[ShardOf(op)].shard;
  const MemoryRecord* record = shard.Find(tables_.Find(op.table), op.key);
  if (!record) return;
  op.found = true;
  op.version = record->version;
  if (op.kind == OpKind::kGet) op.value_out = record->value;
}

void MemoryStorage::Set(Op& op) {
  MemoryShard& shard = shards_[ShardOf(op)].shard;
  // Drawn under the key's lock: a key's versions only go up.
  op.version = last_version_.fetch_add(1, std::memory_order_relaxed) + 1;
  MemoryRecord written{SharedBytes::Copy(op.value), op.version};
  MemoryRecord* record = shard.Find(tables_.Find(op.table), op.key);
  if (!record) {
    shard.Insert(tables_.AddKey(op.table), op.key, std::move(written));
    return;
  }
  op.found = true;
  std::swap(*record, written);
  if (op.want_previous) op.value_out = std::move(written.value);
}

void MemoryStorage::Delete(Op& op) {
  MemoryShard& shard = shards_[ShardOf(op)].shard;
  const TableId table = tables_.Find(op.table);
  if (!shard.Find(table, op.key)) return;
  op.found = true;
  MemoryRecord removed = shard.Erase(table, op.key);
  tables_.RemoveKey(op.table);
  if (op.want_previous) op.value_out = std::move(removed.value);
}

void MemoryStorage::GetTable(Op& op, size_t result_bytes_max) {
  const TableId table = tables_.Find(op.table);
  if (table == kNoTable) return;
  size_t bytes = 0;
  for (const PaddedShard& padded : shards()) {
    const bool fits = padded.shard.ForEach(
        table, [&](const SharedBytes& key, const MemoryRecord& record) {
          bytes += key.size() + record.value.size();
          if (result_bytes_max != 0 && bytes > result_bytes_max) return false;
          op.entries.push_back({key, record.value, record.version});
          return true;
        });
    if (!fits) {
      op.status = TableTooLarge(bytes, result_bytes_max);
      std::vector<TableEntry>().swap(op.entries);
      return;
    }
  }
}

Capabilities MemoryStorage::capabilities() const {
  return {.durable = false, .atomic_across_keys = true, .ordered_scan = false};
}

StorageCounts MemoryStorage::counts() const {
  StorageCounts counts;
  counts.tables = tables_.size();
  for (const PaddedShard& padded : shards()) {
    std::lock_guard lock(padded.shard.mutex());
    counts.keys += padded.shard.keys();
  }
  return counts;
}

}  // namespace coffer::server
