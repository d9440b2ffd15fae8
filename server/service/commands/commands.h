// The commands of tables and keys, and of topics, by the names of the wire.
// ../command.cc puts them into the table; the answers that several share are in
// ../answer.h.

#ifndef COFFER_SERVER_SERVICE_COMMANDS_COMMANDS_H_
#define COFFER_SERVER_SERVICE_COMMANDS_COMMANDS_H_

#include "absl/status/status.h"
#include "coffer/server/service/answer.h"
#include "coffer/server/service/command.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

// reads.cc
absl::Status PlanHget(const v1::CommandRequest& request, Planner& planner);
void AnswerHget(const AnswerContext& context);
absl::Status PlanHgetall(const v1::CommandRequest& request, Planner& planner);
absl::Status PlanHmget(const v1::CommandRequest& request, Planner& planner);
absl::Status PlanHexist(const v1::CommandRequest& request, Planner& planner);
absl::Status PlanHmexist(const v1::CommandRequest& request, Planner& planner);

// writes.cc
absl::Status PlanHset(const v1::CommandRequest& request, Planner& planner);
absl::Status PlanHmset(const v1::CommandRequest& request, Planner& planner);
absl::Status PlanHdel(const v1::CommandRequest& request, Planner& planner);
absl::Status PlanHmdel(const v1::CommandRequest& request, Planner& planner);

// topics.cc
void AnswerPublish(const AnswerContext& context);
void AnswerSubscribe(const AnswerContext& context);
void AnswerUnsubscribe(const AnswerContext& context);
void AnswerOpenSubscription(const AnswerContext& context);
void AnswerCloseSubscription(const AnswerContext& context);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_COMMANDS_COMMANDS_H_
