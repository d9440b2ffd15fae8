#include "coffer/server/storage/batch.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace coffer::server {
namespace {

// A session's batch keeps room for so many operations: about 100 KiB. One huge
// request must not cost its connection memory for ever.
constexpr size_t kOpsKept = 1024;

absl::Status CheckSize(absl::string_view what, absl::string_view bytes) {
  if (bytes.size() <= SharedBytes::kSizeMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " of ", bytes.size(),
                                                 " bytes exceeds the limit of ",
                                                 SharedBytes::kSizeMax));
}

// Of a key that is to expire in the far future: the year 292277026.
constexpr uint64_t kExpiresAtMsMax = std::numeric_limits<int64_t>::max();

absl::Status CheckPointers(const Op& op) {
  const bool changes =
      op.kind == OpKind::kChange || op.kind == OpKind::kSetNote;
  if (changes && op.change == nullptr) {
    return absl::InvalidArgumentError("a change without what it changes");
  }
  const bool pages = op.kind == OpKind::kScan || op.kind == OpKind::kListTables;
  if (pages && (op.page == nullptr || op.page->limit == 0)) {
    return absl::InvalidArgumentError("a page of no entries");
  }
  return absl::OkStatus();
}

}  // namespace

Op& Batch::Add(OpKind kind, absl::string_view table, absl::string_view key,
               uint32_t group) {
  Op& op = ops_.emplace_back();
  op.kind = kind;
  op.table = table;
  op.key = key;
  op.group = group;
  return op;
}

size_t Batch::Get(absl::string_view table, absl::string_view key,
                  uint32_t group) {
  Add(OpKind::kGet, table, key, group);
  return ops_.size() - 1;
}

size_t Batch::Exists(absl::string_view table, absl::string_view key,
                     uint32_t group) {
  Add(OpKind::kExists, table, key, group);
  return ops_.size() - 1;
}

size_t Batch::GetTable(absl::string_view table) {
  Add(OpKind::kGetTable, table, {}, 0);
  return ops_.size() - 1;
}

size_t Batch::Set(absl::string_view table, absl::string_view key,
                  absl::string_view value, bool want_previous, uint32_t group) {
  Op& op = Add(OpKind::kSet, table, key, group);
  op.value = value;
  op.want_previous = want_previous;
  return ops_.size() - 1;
}

size_t Batch::Delete(absl::string_view table, absl::string_view key,
                     bool want_previous, uint32_t group) {
  Add(OpKind::kDelete, table, key, group).want_previous = want_previous;
  return ops_.size() - 1;
}

size_t Batch::Change(absl::string_view table, absl::string_view key,
                     const ValueChange* change, uint32_t group) {
  Op& op = Add(OpKind::kChange, table, key, group);
  op.change = change;
  op.expiry.kind = Expiry::Kind::kKeep;
  return ops_.size() - 1;
}

size_t Batch::Expire(absl::string_view table, absl::string_view key,
                     const Expiry& expiry, uint32_t group) {
  Add(OpKind::kExpire, table, key, group).expiry = expiry;
  return ops_.size() - 1;
}

size_t Batch::Compare(absl::string_view table, absl::string_view key,
                      const Condition& condition, absl::string_view value,
                      uint32_t group) {
  Op& op = Add(OpKind::kCompare, table, key, group);
  op.condition = condition;
  op.value = value;
  return ops_.size() - 1;
}

size_t Batch::SetNote(absl::string_view name, const ValueChange* change,
                      uint32_t group) {
  Add(OpKind::kSetNote, {}, name, group).change = change;
  return ops_.size() - 1;
}

size_t Batch::DeleteNote(absl::string_view name, uint32_t group) {
  Add(OpKind::kDeleteNote, {}, name, group);
  return ops_.size() - 1;
}

size_t Batch::Scan(absl::string_view table, const PageRange* page) {
  Add(OpKind::kScan, table, {}, 0).page = page;
  return ops_.size() - 1;
}

size_t Batch::ListTables(const PageRange* page) {
  Add(OpKind::kListTables, {}, {}, 0).page = page;
  return ops_.size() - 1;
}

size_t Batch::CountKeys(absl::string_view table) {
  Add(OpKind::kCountKeys, table, {}, 0);
  return ops_.size() - 1;
}

size_t Batch::DropTable(absl::string_view table) {
  Add(OpKind::kDropTable, table, {}, 0);
  return ops_.size() - 1;
}

size_t Batch::RenameTable(absl::string_view table, absl::string_view new_name) {
  Add(OpKind::kRenameTable, table, {}, 0).value = new_name;
  return ops_.size() - 1;
}

