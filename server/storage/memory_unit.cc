#include "coffer/server/storage/memory_unit.h"

#include <algorithm>
#include <utility>

namespace coffer::server {
namespace {

// It may fail after others of its group were executed.
bool MayFail(const Op& op) {
  return op.kind == OpKind::kChange ||
         (op.kind != OpKind::kCompare &&
          op.condition.kind != Condition::Kind::kNone);
}

bool CanFailLate(absl::Span<const Op> ops) {
  return ops.size() > 1 && std::any_of(ops.begin(), ops.end(), MayFail);
}

bool NeedsTime(const Op& op) {
  return op.expiry.kind == Expiry::Kind::kAtMs ||
         op.expiry.kind == Expiry::Kind::kAfterMs;
}

uint64_t VersionOf(const MemoryRecord* record) {
  return record == nullptr ? 0 : record->version;
}

}  // namespace

MemoryStorage::Unit::Unit(MemoryStorage* storage, absl::Span<Op> ops,
                          HeldBytes* held)
    : storage_(*storage),
      ops_(ops),
      held_bytes_(*held),
      now_ms_(std::any_of(ops.begin(), ops.end(), NeedsTime)
                  ? storage->BeginExpiry()
                  : storage->NowMs()),
      can_fail_(CanFailLate(ops)) {}

void MemoryStorage::Unit::Read() {
  for (Op& op : ops_) {
    if (Skips(op)) continue;
    op.kind == OpKind::kCompare ? Compare(op) : ReadKey(op);
  }
}

void MemoryStorage::Unit::Apply() noexcept {
  writes_ = true;
  for (size_t i = 0; i < ops_.size(); ++i) {
    if (Skips(ops_[i])) continue;
    Execute(i);
    if (ops_[i].status.ok()) continue;
    UndoAll();
    FailUnit(ops_, i);
    return;
  }
  if (!changes_.empty()) storage_.sink_->OnChanges(changes_);
}

bool MemoryStorage::Unit::Skips(Op& op) const {
  op.skipped =
      op.branch != Branch::kAlways && held_ != (op.branch == Branch::kThen);
  return op.skipped;
}

MemoryStorage::Unit::Place MemoryStorage::Unit::Find(const Op& op) {
  MemoryShard& shard =
      storage_.shards_[storage_.ShardOf(op.table, op.key)].shard;
  Place place = {shard, storage_.tables_.Find(op.table), nullptr, 0};
  if (place.table == kNoTable) return place;
  place.record = shard.Find(place.table, op.key);
  if (place.record == nullptr || !place.record->expires) return place;
  place.expires_at_ms = shard.ExpiresAtMs(place.table, op.key, *place.record);
  if (place.expires_at_ms > now_ms_) return place;
  place.record = nullptr;
  place.expires_at_ms = 0;
  if (writes_) {
    storage_.RemoveExpired(shard, place.table, op.table,
                           SharedBytes::Copy(op.key));
  }
  return place;
}

void MemoryStorage::Unit::ReadKey(Op& op) {
  const Place place = Find(op);
  if (place.record == nullptr) return;
  op.found = true;
  op.version = place.record->version;
  op.expires_at_ms = place.expires_at_ms;
  if (op.kind == OpKind::kGet) op.value_out = place.record->value;
}

void MemoryStorage::Unit::Compare(Op& op) {
  const Place place = Find(op);
  const uint64_t version = VersionOf(place.record);
  const absl::string_view value = place.record == nullptr
                                      ? absl::string_view()
                                      : place.record->value.view();
  op.found = Holds(op, version, value);
  op.version = version;
  op.expires_at_ms = place.expires_at_ms;
  held_ = held_ && op.found;
}

void MemoryStorage::Unit::Execute(size_t i) {
  Op& op = ops_[i];
  if (IsNoteOp(op.kind)) return;  // they would not outlive the process
  if (op.kind == OpKind::kCompare) return Compare(op);
  if (!IsWrite(op.kind)) return ReadKey(op);
  const Place place = Find(op);
  const uint64_t version = VersionOf(place.record);
  op.found = place.record != nullptr;
  if (!Holds(op, version, {})) {
    op.version = version;
    op.expires_at_ms = place.expires_at_ms;
    if (op.found) op.value_out = place.record->value;
    op.status = ConditionFailed(op, version);
    return;
  }
  switch (op.kind) {
    case OpKind::kSet:
      return Write(op, place, SharedBytes::Copy(op.value));
    case OpKind::kExpire:
      if (op.found) Write(op, place, place.record->value);
      return;
    case OpKind::kChange:
      return Change(i, place);
    default:
      return Delete(op, place);
  }
}

void MemoryStorage::Unit::Change(size_t i, const Place& place) {
  Op& op = ops_[i];
  op.status = held_bytes_.Check();
  if (!op.status.ok()) return;
  absl::optional<absl::string_view> present;
  if (place.record != nullptr) present = place.record->value.view();
  std::string changed;
  op.status = op.change->Apply(present, ops_.subspan(0, i), &changed);
  if (!op.status.ok()) return;
  if (changed.size() > SharedBytes::kSizeMax) {
    op.status = absl::ResourceExhaustedError("the value would be too large");
    return;
  }
  held_bytes_.Add(changed.size());
  SharedBytes value = SharedBytes::Copy(changed);
  Write(op, place, value);
  op.value_out = std::move(value);
}

void MemoryStorage::Unit::Delete(Op& op, const Place& place) {
  if (place.record == nullptr) return;
  op.version = storage_.NextVersion();
  MemoryRecord before;
  Put(op, place, MemoryRecord(), 0, &before);
  if (op.want_previous) {
    op.value_out = before.value;
    op.previous_version = before.version;
  }
  Tell(KeyChange::Kind::kRemoved, op, before);
  Keep(op, place, std::move(before));
}

void MemoryStorage::Unit::Write(Op& op, const Place& place, SharedBytes value) {
  // Drawn under the key's lock: a key's versions only go up.
  op.version = storage_.NextVersion();
  op.expires_at_ms = ExpiresAtMs(op.expiry, now_ms_, place.expires_at_ms);
  const bool gone = op.expires_at_ms != 0 && op.expires_at_ms <= now_ms_;
  MemoryRecord record;
  if (!gone) {
    record.value = std::move(value);
    record.version = op.version;
  }
  const MemoryRecord written = sink_wanted() ? record : MemoryRecord();
  MemoryRecord before;
  Put(op, place, std::move(record), gone ? 0 : op.expires_at_ms, &before);
  if (op.want_previous) {
    op.value_out = before.value;
    op.previous_version = before.version;
  }
  if (!gone) {
    Tell(KeyChange::Kind::kSet, op, written);
  } else if (before.value) {
    Tell(KeyChange::Kind::kExpired, op, written);
  }
  Keep(op, place, std::move(before));
}

void MemoryStorage::Unit::Put(const Op& op, const Place& place,
                              MemoryRecord record, uint64_t expires_at_ms,
                              MemoryRecord* before) {
  if (!record.value) {
    if (place.record == nullptr) return;
    *before = place.shard.Erase(place.table, op.key);
    storage_.tables_.RemoveKey(op.table, op.key.size() + before->value.size());
    return;
  }
  const size_t bytes = record.value.size();
  if (place.record == nullptr) {
    record.expires = 0;
    const TableId table =
        storage_.tables_.AddKey(op.table, op.key.size() + bytes);
    place.shard.Insert(table, op.key, std::move(record));
    if (expires_at_ms != 0) {
      place.shard.SetExpiry(table, op.key, place.shard.Find(table, op.key),
                            expires_at_ms);
    }
    return;
  }
  // Whether it expires is told by SetExpiry, which finds it as it was.
  record.expires = place.record->expires;
  std::swap(*place.record, record);
  place.shard.SetExpiry(place.table, op.key, place.record, expires_at_ms);
  if (bytes != record.value.size()) {
    storage_.tables_.AddBytes(op.table,
                              static_cast<int64_t>(bytes) -
                                  static_cast<int64_t>(record.value.size()));
  }
  *before = std::move(record);
}

void MemoryStorage::Unit::Keep(const Op& op, const Place& place,
                               MemoryRecord before) {
  if (!can_fail_) return;
  before_.push_back({static_cast<size_t>(&op - ops_.data()), std::move(before),
                     place.expires_at_ms});
}

bool MemoryStorage::Unit::sink_wanted() const {
  return storage_.sink_ != nullptr;
}

void MemoryStorage::Unit::Tell(KeyChange::Kind kind, const Op& op,
                               const MemoryRecord& record) {
  if (storage_.sink_ == nullptr || !storage_.sink_->Wants(op.table)) return;
  KeyChange& change = changes_.emplace_back();
  change.kind = kind;
  change.table = op.table;
  change.key = op.key;
  change.version = op.version;
  if (kind != KeyChange::Kind::kSet) return;
  change.value = record.value;
  change.expires_at_ms = op.expires_at_ms;
}

void MemoryStorage::Unit::UndoAll() {
  for (auto it = before_.rbegin(); it != before_.rend(); ++it) {
    const Op& op = ops_[it->op];
    MemoryRecord undone;
    Put(op, Find(op), std::move(it->record), it->expires_at_ms, &undone);
  }
}

}  // namespace coffer::server
