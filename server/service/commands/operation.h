// The operations on one key (Read: on several) that stand alone as commands or
// in a Transaction: Read, Put, Remove, Expire, Increment, Append. For each
// message there are three functions:
//
//   Check: whether it can be executed at all; InvalidArgument if not.
//   Add: plans it. It has passed Check, and stays as it is until it was
//   executed. VisitStates: gives its states, from the results of what Add has
//   added.

#ifndef COFFER_SERVER_SERVICE_COMMANDS_OPERATION_H_
#define COFFER_SERVER_SERVICE_COMMANDS_OPERATION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "coffer/server/service/answer.h"
#include "coffer/server/service/command.h"
#include "coffer/server/service/states.h"
#include "coffer/server/storage/batch.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

// Where in a batch it is: alone, or in a transaction.
struct Place {
  uint32_t group = 0;
  Branch branch = Branch::kAlways;
};

using Ops = absl::Span<const Op>;

// versioned.cc
absl::Status Check(const v1::Read& read);
absl::Status Check(const v1::Put& put);
absl::Status Check(const v1::Remove& remove);
absl::Status Check(const v1::Expire& expire);
void Add(const v1::Read& read, Place place, Planner& planner);
void Add(const v1::Put& put, Place place, Planner& planner);
void Add(const v1::Remove& remove, Place place, Planner& planner);
void Add(const v1::Expire& expire, Place place, Planner& planner);
void VisitStates(const v1::Read& read, Ops ops, StateVisitor visit);
void VisitStates(const v1::Put& put, Ops ops, StateVisitor visit);
void VisitStates(const v1::Remove& remove, Ops ops, StateVisitor visit);
void VisitStates(const v1::Expire& expire, Ops ops, StateVisitor visit);

// arithmetic.cc
absl::Status Check(const v1::Increment& increment);
absl::Status Check(const v1::Append& append);
void Add(const v1::Increment& increment, Place place, Planner& planner);
void Add(const v1::Append& append, Place place, Planner& planner);
void VisitStates(const v1::Increment& increment, Ops ops, StateVisitor visit);
void VisitStates(const v1::Append& append, Ops ops, StateVisitor visit);

// --- Alone

template <class Operation>
absl::Status PlanAlone(const Operation& operation, Planner& planner) {
  const absl::Status valid = Check(operation);
  if (!valid.ok()) return InvalidCommand(valid.message());
  Add(operation, Place(), planner);
  return absl::OkStatus();
}

template <class Operation>
void AnswerAlone(const Operation& operation, const AnswerContext& context) {
  AnswerStates(context, [&](StateVisitor visit) {
    VisitStates(operation, context.ops, visit);
  });
}

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_COMMANDS_OPERATION_H_