// By powers of two: many small requests in one batch must not each move it.
void Batch::Reserve(size_t ops) {
  const size_t needed = ops_.size() + ops;
  if (needed > ops_.capacity()) ops_.reserve(std::bit_ceil(needed));
}

void Batch::Clear() {
  if (ops_.capacity() > kOpsKept) {
    std::vector<Op>().swap(ops_);
  } else {
    ops_.clear();
  }
  last_group_ = 0;
}

size_t UnitEnd(absl::Span<const Op> ops, size_t begin) {
  size_t end = begin + 1;
  const uint32_t group = ops[begin].group;
  if (group == 0) return end;
  while (end < ops.size() && ops[end].group == group) ++end;
  return end;
}

void ClearResult(Op* op) {
  op->status = absl::OkStatus();
  op->outcome_unknown = false;
  op->skipped = false;
  op->found = false;
  op->version = 0;
  op->expires_at_ms = 0;
  op->value_out = SharedBytes();
  op->previous_version = 0;
  op->entries.clear();
  op->tables.clear();
  op->cursor_out.clear();
}

absl::Status CheckUnit(absl::Span<const Op> unit) {
  for (const Op& op : unit) {
    if (IsTableOp(op.kind) && op.group != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("group ", op.group, " of ", unit.size(),
                       " operations has one of a whole table"));
    }
    absl::Status status = CheckSize("table name", op.table);
    if (status.ok()) status = CheckSize("key", op.key);
    if (status.ok()) status = CheckSize("value", op.value);
    if (status.ok()) status = CheckPointers(op);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

bool Holds(const Op& op, uint64_t version, absl::string_view value) {
  using Kind = Condition::Kind;
  switch (op.condition.kind) {
    case Kind::kNone:
      return true;
    case Kind::kAbsent:
      return version == 0;
    case Kind::kPresent:
      return version != 0;
    case Kind::kVersionEqual:
      return version == op.condition.version;
    case Kind::kVersionNotEqual:
      return version != op.condition.version;
    case Kind::kVersionLess:
      return version < op.condition.version;
    case Kind::kVersionGreater:
      return version > op.condition.version;
    case Kind::kValueEqual:
      return version != 0 && value == op.value;
    case Kind::kValueNotEqual:
      return version == 0 || value != op.value;
  }
  return false;
}

absl::Status ConditionFailed(const Op& op, uint64_t version) {
  using Kind = Condition::Kind;
  std::string wanted;
  switch (op.condition.kind) {
    case Kind::kAbsent:
      wanted = "absent";
      break;
    case Kind::kPresent:
      wanted = "present";
      break;
    default:
      wanted = absl::StrCat("at version ", op.condition.version);
  }
  return absl::FailedPreconditionError(
      version == 0
          ? absl::StrCat("the key is absent, not ", wanted)
          : absl::StrCat("the key is at version ", version, ", not ", wanted));
}

uint64_t ExpiresAtMs(const Expiry& expiry, uint64_t now_ms,
                     uint64_t present_expires_at_ms) {
  switch (expiry.kind) {
    case Expiry::Kind::kNever:
      return 0;
    case Expiry::Kind::kKeep:
      return present_expires_at_ms;
    case Expiry::Kind::kAtMs:
      return std::max<uint64_t>(expiry.ms, 1);  // 0 would be never
    case Expiry::Kind::kAfterMs:
      return expiry.ms > kExpiresAtMsMax - std::min(now_ms, kExpiresAtMsMax)
                 ? kExpiresAtMsMax
                 : std::max<uint64_t>(now_ms + expiry.ms, 1);
  }
  return 0;
}

void FailUnit(absl::Span<Op> unit, size_t failed) {
  const std::string why =
      absl::StrCat("operation ", failed + 1, " of ", unit.size(), " failed");
  for (size_t i = 0; i < unit.size(); ++i) {
    if (i == failed) continue;
    ClearResult(&unit[i]);
    unit[i].status = absl::AbortedError(why);
  }
}

bool InRange(const PageRange& page, absl::string_view key) {
  return absl::StartsWith(key, page.prefix) && key >= page.begin &&
         (page.end.empty() || key < page.end);
}

absl::Status TableExists(absl::string_view name) {
  return absl::AlreadyExistsError(absl::StrCat(
      "there is a table ", absl::CHexEscape(name.substr(0, 100)), " already"));
}

absl::Status TableTooLarge(size_t bytes_so_far, size_t bytes_max) {
  return absl::ResourceExhaustedError(
      absl::StrCat("table of at least ", bytes_so_far,
                   " bytes exceeds the limit of ", bytes_max));
}

}  // namespace coffer::server
