// Batch: operations submitted to a storage engine together, with a result each.
//
// They take effect in their order: a read sees the writes before it in the
// batch. An operation with a group of 0 succeeds or fails on its own.
// Consecutive operations with the same non-zero group form one atomic group:
// all of them take effect at one moment, or, if any fails, none does and each
// has an error. A group holds operations on keys, never kGetTable.
//
// A batch belongs to one thread at a time: the submitter's, and from Submit
// until done the engine's.

#ifndef COFFER_SERVER_STORAGE_BATCH_H_
#define COFFER_SERVER_STORAGE_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/storage/shared_bytes.h"

namespace coffer::server {

enum class OpKind : uint8_t { kGet, kExists, kGetTable, kSet, kDelete };

inline bool IsWrite(OpKind kind) {
  return kind == OpKind::kSet || kind == OpKind::kDelete;
}

// One key of a kGetTable.
struct TableEntry {
  SharedBytes key;
  SharedBytes value;
  uint64_t version = 0;
};

struct Op {
  // The request. Names and values are views of memory that the submitter keeps
  // alive and unchanged until the batch is done; an engine keeps none of them.
  OpKind kind = OpKind::kGet;
  bool want_previous = false;  // kSet, kDelete: value_out is asked for
  uint32_t group = 0;
  absl::string_view table;
  absl::string_view key;  // all but kGetTable
  // kSet: a serialized v1::Value, to the engine just bytes.
  absl::string_view value;

  // The result. After an error only `status` and `outcome_unknown` have
  // meaning.
  absl::Status status;
  // A failed write may have had its effect, or may have it yet; false: it has
  // none. (A sync that failed, a replica that did not answer.)
  bool outcome_unknown = false;
  // The key was there: when read, or just before the write.
  bool found = false;
  // kGet, kExists: of the record found. kSet: of the record written. Else 0.
  uint64_t version = 0;
  // kGet: the value; kSet and kDelete with want_previous: the one before. Null
  // if there was none.
  SharedBytes value_out;
  // kGetTable: every key of the table, none twice; sorted by key if the engine
  // declares ordered_scan. Empty if there is no such table.
  std::vector<TableEntry> entries;
};

class Batch {
 public:
  // Each adds one operation and returns its index.
  size_t Get(absl::string_view table, absl::string_view key,
             uint32_t group = 0);
  size_t Exists(absl::string_view table, absl::string_view key,
                uint32_t group = 0);
  size_t GetTable(absl::string_view table);
  size_t Set(absl::string_view table, absl::string_view key,
             absl::string_view value, bool want_previous = false,
             uint32_t group = 0);
  size_t Delete(absl::string_view table, absl::string_view key,
                bool want_previous = false, uint32_t group = 0);
  // Makes room for so many more at once.
  void Reserve(size_t ops);
  // A group that no operation of this batch has yet.
  uint32_t NewGroup() { return ++last_group_; }

  absl::Span<Op> ops() { return absl::MakeSpan(ops_); }
  absl::Span<const Op> ops() const { return ops_; }
  size_t size() const { return ops_.size(); }
  bool empty() const { return ops_.empty(); }

  // A kGetTable whose keys and values pass so many bytes in all fails with
  // ResourceExhausted and gives no entries; 0 is no limit.
  size_t result_bytes_max() const { return result_bytes_max_; }
  void set_result_bytes_max(size_t bytes) { result_bytes_max_ = bytes; }

  // Forgets operations and results. Keeps the memory for the next operations,
  // unless it has become large; keeps the limit.
  void Clear();

 private:
  Op& Add(OpKind kind, absl::string_view table, absl::string_view key,
          uint32_t group);

  std::vector<Op> ops_;
  uint32_t last_group_ = 0;
  size_t result_bytes_max_ = 0;
};

// For engines. The end of the unit of execution that begins at `begin`: past
// one atomic group, or past one operation on its own.
size_t UnitEnd(absl::Span<const Op> ops, size_t begin);

// The operation's result is as before its execution.
void ClearResult(Op* op);

// Whether a unit is one that can be executed: no kGetTable in a group, no name
// or value larger than SharedBytes holds. InvalidArgument if not.
absl::Status CheckUnit(absl::Span<const Op> unit);

// The error of a kGetTable that has passed result_bytes_max.
absl::Status TableTooLarge(size_t bytes_so_far, size_t bytes_max);

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_BATCH_H_
