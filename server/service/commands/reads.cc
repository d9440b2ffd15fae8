// HGET, HGETALL, HMGET, HEXIST, HMEXIST.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/service/commands/commands.h"

namespace coffer::server {

absl::Status PlanHget(const v1::CommandRequest& request, Planner& planner) {
  const v1::Hget& hget = request.hget();
  planner.batch().Get(hget.table(), hget.key());
  return absl::OkStatus();
}

void AnswerHget(const AnswerContext& context) {
  if (context.ops[0].found) return AnswerValues(context);
  const v1::Hget& hget = context.request.hget();
  AnswerError(context,
              absl::NotFoundError(absl::StrCat(
                  "Not found: table ", hget.table(), ", key ", hget.key())));
}

absl::Status PlanHgetall(const v1::CommandRequest& request, Planner& planner) {
  planner.batch().GetTable(request.hgetall().table());
  return absl::OkStatus();
}

// As one group: it sees all of an HMSET or nothing of it.
absl::Status PlanHmget(const v1::CommandRequest& request, Planner& planner) {
  const v1::Hmget& hmget = request.hmget();
  planner.batch().Reserve(hmget.keys_size());
  const uint32_t group = planner.batch().NewGroup();
  for (const std::string& key : hmget.keys()) {
    planner.batch().Get(hmget.table(), key, group);
  }
  return absl::OkStatus();
}

absl::Status PlanHexist(const v1::CommandRequest& request, Planner& planner) {
  const v1::Hexist& hexist = request.hexist();
  planner.batch().Exists(hexist.table(), hexist.key());
  return absl::OkStatus();
}

absl::Status PlanHmexist(const v1::CommandRequest& request, Planner& planner) {
  const v1::Hmexist& hmexist = request.hmexist();
  planner.batch().Reserve(hmexist.keys_size());
  const uint32_t group = planner.batch().NewGroup();
  for (const std::string& key : hmexist.keys()) {
    planner.batch().Exists(hmexist.table(), key, group);
  }
  return absl::OkStatus();
}

}  // namespace coffer::server
