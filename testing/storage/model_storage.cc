#include "coffer/testing/storage/model_storage.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/time.h"

namespace coffer_testing {
namespace {

using coffer::server::Batch;
using coffer::server::Branch;
using coffer::server::Expiry;
using coffer::server::IsWrite;
using coffer::server::OpKind;
using coffer::server::PageRange;
using coffer::server::SharedBytes;
using coffer::server::TableStats;

// A cursor is this and the last name of the page.
constexpr char kAfter = '>';

bool IsCursor(absl::string_view cursor) {
  return cursor.empty() || cursor[0] == kAfter;
}

// Whether the page goes on behind `name`.
bool IsBehindCursor(const PageRange& page, absl::string_view name) {
  return page.cursor.empty() || name > page.cursor.substr(1);
}

std::string CursorAt(absl::string_view name) {
  return std::string(1, kAfter) + std::string(name);
}

bool HasWrite(absl::Span<const coffer::server::Op> unit) {
  return std::any_of(
      unit.begin(), unit.end(),
      [](const coffer::server::Op& op) { return IsWrite(op.kind); });
}

TableStats StatsOf(const std::string& name, const ModelStorage::Table& table) {
  TableStats stats{.name = name, .keys = table.size()};
  for (const auto& [key, record] : table) {
    stats.bytes += key.size() + record.value.size();
  }
  return stats;
}

coffer::server::TableEntry EntryOf(const std::string& key,
                                   const ModelStorage::Record& record,
                                   bool keys_only) {
  return {SharedBytes::Copy(key),
          keys_only ? SharedBytes() : SharedBytes::Copy(record.value),
          record.version, record.expires_at_ms};
}

}  // namespace

ModelStorage::ModelStorage(std::shared_ptr<Data> data,
                           const coffer::Clock* clock)
    : data_(std::move(data)), clock_(*clock) {}

bool ModelStorage::Submit(Batch& batch, Done /*done*/) {
  std::lock_guard lock(mutex_);
  absl::Span<Op> ops = batch.ops();
  for (size_t begin = 0; begin < ops.size();) {
    const size_t count = coffer::server::UnitEnd(ops, begin) - begin;
    ExecuteUnit(ops.subspan(begin, count), batch.result_bytes_max());
    begin += count;
  }
  return true;
}

void ModelStorage::ExecuteUnit(absl::Span<Op> unit, size_t result_bytes_max) {
  absl::Status valid = coffer::server::CheckUnit(unit);
  if (valid.ok() && HasWrite(unit)) valid = refusal_;
  for (Op& op : unit) {
    coffer::server::ClearResult(&op);
    op.status = valid;
  }
  if (!valid.ok()) return;
  DropExpired();
  // Alone, one that fails has done nothing.
  Data before;
  if (unit.size() > 1 && HasWrite(unit)) before = *data_;
  held_ = true;
  for (size_t i = 0; i < unit.size(); ++i) {
    Execute(unit, i, result_bytes_max);
    if (unit[i].status.ok()) continue;
    changes_.clear();
    coffer::server::FailUnit(unit, i);
    if (unit.size() == 1 || !HasWrite(unit)) return;
    before.last_version = data_->last_version;  // none is used twice
    *data_ = std::move(before);
    return;
  }
  TellNow();
}

void ModelStorage::Execute(absl::Span<Op> unit, size_t i,
                           size_t result_bytes_max) {
  Op& op = unit[i];
  if (op.branch != Branch::kAlways && held_ != (op.branch == Branch::kThen)) {
    op.skipped = true;
    return;
  }
  switch (op.kind) {
    case OpKind::kSetNote:
      return SetNote(unit, i, op);
    case OpKind::kDeleteNote:
      data_->notes.erase(std::string(op.key));
      return;
    case OpKind::kGetTable:
      return GetTable(op, result_bytes_max);
    case OpKind::kScan:
      return Scan(op);
    case OpKind::kListTables:
      return ListTables(op);
    case OpKind::kCountKeys:
    case OpKind::kDropTable:
    case OpKind::kRenameTable:
      return ChangeTable(op);
    default:
      return ExecuteOnKey(unit, i, op);
  }
}

void ModelStorage::ExecuteOnKey(absl::Span<Op> unit, size_t i, Op& op) {
  const Record* const present = Find(op);
  const uint64_t version = present == nullptr ? 0 : present->version;
  const std::string value = present == nullptr ? "" : present->value;
  const bool holds = coffer::server::Holds(op, version, value);
  op.found = op.kind == OpKind::kCompare ? holds : present != nullptr;
  if (present != nullptr) {
    op.version = version;
    op.expires_at_ms = present->expires_at_ms;
  }
  if (op.kind == OpKind::kCompare) held_ = held_ && holds;
  if (op.kind == OpKind::kCompare || op.kind == OpKind::kExists) return;
  if (op.kind == OpKind::kGet || !holds) {
    if (present != nullptr) op.value_out = SharedBytes::Copy(value);
    if (!holds) op.status = coffer::server::ConditionFailed(op, version);
    return;
  }
  if (op.want_previous) {
    op.previous_version = version;
    if (present != nullptr) op.value_out = SharedBytes::Copy(value);
  }
  switch (op.kind) {
    case OpKind::kSet:
      return Write(op, present, std::string(op.value));
    case OpKind::kExpire:
      if (present != nullptr) Write(op, present, value);
      return;
    case OpKind::kChange: {
      std::string changed;
      op.status = op.change->Apply(present == nullptr
                                       ? absl::optional<absl::string_view>()
                                       : absl::string_view(value),
                                   unit.subspan(0, i), &changed);
      if (!op.status.ok()) return;
      op.value_out = SharedBytes::Copy(changed);
      return Write(op, present, std::move(changed));
    }
    default:  // kDelete
      op.version = 0;
      op.expires_at_ms = 0;
      if (present == nullptr) return;
      op.version = ++data_->last_version;
      Tell(KeyChange::Kind::kRemoved, op.table, op.key, op.version);
      return Erase(op);
  }
}

void ModelStorage::Write(Op& op, const Record* present, std::string value) {
  Record record;
  record.value = std::move(value);
  record.version = ++data_->last_version;
  record.expires_at_ms = coffer::server::ExpiresAtMs(
      op.expiry, NowMs(), present == nullptr ? 0 : present->expires_at_ms);
  op.version = record.version;
  op.expires_at_ms = record.expires_at_ms;
  if (op.expires_at_ms == 0 || op.expires_at_ms > NowMs()) {
    if (op.expires_at_ms != 0) {
      next_expiry_ms_ = std::min(next_expiry_ms_, op.expires_at_ms);
    }
    Tell(KeyChange::Kind::kSet, op.table, op.key, op.version, &record);
    data_->tables[std::string(op.table)][std::string(op.key)] =
        std::move(record);
  } else if (present != nullptr) {
    Tell(KeyChange::Kind::kExpired, op.table, op.key, op.version);
    Erase(op);
  }
}

void ModelStorage::SetNote(absl::Span<Op> unit, size_t i, Op& op) {
  std::string changed;
  op.status = op.change->Apply(absl::nullopt, unit.subspan(0, i), &changed);
  if (op.status.ok()) data_->notes[std::string(op.key)] = std::move(changed);
}

void ModelStorage::GetTable(Op& op, size_t result_bytes_max) {
  const auto table = data_->tables.find(std::string(op.table));
  if (table == data_->tables.end()) return;
  size_t bytes = 0;
  for (const auto& [key, record] : table->second) {
    bytes += key.size() + record.value.size();
    if (result_bytes_max != 0 && bytes > result_bytes_max) {
      op.status = coffer::server::TableTooLarge(bytes, result_bytes_max);
      op.entries.clear();
      return;
    }
    op.entries.push_back(EntryOf(key, record, /*keys_only=*/false));
  }
}

void ModelStorage::Scan(Op& op) {
  const PageRange& page = *op.page;
  if (!IsCursor(page.cursor)) {
    op.status = absl::InvalidArgumentError("no cursor of this engine");
    return;
  }
  const auto table = data_->tables.find(std::string(op.table));
  if (table == data_->tables.end()) return;
  size_t bytes = 0;
  for (const auto& [key, record] : table->second) {
    if (!IsBehindCursor(page, key) || !InRange(page, key)) continue;
    bytes += key.size() + (page.keys_only ? 0 : record.value.size());
    const bool over = page.bytes_max != 0 && bytes > page.bytes_max;
    if (op.entries.size() == page.limit || (over && !op.entries.empty())) {
      op.cursor_out = CursorAt(op.entries.back().key.view());
      return;
    }
    op.entries.push_back(EntryOf(key, record, page.keys_only));
  }
}

void ModelStorage::ListTables(Op& op) {
  const PageRange& page = *op.page;
  if (!IsCursor(page.cursor)) {
    op.status = absl::InvalidArgumentError("no cursor of this engine");
    return;
  }
  size_t bytes = 0;
  for (const auto& [name, table] : data_->tables) {
    if (!IsBehindCursor(page, name) || !absl::StartsWith(name, page.prefix)) {
      continue;
    }
    bytes += name.size();
    const bool over = page.bytes_max != 0 && bytes > page.bytes_max;
    if (op.tables.size() == page.limit || (over && !op.tables.empty())) {
      op.cursor_out = CursorAt(op.tables.back().name);
      return;
    }
    op.tables.push_back(StatsOf(name, table));
  }
}

// kCountKeys, kDropTable, kRenameTable.
void ModelStorage::ChangeTable(Op& op) {
  auto& tables = data_->tables;
  const auto table = tables.find(std::string(op.table));
  if (table == tables.end()) return;
  const std::string new_name(op.value);
  if (op.kind == OpKind::kRenameTable && tables.count(new_name) > 0) {
    op.status = absl::AlreadyExistsError("there is a table of that name");
    return;
  }
  op.found = true;
  op.tables.push_back(StatsOf(table->first, table->second));
  if (op.kind == OpKind::kCountKeys) return;
  Table keys = std::move(table->second);
  tables.erase(table);
  Tell(KeyChange::Kind::kTableGone, op.table, "", ++data_->last_version);
  if (op.kind == OpKind::kDropTable) return;
  tables[new_name] = std::move(keys);
  Tell(KeyChange::Kind::kTableCame, op.value, "", ++data_->last_version);
}

ModelStorage::Record* ModelStorage::Find(const Op& op) {
  const auto table = data_->tables.find(std::string(op.table));
  if (table == data_->tables.end()) return nullptr;
  const auto record = table->second.find(std::string(op.key));
  return record == table->second.end() ? nullptr : &record->second;
}

void ModelStorage::Erase(const Op& op) {
  const auto table = data_->tables.find(std::string(op.table));
  table->second.erase(std::string(op.key));
  if (table->second.empty()) data_->tables.erase(table);
}

void ModelStorage::DropExpired() {
  const uint64_t now_ms = NowMs();
  if (now_ms < next_expiry_ms_) return;
  next_expiry_ms_ = std::numeric_limits<uint64_t>::max();
  for (auto& [name, table] : data_->tables) {
    std::erase_if(table, [&](const auto& key) {
      const uint64_t at_ms = key.second.expires_at_ms;
      if (at_ms == 0) return false;
      if (at_ms > now_ms) {
        next_expiry_ms_ = std::min(next_expiry_ms_, at_ms);
        return false;
      }
      Tell(KeyChange::Kind::kExpired, name, key.first, ++data_->last_version);
      TellNow();  // whatever becomes of the unit
      return true;
    });
  }
  std::erase_if(data_->tables,
                [](const auto& table) { return table.second.empty(); });
}

void ModelStorage::Tell(KeyChange::Kind kind, absl::string_view table,
                        absl::string_view key, uint64_t version,
                        const Record* record) {
  if (sink_ == nullptr || !sink_->Wants(table)) return;
  KeyChange& change = changes_.emplace_back();
  change.kind = kind;
  change.table = table;
  change.key = key;
  change.version = version;
  if (record == nullptr) return;
  change.expires_at_ms = record->expires_at_ms;
  change.value = SharedBytes::Copy(record->value);
}

void ModelStorage::TellNow() {
  if (!changes_.empty()) sink_->OnChanges(changes_);
  changes_.clear();
}

bool ModelStorage::Sweep() {
  std::lock_guard lock(mutex_);
  DropExpired();
  return false;
}

uint64_t ModelStorage::NowMs() const {
  return static_cast<uint64_t>(absl::ToUnixMillis(clock_.WallNow()));
}

coffer::server::Capabilities ModelStorage::capabilities() const {
  return {.durable = true,
          .atomic_across_keys = true,
          .ordered_scan = true,
          .tells_changes = true};
}

coffer::server::StorageCounts ModelStorage::counts() const {
  std::lock_guard lock(mutex_);
  coffer::server::StorageCounts counts;
  counts.tables = data_->tables.size();
  for (const auto& [name, table] : data_->tables) counts.keys += table.size();
  return counts;
}

absl::Status ModelStorage::ForEachNote(NoteVisitor visit) {
  std::lock_guard lock(mutex_);
  for (const auto& [name, note] : data_->notes) visit(name, note);
  return absl::OkStatus();
}

void ModelStorage::RefuseWrites(const absl::Status& status) {
  std::lock_guard lock(mutex_);
  refusal_ = status;
}

}  // namespace coffer_testing
