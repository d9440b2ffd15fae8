#include "coffer/server/service/command.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "coffer/proto/request_keys.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/server/service/commands/commands.h"
#include "google/protobuf/unknown_field_set.h"

namespace coffer::server {
namespace {

using v1::CommandRequest;

absl::Status RefuseEmpty(const CommandRequest&, Planner&) {
  return InvalidCommand("Request has no data");
}

// What takes effect when it is answered, after the writes before it.
absl::Status PlanNothing(const CommandRequest&, Planner&) {
  return absl::OkStatus();
}

// For commands whose plan always refuses.
void AnswerNothing(const AnswerContext&) {
  COFFER_ASSERT(false && "a refused request has no results");
}

constexpr absl::string_view kFewerKeys = "ask for fewer keys at a time";
constexpr absl::string_view kByKeys =
    "read it in pages, with Scan, or its keys in parts, with HMGET";
constexpr absl::string_view kTooLargeBefore =
    "the write was done, the previous values do not fit";
constexpr absl::string_view kDone = "it was done, its answer does not fit";
constexpr absl::string_view kLargerFrames = "accept larger frames";

struct NumberedCommand {
  int number;
  Command command;
};

// By the number of the request's member in CommandRequest. Hello, CANCEL and
// GRANT_CREDIT are the session's affair: here they count as nothing, as they do
// for a peer that does not know them.
constexpr NumberedCommand kCommands[] = {
    {CommandRequest::REQUEST_DATA_NOT_SET,
     {"(empty)", RefuseEmpty, AnswerNothing, ""}},
    {CommandRequest::kHget, {"HGET", PlanHget, AnswerHget, ""}},
    {CommandRequest::kHgetall, {"HGETALL", PlanHgetall, AnswerPairs, kByKeys}},
    {CommandRequest::kHmget, {"HMGET", PlanHmget, AnswerValues, kFewerKeys}},
    {CommandRequest::kHset,
     {"HSET", PlanHset, AnswerPrevious, kTooLargeBefore}},
    {CommandRequest::kHmset,
     {"HMSET", PlanHmset, AnswerPrevious, kTooLargeBefore}},
    {CommandRequest::kHdel,
     {"HDEL", PlanHdel, AnswerPrevious, kTooLargeBefore}},
    {CommandRequest::kHmdel,
     {"HMDEL", PlanHmdel, AnswerPrevious, kTooLargeBefore}},
    {CommandRequest::kHexist, {"HEXIST", PlanHexist, AnswerFound, ""}},
    {CommandRequest::kHmexist,
     {"HMEXIST", PlanHmexist, AnswerFound, kFewerKeys}},
    {CommandRequest::kSubscribe,
     {"SUBSCRIBE", PlanNothing, AnswerSubscribe, ""}},
    {CommandRequest::kUnsubscribe,
     {"UNSUBSCRIBE", PlanNothing, AnswerUnsubscribe, ""}},
    {CommandRequest::kPublish, {"PUBLISH", PlanNothing, AnswerPublish, ""}},

    // What only peers of ours send.
    {CommandRequest::kPing, {"PING", PlanNothing, AnswerValues, ""}},
    {CommandRequest::kCancel, {"CANCEL", RefuseEmpty, AnswerNothing, ""}},
    {CommandRequest::kListTables,
     {"LIST_TABLES", PlanListTables, AnswerListTables, kLargerFrames}},
    {CommandRequest::kCountKeys,
     {"COUNT_KEYS", PlanCountKeys, AnswerTable, kLargerFrames}},
    {CommandRequest::kDropTable,
     {"DROP_TABLE", PlanDropTable, AnswerTable, kDone}},
    {CommandRequest::kRenameTable,
     {"RENAME_TABLE", PlanRenameTable, AnswerTable, kDone}},
    {CommandRequest::kScan, {"SCAN", PlanScan, AnswerScan, kLargerFrames}},
    {CommandRequest::kRead, {"READ", PlanRead, AnswerRead, kFewerKeys}},
    {CommandRequest::kPut, {"PUT", PlanPut, AnswerPut, kTooLargeBefore}},
    {CommandRequest::kRemove,
     {"REMOVE", PlanRemove, AnswerRemove, kTooLargeBefore}},
    {CommandRequest::kIncrement,
     {"INCREMENT", PlanIncrement, AnswerIncrement, kDone}},
    {CommandRequest::kAppend, {"APPEND", PlanAppend, AnswerAppend, kDone}},
    {CommandRequest::kExpire, {"EXPIRE", PlanExpire, AnswerExpire, kDone}},
    {CommandRequest::kTransaction,
     {"TRANSACTION", PlanTransaction, AnswerTransaction, kFewerKeys,
      WhereInTransaction}},
    {CommandRequest::kOpenSubscription,
     {"OPEN_SUBSCRIPTION", PlanNothing, AnswerOpenSubscription, ""}},
    {CommandRequest::kOpenWatch,
     {"OPEN_WATCH", PlanNothing, AnswerOpenWatch, ""}},
    {CommandRequest::kGrantCredit,
     {"GRANT_CREDIT", RefuseEmpty, AnswerNothing, ""}},
    {CommandRequest::kCloseSubscription,
     {"CLOSE_SUBSCRIPTION", PlanNothing, AnswerCloseSubscription, ""}},
    {CommandRequest::kStartBackup,
     {"START_BACKUP", PlanNothing, AnswerStartBackup, ""}},
    {CommandRequest::kGetBackup,
     {"GET_BACKUP", PlanNothing, AnswerGetBackup, ""}},
};

constexpr int HighestNumber() {
  int highest = 0;
  for (const NumberedCommand& one : kCommands) {
    highest = std::max(highest, one.number);
  }
  return highest;
}

using CommandTable = std::array<const Command*, HighestNumber() + 1>;

// So that it is found without a search.
constexpr CommandTable ByNumber() {
  CommandTable table{};
  for (const Command*& entry : table) entry = &kCommands[0].command;
  for (const NumberedCommand& one : kCommands) {
    table[one.number] = &one.command;
  }
  return table;
}

constexpr CommandTable kByNumber = ByNumber();

}  // namespace

absl::string_view Planner::Serialize(const v1::Value& value) {
  if (!value.GetReflection()->GetUnknownFields(value).empty()) {
    v1::Value known = value;
    known.DiscardUnknownFields();
    return Serialize(known);
  }
  const size_t size = value.ByteSizeLong();
  auto* bytes = google::protobuf::Arena::CreateArray<google::protobuf::uint8>(
      &arena_, size);
  value.SerializeWithCachedSizesToArray(bytes);
  return {reinterpret_cast<const char*>(bytes), size};
}

const Command& FindCommand(const CommandRequest& request) {
  const size_t number = request.request_data_case();
  return number < kByNumber.size() ? *kByNumber[number] : kCommands[0].command;
}

bool IsWriteCommand(const CommandRequest& request) {
  return WritesKeys(request) || request.has_publish() ||
         request.has_start_backup();
}

absl::Status PlanRequest(const CommandRequest& request, Planner& planner) {
  const size_t keys = KeyCount(request);
  if (keys > kRequestKeysMax) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "request of ", keys, " keys exceeds the limit of ", kRequestKeysMax));
  }
  return FindCommand(request).plan(request, planner);
}

absl::Status InvalidCommand(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("Command is invalid: `", what, "`"));
}

}  // namespace coffer::server
