#include "coffer/server/storage/memory_storage.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/time/time.h"
#include "coffer/server/storage/memory_locks.h"
#include "coffer/server/storage/memory_unit.h"

namespace coffer::server {
namespace {

// What one call of Sweep removes at most, and what it removes while it holds a
// lock.
constexpr size_t kSweepKeys = 1024;
constexpr size_t kSweepKeysLocked = 64;

bool IsWriteOp(const Op& op) { return IsWrite(op.kind); }

}  // namespace

size_t MemoryStorage::ShardOf(absl::string_view table,
                              absl::string_view key) const {
  using Salted = std::pair<uint64_t, absl::string_view>;
  return absl::Hash<Salted>()(Salted(salts_.Of(table), key)) % kShards;
}

MemoryStorage::ShardSet MemoryStorage::ShardsOf(
    absl::Span<const Op> unit) const {
  ShardSet shards = 0;
  for (const Op& op : unit) {
    if (!IsNoteOp(op.kind)) shards |= ShardSet{1} << ShardOf(op.table, op.key);
  }
  return shards;
}

bool MemoryStorage::Submit(Batch& batch, Done /*done*/) {
  absl::Span<Op> ops = batch.ops();
  HeldBytes held(batch.held_bytes_max());
  for (size_t begin = 0; begin < ops.size();) {
    const size_t end = UnitEnd(ops, begin);
    ExecuteUnit(ops.subspan(begin, end - begin), batch.result_bytes_max(),
                &held);
    begin = end;
  }
  return true;
}

void MemoryStorage::ExecuteUnit(absl::Span<Op> unit, size_t result_bytes_max,
                                HeldBytes* held) {
  absl::Status status = CheckUnit(unit);
  if (!status.ok()) {
    for (Op& op : unit) op.status = status;
    return;
  }
  if (IsTableOp(unit[0].kind)) {
    return ExecuteOnTables(unit[0], result_bytes_max);
  }
  held->BeginUnit();
  while (!ExecuteOnKeys(unit, held)) {
  }
}

bool MemoryStorage::ExecuteOnKeys(absl::Span<Op> unit, HeldBytes* held) {
  const uint64_t generation = salts_.generation();
  Locks locks(*this, ShardsOf(unit));
  // A table was renamed before the locks were had: they may be the wrong ones.
  if (salts_.generation() != generation) return false;
  Unit execution(this, unit, held);
  if (std::any_of(unit.begin(), unit.end(), IsWriteOp)) {
    execution.Apply();
  } else {
    execution.Read();
  }
  return true;
}

void MemoryStorage::ExecuteOnTables(Op& op, size_t result_bytes_max) {
  switch (op.kind) {
    case OpKind::kGetTable:
      return GetTable(op, result_bytes_max);
    case OpKind::kScan:
      return Scan(op);
    case OpKind::kListTables:
      return ListTables(op);
    case OpKind::kCountKeys:
      return CountKeys(op);
    case OpKind::kDropTable:
      return DropTable(op);
    case OpKind::kRenameTable:
      return RenameTable(op);
    default:
      op.status = absl::InvalidArgumentError("not an operation of tables");
  }
}

Capabilities MemoryStorage::capabilities() const {
  return {.durable = false,
          .atomic_across_keys = true,
          .ordered_scan = false,
          .tells_changes = true};
}

StorageCounts MemoryStorage::counts() const {
  StorageCounts counts;
  const DueByTable due = FindDue(NowMs());
  tables_.ForEach("", [&](TableId id, const TableStats& stats) {
    const auto expired = due.find(id);
    const uint64_t gone = expired == due.end() ? 0 : expired->second.keys;
    if (stats.keys > gone) {
      ++counts.tables;
      counts.keys += stats.keys - gone;
    }
    return true;
  });
  return counts;
}

uint64_t MemoryStorage::NowMs() const {
  if (!keys_expire_.load(std::memory_order_relaxed)) return 0;
  const int64_t wall_ms = absl::ToUnixMillis(clock_.WallNow());
  const auto now_ms = static_cast<uint64_t>(std::max<int64_t>(wall_ms, 0));
  uint64_t latest = now_ms_.load(std::memory_order_relaxed);
  while (latest < now_ms) {
    if (now_ms_.compare_exchange_weak(latest, now_ms,
                                      std::memory_order_relaxed)) {
      return now_ms;
    }
  }
  return latest;
}

uint64_t MemoryStorage::BeginExpiry() {
  if (!keys_expire_.load(std::memory_order_relaxed)) keys_expire_ = true;
  return NowMs();
}

void MemoryStorage::RemoveExpired(MemoryShard& shard, TableId id,
                                  absl::string_view table,
                                  const SharedBytes& key) {
  const MemoryRecord removed = shard.Erase(id, key.view());
  tables_.RemoveKey(table, key.size() + removed.value.size());
  if (sink_ == nullptr || !sink_->Wants(table)) return;
  KeyChange change;
  change.kind = KeyChange::Kind::kExpired;
  change.table = table;
  change.key = key.view();
  change.version = NextVersion();
  sink_->OnChanges({&change, 1});
}

bool MemoryStorage::Sweep() {
  {
    std::lock_guard lock(dropped_mutex_);
    if (!dropped_.empty()) {
      if (!dropped_.back()->FreeSome()) dropped_.pop_back();
      if (!dropped_.empty()) return true;
    }
  }
  const uint64_t now_ms = NowMs();
  size_t budget = kSweepKeys;
  bool more = false;
  for (PaddedShard& padded : shards()) {
    while (SweepShard(padded.shard, now_ms, &budget)) {
      more = budget == 0;
      if (more) return true;
    }
  }
  return more;
}

// Whether there is more to remove.
bool MemoryStorage::SweepShard(MemoryShard& shard, uint64_t now_ms,
                               size_t* budget) {
  std::lock_guard lock(shard.mutex());
  const TableId id = shard.FirstDue(now_ms);
  if (id == kNoTable) return false;
  std::vector<SharedBytes> due;
  shard.FindTable(id)->ForEachDue(now_ms, [&](const SharedBytes& key) {
    due.push_back(key);
    return due.size() < std::min(*budget, kSweepKeysLocked);
  });
  // It keeps its name while a shard is locked.
  const std::string table = tables_.NameOf(id);
  for (const SharedBytes& key : due) RemoveExpired(shard, id, table, key);
  *budget -= due.size();
  return true;
}

}  // namespace coffer::server
