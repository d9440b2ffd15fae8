#include "coffer/server/storage/durable/commit_plan.h"

#include <algorithm>

#include "coffer/sdk/internal/assert.h"
#include "coffer/server/storage/durable/engine_status.h"
#include "coffer/server/storage/durable/read_pieces.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/server/storage/durable/table_scan.h"
#include "rocksdb/options.h"

namespace coffer::server {
namespace {

// So many versions are given for each write of the bound. A start skips those
// that are left.
constexpr uint64_t kVersionsReserved = 1 << 20;

constexpr uint32_t kNothing = UINT32_MAX;

// A value as short is copied: it would keep the block that it is in in memory.
constexpr size_t kShortBytes = 1024;

// Whether executing it takes the value that is there, or may tell it.
bool NeedsValue(const Op& op) {
  switch (op.kind) {
    case OpKind::kExists:
      return false;
    case OpKind::kSet:
    case OpKind::kDelete:
      return op.want_previous || op.condition.kind != Condition::Kind::kNone;
    case OpKind::kCompare:
      return op.condition.kind == Condition::Kind::kValueEqual ||
             op.condition.kind == Condition::Kind::kValueNotEqual;
    default:
      return true;
  }
}

void MustBeOk(const rocksdb::Status& status) {
  // A WriteBatch without a size limit takes what it is given.
  COFFER_ASSERT(status.ok() && "put together in memory");
}

}  // namespace

CommitPlan::CommitPlan(const Environment& environment,
                       const CommitCounters& counters)
    : environment_(environment), counters_(counters) {}

void CommitPlan::Plan(absl::Span<const CommitPart> parts) {
  for (const CommitPart& part : parts) Load(part);
  ReadStored();
  absl::Span<const uint32_t> of_op = of_op_;
  for (part_ = 0; part_ < parts.size(); ++part_) {
    const absl::Span<Op> ops = parts[part_].ops;
    for (size_t begin = 0; begin < ops.size();) {
      const size_t count = UnitEnd(ops, begin) - begin;
      parts_[part_].held->BeginUnit();
      Execute(ops.subspan(begin, count), of_op.subspan(0, count));
      of_op.remove_prefix(count);
      begin += count;
    }
  }
  WriteKeys();
  WriteTables();
  ReserveVersions(&counters_, &write_);
}

void CommitPlan::Load(const CommitPart& part) {
  const absl::Span<Op> ops = part.ops;
  parts_.push_back({HeldBytes(part.held->bytes_max()), part.held});
  if (UnitEnd(ops, 0) == ops.size()) parts_.back().read.BeginUnit();
  for (size_t begin = 0; begin < ops.size();) {
    const size_t end = UnitEnd(ops, begin);
    const absl::Status valid = CheckUnit(ops.subspan(begin, end - begin));
    for (; begin < end; ++begin) {
      Op& op = ops[begin];
      ClearResult(&op);
      op.status = valid;
      of_op_.push_back(valid.ok() && !IsNoteOp(op.kind) ? KeyOf(op) : kNothing);
    }
  }
}

uint32_t CommitPlan::TableOf(absl::string_view name) {
  const auto next = static_cast<uint32_t>(tables_.size());
  const auto [it, inserted] = table_by_name_.try_emplace(name, next);
  if (!inserted) return it->second;
  const TableRecord known = environment_.catalogue->Find(name);
  TableChange& table = tables_.emplace_back();
  table.name = name;
  table.is_new = known.id == kNoTable;
  table.id = table.is_new ? ++counters_.last_table : known.id;
  table.keys_before = table.keys = known.keys;
  table.bytes_before = table.bytes = known.bytes;
  return next;
}

uint32_t CommitPlan::KeyOf(const Op& op) {
  // Most often it is the table of the operation before.
  const bool as_before =
      !keys_.empty() && tables_[keys_.back().table].name == op.table;
  const uint32_t table = as_before ? keys_.back().table : TableOf(op.table);
  const auto next = static_cast<uint32_t>(keys_.size());
  const auto [it, inserted] =
      key_by_name_.try_emplace(std::make_pair(table, op.key), next);
  if (inserted) keys_.emplace_back();
  Key& key = keys_[it->second];
  if (!key.needs_value && NeedsValue(op)) {
    key.needs_value = true;
    key.part = static_cast<uint32_t>(parts_.size() - 1);
  }
  if (!inserted) return it->second;
  key.table = table;
  key.name = op.key;
  key.encoded = DataKey(tables_[table].id, op.key);
  return next;
}

void CommitPlan::ReadStored() {
  std::vector<uint32_t> known;
  for (uint32_t i = 0; i < keys_.size(); ++i) {
    if (!tables_[keys_[i].table].is_new) known.push_back(i);
  }
  // What is committed does not change meanwhile: they need not be read at once.
  ReadPieces pieces;
  std::vector<uint32_t> some;
  for (auto next = known.begin(); next != known.end() || !some.empty();) {
    while (next != known.end() && some.size() < pieces.keys()) {
      some.push_back(*next++);
    }
    const size_t piece = std::min(some.size(), pieces.keys());
    std::vector<uint32_t> left;
    pieces.Read(ReadSome(absl::MakeSpan(some).first(piece), &left));
    left.insert(left.end(), some.begin() + piece, some.end());
    some.swap(left);
  }
  undos_.clear();
}

// Those behind what is too much for once are not read. Returns how many bytes
// were.
size_t CommitPlan::ReadSome(absl::Span<const uint32_t> keys,
                            std::vector<uint32_t>* not_read) {
  std::vector<rocksdb::Slice> names;
  names.reserve(keys.size());
  for (const uint32_t key : keys) names.emplace_back(keys_[key].encoded);
  std::vector<rocksdb::PinnableSlice> stored(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  rocksdb::ReadOptions options;
  options.value_size_soft_limit = ReadPieces::kBytes;
  rocksdb::DB& db = *environment_.db;
  db.MultiGet(options, db.DefaultColumnFamily(), keys.size(), names.data(),
              stored.data(), statuses.data());
  size_t bytes = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsAborted()) {
      not_read->push_back(keys[i]);
      continue;
    }
    bytes += stored[i].size();
    TakeStored(statuses[i], std::move(stored[i]), keys[i]);
    const Key& key = keys_[keys[i]];
    const uint64_t at_ms = key.now.expires_at_ms;
    if (!key.stored || at_ms == 0 || at_ms > environment_.now_ms) continue;
    // It has expired: whoever writes next is the one to remove it.
    Put(keys[i], State());
    Tell(KeyChange::Kind::kExpired, keys[i], ++counters_.last_version);
  }
  return bytes;
}

