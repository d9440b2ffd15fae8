// Transaction: comparisons, and the operations of one of two branches, as one
// group.

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/service/commands/commands.h"
#include "coffer/server/service/commands/operation.h"

namespace coffer::server {
namespace {

using Operations = google::protobuf::RepeatedPtrField<v1::Operation>;

// Calls visit with the operation's message. It has passed Check.
template <class Visit>
void WithMessage(const v1::Operation& operation, Visit visit) {
  switch (operation.operation_case()) {
    case v1::Operation::kRead:
      return visit(operation.read());
    case v1::Operation::kPut:
      return visit(operation.put());
    case v1::Operation::kRemove:
      return visit(operation.remove());
    case v1::Operation::kIncrement:
      return visit(operation.increment());
    case v1::Operation::kAppend:
      return visit(operation.append());
    case v1::Operation::kExpire:
      return visit(operation.expire());
    case v1::Operation::OPERATION_NOT_SET:
      return;
  }
}

// How many it has added to the batch.
size_t OpCount(const v1::Operation& operation) {
  return operation.has_read() ? operation.read().keys_size() : 1;
}

// "read of 3 keys of t", "put t/k".
std::string Describe(const v1::Operation& operation) {
  if (operation.has_read()) {
    return absl::StrCat("read of ", operation.read().keys_size(), " keys of ",
                        operation.read().table());
  }
  std::string described = "nothing";
  const auto describe = [&](const char* what, const auto& message) {
    described = absl::StrCat(what, " ", message.table(), "/", message.key());
  };
  switch (operation.operation_case()) {
    case v1::Operation::kPut:
      describe("put", operation.put());
      break;
    case v1::Operation::kRemove:
      describe("remove", operation.remove());
      break;
    case v1::Operation::kIncrement:
      describe("increment", operation.increment());
      break;
    case v1::Operation::kAppend:
      describe("append", operation.append());
      break;
    case v1::Operation::kExpire:
      describe("expire", operation.expire());
      break;
    default:
      break;
  }
  return described;
}

// "operation 2 of 3 (put t/k): "
std::string Where(const Operations& operations, int i,
                  absl::string_view branch) {
  return absl::StrCat("operation ", i + 1, " of ", operations.size(), branch,
                      " (", Describe(operations[i]), "): ");
}

constexpr absl::string_view kInThen = "";
constexpr absl::string_view kInOtherwise = " of otherwise";

std::string WhereCompared(const v1::Transaction& transaction, int i) {
  const v1::Compare& compare = transaction.compares(i);
  return absl::StrCat("comparison ", i + 1, " of ", transaction.compares_size(),
                      " (", compare.table(), "/", compare.key(), "): ");
}

absl::Status Check(const v1::Compare& compare) {
  if (!v1::Relation_IsValid(compare.relation())) {
    return absl::InvalidArgumentError("the relation is unknown");
  }
  switch (compare.target_case()) {
    case v1::Compare::kVersion:
      return absl::OkStatus();
    case v1::Compare::kValue:
      if (compare.relation() == v1::EQUAL ||
          compare.relation() == v1::NOT_EQUAL) {
        return absl::OkStatus();
      }
      return absl::InvalidArgumentError("values are not less or greater");
    case v1::Compare::TARGET_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("neither version nor value is set");
}

absl::Status Check(const v1::Operation& operation) {
  absl::Status status;
  if (operation.operation_case() == v1::Operation::OPERATION_NOT_SET) {
    status = absl::InvalidArgumentError("it does nothing");
  }
  WithMessage(operation,
              [&](const auto& message) { status = server::Check(message); });
  return status;
}

absl::Status Check(const Operations& operations, absl::string_view branch) {
  for (int i = 0; i < operations.size(); ++i) {
    const absl::Status status = Check(operations[i]);
    if (status.ok()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(Where(operations, i, branch), status.message()));
  }
  return absl::OkStatus();
}

absl::Status Check(const v1::Transaction& transaction) {
  for (int i = 0; i < transaction.compares_size(); ++i) {
    const absl::Status status = Check(transaction.compares(i));
    if (status.ok()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(WhereCompared(transaction, i), status.message()));
  }
  absl::Status status = Check(transaction.then(), kInThen);
  if (status.ok()) status = Check(transaction.otherwise(), kInOtherwise);
  return status;
}

Condition::Kind KindOf(const v1::Compare& compare) {
  using Kind = Condition::Kind;
  switch (compare.relation()) {
    case v1::EQUAL:
      return compare.has_value() ? Kind::kValueEqual : Kind::kVersionEqual;
    case v1::NOT_EQUAL:
      return compare.has_value() ? Kind::kValueNotEqual
                                 : Kind::kVersionNotEqual;
    case v1::LESS:
      return Kind::kVersionLess;
    default:
      return Kind::kVersionGreater;
  }
}

void Add(const v1::Compare& compare, uint32_t group, Planner& planner) {
  absl::string_view value;
  if (compare.has_value()) value = planner.Serialize(compare.value());
  planner.batch().Compare(
      compare.table(), compare.key(),
      {.kind = KindOf(compare), .version = compare.version()}, value, group);
}

void Add(const Operations& operations, Place place, Planner& planner) {
  for (const v1::Operation& operation : operations) {
    WithMessage(operation, [&](const auto& message) {
      server::Add(message, place, planner);
    });
  }
}

bool Held(const v1::Transaction& transaction, absl::Span<const Op> ops) {
  const auto compares = ops.subspan(0, transaction.compares_size());
  return std::all_of(compares.begin(), compares.end(),
                     [](const Op& op) { return op.found; });
}

size_t OpCount(const Operations& operations) {
  size_t count = 0;
  for (const v1::Operation& operation : operations) count += OpCount(operation);
  return count;
}

// Of the operations of one branch, from their results.
void VisitStates(const Operations& operations, absl::Span<const Op> ops,
                 StateVisitor visit) {
  for (const v1::Operation& operation : operations) {
    const size_t count = OpCount(operation);
    WithMessage(operation, [&](const auto& message) {
      server::VisitStates(message, ops.subspan(0, count), visit);
    });
    ops.remove_prefix(count);
  }
}

// The branch's operation of which `op` is a part; -1 if it is behind all.
int Find(const Operations& operations, size_t op) {
  for (int i = 0; i < operations.size(); ++i) {
    const size_t count = OpCount(operations[i]);
    if (op < count) return i;
    op -= count;
  }
  return -1;
}

}  // namespace

absl::Status PlanTransaction(const v1::CommandRequest& request,
                             Planner& planner) {
  const v1::Transaction& transaction = request.transaction();
  const absl::Status valid = Check(transaction);
  if (!valid.ok()) return InvalidCommand(valid.message());
  planner.batch().Reserve(transaction.compares_size() +
                          OpCount(transaction.then()) +
                          OpCount(transaction.otherwise()));
  const uint32_t group = planner.batch().NewGroup();
  for (const v1::Compare& compare : transaction.compares()) {
    Add(compare, group, planner);
  }
  Add(transaction.then(), {.group = group, .branch = Branch::kThen}, planner);
  Add(transaction.otherwise(), {.group = group, .branch = Branch::kElse},
      planner);
  return absl::OkStatus();
}

void AnswerTransaction(const AnswerContext& context) {
  const v1::Transaction& transaction = context.request.transaction();
  const bool held = Held(transaction, context.ops);
  const Operations& executed =
      held ? transaction.then() : transaction.otherwise();
  const absl::Span<const Op> ops = context.ops.subspan(
      transaction.compares_size() + (held ? 0 : OpCount(transaction.then())));
  AnswerContext with_advice = context;
  if (IsWriteCommand(context.request)) {
    with_advice.advice = "it was executed, its states do not fit";
  }
  context.response->set_held(held);
  AnswerStates(with_advice,
               [&](StateVisitor visit) { VisitStates(executed, ops, visit); });
}

std::string WhereInTransaction(const AnswerContext& context, size_t failed) {
  // With one reason for all of them it is nothing about one of them.
  const absl::Span<const Op> ops = context.ops;
  if (ops.size() > 1 && !absl::IsAborted(ops[failed == 0 ? 1 : 0].status)) {
    return "";
  }
  const v1::Transaction& transaction = context.request.transaction();
  const auto compares = static_cast<size_t>(transaction.compares_size());
  if (failed < compares) {
    return WhereCompared(transaction, static_cast<int>(failed));
  }
  failed -= compares;
  const int in_then = Find(transaction.then(), failed);
  if (in_then >= 0) return Where(transaction.then(), in_then, kInThen);
  failed -= OpCount(transaction.then());
  const int in_otherwise = Find(transaction.otherwise(), failed);
  if (in_otherwise < 0) return "";
  return Where(transaction.otherwise(), in_otherwise, kInOtherwise);
}

}  // namespace coffer::server
