#include "coffer/server/service/command.h"

#include <iterator>

#include "absl/strings/str_cat.h"
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
constexpr absl::string_view kByKeys = "read its keys in parts, with HMGET";
constexpr absl::string_view kTooLargeBefore =
    "the write was done, the previous values do not fit";

constexpr bool kWrite = true;

// By the number of the request's member in CommandRequest, from 0, no member.
constexpr Command kCommands[] = {
    {"(empty)", RefuseEmpty, AnswerNothing, ""},
    {"HGET", PlanHget, AnswerHget, ""},
    {"HGETALL", PlanHgetall, AnswerPairs, kByKeys},
    {"HMGET", PlanHmget, AnswerValues, kFewerKeys},
    {"HSET", PlanHset, AnswerValues, kTooLargeBefore, kWrite},
    {"HMSET", PlanHmset, AnswerValues, kTooLargeBefore, kWrite},
    {"HDEL", PlanHdel, AnswerValues, kTooLargeBefore, kWrite},
    {"HMDEL", PlanHmdel, AnswerValues, kTooLargeBefore, kWrite},
    {"HEXIST", PlanHexist, AnswerFound, ""},
    {"HMEXIST", PlanHmexist, AnswerFound, kFewerKeys},
    {"SUBSCRIBE", PlanNothing, AnswerSubscribe, ""},
    {"UNSUBSCRIBE", PlanNothing, AnswerUnsubscribe, ""},
    {"PUBLISH", PlanNothing, AnswerPublish, "", kWrite},
};

struct NumberedCommand {
  int number;
  Command command;
};

// What only peers of ours send. Hello, CANCEL and GRANT_CREDIT are the
// session's affair: here they count as nothing, as they do for a peer that does
// not know them.
constexpr NumberedCommand kCommandsOfOurs[] = {
    {CommandRequest::kPing, {"PING", PlanNothing, AnswerValues, ""}},
    {CommandRequest::kCancel, {"CANCEL", RefuseEmpty, AnswerNothing, ""}},
    {CommandRequest::kOpenSubscription,
     {"OPEN_SUBSCRIPTION", PlanNothing, AnswerOpenSubscription, ""}},
    {CommandRequest::kGrantCredit,
     {"GRANT_CREDIT", RefuseEmpty, AnswerNothing, ""}},
    {CommandRequest::kCloseSubscription,
     {"CLOSE_SUBSCRIPTION", PlanNothing, AnswerCloseSubscription, ""}},
};

// The table's order is the wire's.
static_assert(CommandRequest::REQUEST_DATA_NOT_SET == 0);
static_assert(CommandRequest::kHget == 1 && CommandRequest::kHgetall == 2 &&
              CommandRequest::kHmget == 3 && CommandRequest::kHset == 4 &&
              CommandRequest::kHmset == 5 && CommandRequest::kHdel == 6 &&
              CommandRequest::kHmdel == 7 && CommandRequest::kHexist == 8 &&
              CommandRequest::kHmexist == 9 &&
              CommandRequest::kSubscribe == 10 &&
              CommandRequest::kUnsubscribe == 11 &&
              CommandRequest::kPublish == 12);

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
  if (number < std::size(kCommands)) return kCommands[number];
  for (const NumberedCommand& ours : kCommandsOfOurs) {
    if (ours.number == request.request_data_case()) return ours.command;
  }
  return kCommands[0];
}

bool IsWriteCommand(const CommandRequest& request) {
  return FindCommand(request).is_write;
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
