// The commands of tables and keys, and of topics, by the names of the wire.
// ../command.cc puts them into the table; the answers that several share are in
// ../answer.h and ../states.h.

#ifndef COFFER_SERVER_SERVICE_COMMANDS_COMMANDS_H_
#define COFFER_SERVER_SERVICE_COMMANDS_COMMANDS_H_

#include <cstddef>
#include <string>

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
void AnswerPrevious(const AnswerContext& context);

// tables.cc
absl::Status PlanListTables(const v1::CommandRequest& request,
                            Planner& planner);
void AnswerListTables(const AnswerContext& context);
absl::Status PlanCountKeys(const v1::CommandRequest& request, Planner& planner);
absl::Status PlanDropTable(const v1::CommandRequest& request, Planner& planner);
absl::Status PlanRenameTable(const v1::CommandRequest& request,
                             Planner& planner);
void AnswerTable(const AnswerContext& context);

// scan.cc
absl::Status PlanScan(const v1::CommandRequest& request, Planner& planner);
void AnswerScan(const AnswerContext& context);

// versioned.cc
absl::Status PlanRead(const v1::CommandRequest& request, Planner& planner);
void AnswerRead(const AnswerContext& context);
absl::Status PlanPut(const v1::CommandRequest& request, Planner& planner);
void AnswerPut(const AnswerContext& context);
absl::Status PlanRemove(const v1::CommandRequest& request, Planner& planner);
void AnswerRemove(const AnswerContext& context);
absl::Status PlanExpire(const v1::CommandRequest& request, Planner& planner);
void AnswerExpire(const AnswerContext& context);

// arithmetic.cc
absl::Status PlanIncrement(const v1::CommandRequest& request, Planner& planner);
void AnswerIncrement(const AnswerContext& context);
absl::Status PlanAppend(const v1::CommandRequest& request, Planner& planner);
void AnswerAppend(const AnswerContext& context);

// transaction.cc
absl::Status PlanTransaction(const v1::CommandRequest& request,
                             Planner& planner);
void AnswerTransaction(const AnswerContext& context);
std::string WhereInTransaction(const AnswerContext& context, size_t failed);

// topics.cc
void AnswerPublish(const AnswerContext& context);
void AnswerSubscribe(const AnswerContext& context);
void AnswerUnsubscribe(const AnswerContext& context);
void AnswerOpenSubscription(const AnswerContext& context);
void AnswerOpenWatch(const AnswerContext& context);
void AnswerCloseSubscription(const AnswerContext& context);

// backups.cc
void AnswerStartBackup(const AnswerContext& context);
void AnswerGetBackup(const AnswerContext& context);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_COMMANDS_COMMANDS_H_
