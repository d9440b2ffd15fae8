#include "coffer/server/storage/batch.h"

#include <bit>

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
  op->found = false;
  op->version = 0;
  op->value_out = SharedBytes();
  op->entries.clear();
}

absl::Status CheckUnit(absl::Span<const Op> unit) {
  for (const Op& op : unit) {
    if (op.kind == OpKind::kGetTable && op.group != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("group ", op.group, " of ", unit.size(),
                       " operations reads a whole table"));
    }
    absl::Status status = CheckSize("table name", op.table);
    if (status.ok()) status = CheckSize("key", op.key);
    if (status.ok()) status = CheckSize("value", op.value);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status TableTooLarge(size_t bytes_so_far, size_t bytes_max) {
  return absl::ResourceExhaustedError(
      absl::StrCat("table of at least ", bytes_so_far,
                   " bytes exceeds the limit of ", bytes_max));
}

}  // namespace coffer::server