void CommitPlan::TakeStored(const rocksdb::Status& status,
                            rocksdb::PinnableSlice&& stored, uint32_t index) {
  Key& key = keys_[index];
  if (status.IsNotFound()) return;
  key.error = FromRocksDb(status, "reading a key");
  if (!key.error.ok()) return;
  rocksdb::PinnableSlice& kept = stored_.emplace_back();
  if (stored.size() > kShortBytes) {
    kept = std::move(stored);
  } else {
    kept.PinSelf(stored);
  }
  const absl::string_view bytes = ToView(kept);
  DataRecord record;
  if (!DecodeData(bytes, &record)) {
    key.error = CorruptRecord(tables_[key.table].name, bytes.size());
    return;
  }
  key.stored = key.now.exists = true;
  key.now.version = record.version;
  key.now.value_bytes = record.value.size();
  key.now.expires_at_ms = record.expires_at_ms;
  key.stored_expires_at_ms = record.expires_at_ms;
  HeldBytes& read = parts_[key.part].read;
  key.now.value_known = key.needs_value && read.Check().ok();
  if (key.now.value_known) {
    key.now.value = record.value;
    read.Add(bytes.size());
  } else {
    stored_.pop_back();
  }
}

void CommitPlan::Execute(absl::Span<Op> unit, absl::Span<const uint32_t> keys) {
  if (!unit[0].status.ok()) return;  // no unit that can be executed
  for (const uint32_t key : keys) {
    if (key == kNothing || keys_[key].error.ok()) continue;
    for (Op& op : unit) op.status = keys_[key].error;
    return;
  }
  held_ = true;
  undos_.clear();
  const size_t notes = notes_.size();
  const size_t told = told_.size();
  for (size_t i = 0; i < unit.size(); ++i) {
    ExecuteOp(unit, i, keys[i]);
    if (unit[i].status.ok()) continue;
    UndoFrom(0, notes, told);
    FailUnit(unit, i);
    return;
  }
}

