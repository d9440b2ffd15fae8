// HSET, HMSET, HDEL, HMDEL. Each answers with the values before it, unless the
// peer does not want them.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "coffer/server/service/commands/commands.h"

namespace coffer::server {
namespace {

// With no_previous the value before is neither read nor sent.
bool NoPrevious(const v1::CommandRequest& request) {
  switch (request.request_data_case()) {
    case v1::CommandRequest::kHset:
      return request.hset().no_previous();
    case v1::CommandRequest::kHmset:
      return request.hmset().no_previous();
    case v1::CommandRequest::kHdel:
      return request.hdel().no_previous();
    case v1::CommandRequest::kHmdel:
      return request.hmdel().no_previous();
    default:
      return false;
  }
}

// In quotes, as the older server shows a string in its message.
std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        absl::StrAppend(&quoted, "\\", absl::string_view(&c, 1));
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '\t':
        quoted += "\\t";
        break;
      case '\0':
        quoted += "\\0";
        break;
      default:
        if ((c > 0 && c < ' ') || c == 0x7f) {
          absl::StrAppendFormat(&quoted, "\\u{%x}", c);
        } else {
          quoted += c;
        }
    }
  }
  return quoted + "\"";
}

}  // namespace

absl::Status PlanHset(const v1::CommandRequest& request, Planner& planner) {
  const v1::Hset& hset = request.hset();
  if (!hset.has_pair()) {
    return InvalidCommand(
        absl::StrCat("Hset { table: ", Quoted(hset.table()), ", pair: None }"));
  }
  planner.batch().Set(hset.table(), hset.pair().key(),
                      planner.Serialize(hset.pair().value()),
                      !NoPrevious(request));
  return absl::OkStatus();
}

absl::Status PlanHmset(const v1::CommandRequest& request, Planner& planner) {
  const v1::Hmset& hmset = request.hmset();
  planner.batch().Reserve(hmset.pairs_size());
  const uint32_t group = planner.batch().NewGroup();
  for (const v1::Kvpair& pair : hmset.pairs()) {
    planner.batch().Set(hmset.table(), pair.key(),
                        planner.Serialize(pair.value()), !NoPrevious(request),
                        group);
  }
  return absl::OkStatus();
}

absl::Status PlanHdel(const v1::CommandRequest& request, Planner& planner) {
  const v1::Hdel& hdel = request.hdel();
  planner.batch().Delete(hdel.table(), hdel.key(), !NoPrevious(request));
  return absl::OkStatus();
}

absl::Status PlanHmdel(const v1::CommandRequest& request, Planner& planner) {
  const v1::Hmdel& hmdel = request.hmdel();
  planner.batch().Reserve(hmdel.keys_size());
  const uint32_t group = planner.batch().NewGroup();
  for (const std::string& key : hmdel.keys()) {
    planner.batch().Delete(hmdel.table(), key, !NoPrevious(request), group);
  }
  return absl::OkStatus();
}

void AnswerPrevious(const AnswerContext& context) {
  if (!NoPrevious(context.request)) return AnswerValues(context);
  context.response->set_status(200);
}

}  // namespace coffer::server
