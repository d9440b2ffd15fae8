// Read, Put, Remove, Expire: keys with their versions, conditions and expiry.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/service/commands/commands.h"
#include "coffer/server/service/commands/operation.h"

namespace coffer::server {
namespace {

absl::Status Check(const v1::Condition& condition) {
  switch (condition.condition_case()) {
    case v1::Condition::kAbsent:
      if (condition.absent()) return absl::OkStatus();
      return absl::InvalidArgumentError("condition.absent is false");
    case v1::Condition::kPresent:
      if (condition.present()) return absl::OkStatus();
      return absl::InvalidArgumentError("condition.present is false");
    case v1::Condition::kVersion:
      return absl::OkStatus();
    case v1::Condition::CONDITION_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("condition has nothing set");
}

absl::Status Check(const v1::Expiry& expiry) {
  switch (expiry.expiry_case()) {
    case v1::Expiry::kAtMs:
    case v1::Expiry::kAfterMs:
      return absl::OkStatus();
    case v1::Expiry::kKeep:
      if (expiry.keep()) return absl::OkStatus();
      return absl::InvalidArgumentError("expiry.keep is false");
    case v1::Expiry::kNever:
      if (expiry.never()) return absl::OkStatus();
      return absl::InvalidArgumentError("expiry.never is false");
    case v1::Expiry::EXPIRY_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("expiry has nothing set");
}

bool IsAbsent(const v1::Condition& condition) {
  return condition.has_absent() ||
         (condition.has_version() && condition.version() == 0);
}

Condition ToCondition(const v1::Condition& condition) {
  if (IsAbsent(condition)) return {.kind = Condition::Kind::kAbsent};
  if (condition.has_present()) return {.kind = Condition::Kind::kPresent};
  return {.kind = Condition::Kind::kVersionEqual,
          .version = condition.version()};
}

Expiry ToExpiry(const v1::Expiry& expiry) {
  switch (expiry.expiry_case()) {
    case v1::Expiry::kAtMs:
      return {.kind = Expiry::Kind::kAtMs, .ms = expiry.at_ms()};
    case v1::Expiry::kAfterMs:
      return {.kind = Expiry::Kind::kAfterMs, .ms = expiry.after_ms()};
    case v1::Expiry::kKeep:
      return {.kind = Expiry::Kind::kKeep};
    default:
      return {.kind = Expiry::Kind::kNever};
  }
}

template <class Operation>
void AddCondition(const Operation& operation, Op* op) {
  if (operation.has_condition()) {
    op->condition = ToCondition(operation.condition());
  }
}

// Of a Put or Remove.
void AddPrevious(const Op& op, StateParts* parts) {
  if (!op.want_previous) return;
  parts->has_previous = true;
  parts->previous_version = op.previous_version;
  if (op.value_out) parts->previous_value = &op.value_out;
}

}  // namespace

// --- Read

absl::Status Check(const v1::Read&) { return absl::OkStatus(); }

// Several as one group: it sees all of what was written together, or nothing.
void Add(const v1::Read& read, Place place, Planner& planner) {
  Batch& batch = planner.batch();
  batch.Reserve(read.keys_size());
  if (place.group == 0 && read.keys_size() > 1) place.group = batch.NewGroup();
  for (const std::string& key : read.keys()) {
    const size_t i = read.without_values()
                         ? batch.Exists(read.table(), key, place.group)
                         : batch.Get(read.table(), key, place.group);
    batch.op(i).branch = place.branch;
  }
}

void VisitStates(const v1::Read& read, Ops ops, StateVisitor visit) {
  for (const Op& op : ops) {
    StateParts parts{.version = op.version, .expires_at_ms = op.expires_at_ms};
    if (op.found && !read.without_values()) parts.value = &op.value_out;
    visit(parts);
  }
}

absl::Status PlanRead(const v1::CommandRequest& request, Planner& planner) {
  return PlanAlone(request.read(), planner);
}

void AnswerRead(const AnswerContext& context) {
  AnswerAlone(context.request.read(), context);
}

// --- Put

absl::Status Check(const v1::Put& put) {
  if (!put.has_value()) return absl::InvalidArgumentError("value is not set");
  absl::Status status;
  if (put.has_condition()) status = Check(put.condition());
  if (status.ok() && put.has_expiry()) status = Check(put.expiry());
  return status;
}

void Add(const v1::Put& put, Place place, Planner& planner) {
  Batch& batch = planner.batch();
  Op& op =
      batch.op(batch.Set(put.table(), put.key(), planner.Serialize(put.value()),
                         put.want_previous(), place.group));
  op.branch = place.branch;
  AddCondition(put, &op);
  if (put.has_expiry()) op.expiry = ToExpiry(put.expiry());
}

void VisitStates(const v1::Put&, Ops ops, StateVisitor visit) {
  StateParts parts{.version = ops[0].version,
                   .expires_at_ms = ops[0].expires_at_ms};
  AddPrevious(ops[0], &parts);
  visit(parts);
}

absl::Status PlanPut(const v1::CommandRequest& request, Planner& planner) {
  return PlanAlone(request.put(), planner);
}

void AnswerPut(const AnswerContext& context) {
  AnswerAlone(context.request.put(), context);
}

// --- Remove

absl::Status Check(const v1::Remove& remove) {
  return remove.has_condition() ? Check(remove.condition()) : absl::OkStatus();
}

void Add(const v1::Remove& remove, Place place, Planner& planner) {
  Batch& batch = planner.batch();
  Op& op = batch.op(batch.Delete(remove.table(), remove.key(),
                                 remove.want_previous(), place.group));
  op.branch = place.branch;
  AddCondition(remove, &op);
}

void VisitStates(const v1::Remove&, Ops ops, StateVisitor visit) {
  StateParts parts{.version = ops[0].version};
  AddPrevious(ops[0], &parts);
  visit(parts);
}

absl::Status PlanRemove(const v1::CommandRequest& request, Planner& planner) {
  return PlanAlone(request.remove(), planner);
}

void AnswerRemove(const AnswerContext& context) {
  AnswerAlone(context.request.remove(), context);
}

// --- Expire

absl::Status Check(const v1::Expire& expire) {
  if (!expire.has_expiry()) return absl::InvalidArgumentError("no expiry");
  absl::Status status = Check(expire.expiry());
  if (status.ok() && expire.has_condition()) {
    status = Check(expire.condition());
  }
  if (!status.ok()) return status;
  if (expire.expiry().has_keep()) {
    return absl::InvalidArgumentError("expiry.keep changes nothing");
  }
  if (expire.has_condition() && IsAbsent(expire.condition())) {
    return absl::InvalidArgumentError("a key that is absent does not expire");
  }
  return absl::OkStatus();
}

void Add(const v1::Expire& expire, Place place, Planner& planner) {
  Batch& batch = planner.batch();
  Op& op = batch.op(batch.Expire(expire.table(), expire.key(),
                                 ToExpiry(expire.expiry()), place.group));
  op.branch = place.branch;
  op.condition = kMustExist;
  AddCondition(expire, &op);
}

void VisitStates(const v1::Expire&, Ops ops, StateVisitor visit) {
  visit({.version = ops[0].version, .expires_at_ms = ops[0].expires_at_ms});
}

absl::Status PlanExpire(const v1::CommandRequest& request, Planner& planner) {
  return PlanAlone(request.expire(), planner);
}

void AnswerExpire(const AnswerContext& context) {
  AnswerAlone(context.request.expire(), context);
}

}  // namespace coffer::server