void CommitPlan::ExecuteOp(absl::Span<Op> unit, size_t i, uint32_t key) {
  Op& op = unit[i];
  op.skipped =
      op.branch != Branch::kAlways && held_ != (op.branch == Branch::kThen);
  if (op.skipped) return;
  switch (op.kind) {
    case OpKind::kSetNote:
      return SetNote(unit, i);
    case OpKind::kDeleteNote:
      notes_.push_back({NoteKey(op.key), absl::nullopt});
      return;
    default:
      return ExecuteOnKey(unit, i, key);
  }
}

void CommitPlan::ExecuteOnKey(absl::Span<Op> unit, size_t i, uint32_t key) {
  Op& op = unit[i];
  if (NeedsValue(op)) op.status = CheckValue(keys_[key]);
  if (!op.status.ok()) return;
  State& now = keys_[key].now;
  const bool holds = Holds(op, now.version, now.value);
  op.found = op.kind == OpKind::kCompare ? holds : now.exists;
  if (op.kind == OpKind::kCompare) held_ = held_ && holds;
  if (!IsWrite(op.kind) || !holds) {
    op.version = now.version;
    op.expires_at_ms = now.expires_at_ms;
    const bool failed = op.kind != OpKind::kCompare && !holds;
    if (now.exists && (op.kind == OpKind::kGet || failed)) {
      op.value_out = ValueOf(now);
    }
    if (failed) op.status = ConditionFailed(op, now.version);
    return;
  }
  if (op.want_previous && now.exists) {
    op.value_out = ValueOf(now);
    op.previous_version = now.version;
  }
  switch (op.kind) {
    case OpKind::kSet:
      return Write(op, key,
                   State{.exists = true,
                         .value_bytes = op.value.size(),
                         .value = op.value});
    case OpKind::kExpire:
      if (now.exists) Write(op, key, now);
      return;
    case OpKind::kChange:
      return Change(unit, i, key);
    default:  // kDelete
      if (!now.exists) return;
      op.version = ++counters_.last_version;
      Put(key, State());
      return Tell(KeyChange::Kind::kRemoved, key, op.version);
  }
}

// Whether an operation may take the value, and hold it or one that it makes.
absl::Status CommitPlan::CheckValue(const Key& key) const {
  if (key.now.exists && !key.now.value_known) {
    if (key.part == part_) return parts_[part_].read.Check();
    return absl::UnavailableError(
        "overloaded: another client's requests take too much of what is read");
  }
  return parts_[part_].held->Check();
}

void CommitPlan::Change(absl::Span<Op> unit, size_t i, uint32_t key) {
  Op& op = unit[i];
  const State& now = keys_[key].now;
  absl::optional<absl::string_view> present;
  if (now.exists) present = now.value;
  std::string changed;
  op.status = op.change->Apply(present, unit.subspan(0, i), &changed);
  if (!op.status.ok()) return;
  if (changed.size() > SharedBytes::kSizeMax) {
    op.status = absl::ResourceExhaustedError("the value would be too large");
    return;
  }
  parts_[part_].held->Add(changed.size());
  op.value_out = SharedBytes::Copy(changed);
  Write(op, key,
        State{.exists = true,
              .value_bytes = changed.size(),
              .value = op.value_out.view(),
              .shared = op.value_out});
}

void CommitPlan::SetNote(absl::Span<Op> unit, size_t i) {
  Op& op = unit[i];
  std::string note;
  op.status = op.change->Apply(absl::nullopt, unit.subspan(0, i), &note);
  if (op.status.ok()) notes_.push_back({NoteKey(op.key), std::move(note)});
}

void CommitPlan::Write(Op& op, uint32_t key, State state) {
  const State& now = keys_[key].now;
  const bool was_there = now.exists;
  op.version = state.version = ++counters_.last_version;
  op.expires_at_ms = state.expires_at_ms =
      ExpiresAtMs(op.expiry, environment_.now_ms, now.expires_at_ms);
  if (op.expires_at_ms == 0 || op.expires_at_ms > environment_.now_ms) {
    Put(key, std::move(state));
    return Tell(KeyChange::Kind::kSet, key, op.version);
  }
  Put(key, State());
  if (was_there) Tell(KeyChange::Kind::kExpired, key, op.version);
}

void CommitPlan::Put(uint32_t index, State state) {
  Key& key = keys_[index];
  TableChange& table = tables_[key.table];
  undos_.push_back({index, key.changed, key.now, table.keys, table.bytes});
  if (key.now.exists) {
    --table.keys;
    table.bytes -= key.name.size() + key.now.value_bytes;
  }
  if (state.exists) {
    ++table.keys;
    table.bytes += key.name.size() + state.value_bytes;
  }
  key.now = std::move(state);
  key.changed = true;
}

void CommitPlan::UndoFrom(size_t undos, size_t notes, size_t told) {
  while (undos_.size() > undos) {
    Undo& undo = undos_.back();
    Key& key = keys_[undo.key];
    key.changed = undo.changed;
    key.now = std::move(undo.before);
    tables_[key.table].keys = undo.table_keys;
    tables_[key.table].bytes = undo.table_bytes;
    undos_.pop_back();
  }
  notes_.resize(notes);
  told_.resize(told);
}

void CommitPlan::Tell(KeyChange::Kind kind, uint32_t index, uint64_t version) {
  if (!environment_.tells) return;
  Told& told = told_.emplace_back();
  told.kind = kind;
  told.key = index;
  told.version = version;
  if (kind != KeyChange::Kind::kSet) return;
  const State& now = keys_[index].now;
  told.expires_at_ms = now.expires_at_ms;
  told.value = now.value;
  told.shared = now.shared;
}

void CommitPlan::TellChanges(ChangeSink* sink) const {
  std::vector<bool> wanted;
  for (const TableChange& table : tables_) {
    wanted.push_back(sink->Wants(table.name));
  }
  std::vector<KeyChange> changes;
  for (const Told& told : told_) {
    const Key& key = keys_[told.key];
    if (!wanted[key.table]) continue;
    KeyChange& change = changes.emplace_back();
    change.kind = told.kind;
    change.table = tables_[key.table].name;
    change.key = key.name;
    change.version = told.version;
    if (told.kind != KeyChange::Kind::kSet) continue;
    change.expires_at_ms = told.expires_at_ms;
    change.value = told.shared ? told.shared : SharedBytes::Copy(told.value);
  }
  if (!changes.empty()) sink->OnChanges(changes);
}

SharedBytes CommitPlan::ValueOf(State& state) {
  if (!state.shared) {
    parts_[part_].held->Add(state.value.size());
    state.shared = SharedBytes::Copy(state.value);
  }
  return state.shared;
}

void CommitPlan::WriteKeys() {
  for (const Key& key : keys_) {
    if (!key.changed) continue;
    const TableId table = tables_[key.table].id;
    const uint64_t expires_at_ms = key.now.exists ? key.now.expires_at_ms : 0;
    if (expires_at_ms != key.stored_expires_at_ms) {
      if (key.stored_expires_at_ms != 0) {
        MustBeOk(write_.Delete(
            ExpiryKey({key.stored_expires_at_ms, table, key.name})));
      }
      if (expires_at_ms != 0) {
        MustBeOk(write_.Put(ExpiryKey({expires_at_ms, table, key.name}),
                            rocksdb::Slice()));
      }
    }
    if (key.now.exists) {
      const std::string header = EncodeDataHeader(
          {.version = key.now.version, .expires_at_ms = expires_at_ms});
      const rocksdb::Slice name(key.encoded);
      const rocksdb::Slice record[] = {header, ToSlice(key.now.value)};
      MustBeOk(write_.Put(rocksdb::SliceParts(&name, 1),
                          rocksdb::SliceParts(record, 2)));
    } else if (key.stored) {
      MustBeOk(write_.Delete(key.encoded));
    }
  }
  for (const Note& note : notes_) {
    MustBeOk(note.note.has_value() ? write_.Put(note.key, *note.note)
                                   : write_.Delete(note.key));
  }
}

void CommitPlan::WriteTables() {
  bool is_new = false;
  for (const TableChange& table : tables_) {
    if (!table.changed()) continue;
    table_changes_.push_back(table);
    is_new |= table.is_new;
    MustBeOk(table.keys == 0 ? write_.Delete(TableKey(table.name))
                             : write_.Put(TableKey(table.name),
                                          EncodeTable({table.id, table.keys,
                                                       table.bytes})));
  }
  if (is_new) {
    MustBeOk(write_.Put(LastTableKey(), EncodeNumber(counters_.last_table)));
  }
}

void ReserveVersions(CommitCounters* counters, rocksdb::WriteBatch* write) {
  if (counters->last_version <= counters->version_bound) return;
  counters->version_bound = counters->last_version + kVersionsReserved;
  MustBeOk(
      write->Put(VersionBoundKey(), EncodeNumber(counters->version_bound)));
}

}  // namespace coffer::server
