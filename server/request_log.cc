#include "coffer/server/request_log.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace coffer::server {
namespace {

using v1::CommandRequest;

// A copy of what the logger shows of a name, and a byte more if it cuts it.
std::string Name(absl::string_view name) {
  return std::string(name.substr(0, kLogValueBytesMax + 1));
}

template <class Message>
std::vector<LogField> WithKey(const char* command, const Message& message,
                              absl::string_view key) {
  return {{"command", command},
          {"table", Name(message.table())},
          {"key", Name(key)}};
}

template <class Message>
std::vector<LogField> WithKeys(const char* command, const Message& message,
                               int keys) {
  return {{"command", command},
          {"table", Name(message.table())},
          {"keys", absl::StrCat(keys)}};
}

template <class Message>
std::vector<LogField> WithTopic(const char* command, const Message& message) {
  return {{"command", command}, {"topic", Name(message.topic())}};
}

}  // namespace

std::vector<LogField> DescribeRequest(const CommandRequest& r) {
  switch (r.request_data_case()) {
    case CommandRequest::kHget:
      return WithKey("hget", r.hget(), r.hget().key());
    case CommandRequest::kHgetall:
      return {{"command", "hgetall"}, {"table", Name(r.hgetall().table())}};
    case CommandRequest::kHmget:
      return WithKeys("hmget", r.hmget(), r.hmget().keys_size());
    case CommandRequest::kHset:
      return WithKey("hset", r.hset(), r.hset().pair().key());
    case CommandRequest::kHmset:
      return WithKeys("hmset", r.hmset(), r.hmset().pairs_size());
    case CommandRequest::kHdel:
      return WithKey("hdel", r.hdel(), r.hdel().key());
    case CommandRequest::kHmdel:
      return WithKeys("hmdel", r.hmdel(), r.hmdel().keys_size());
    case CommandRequest::kHexist:
      return WithKey("hexist", r.hexist(), r.hexist().key());
    case CommandRequest::kHmexist:
      return WithKeys("hmexist", r.hmexist(), r.hmexist().keys_size());
    case CommandRequest::kSubscribe:
      return WithTopic("subscribe", r.subscribe());
    case CommandRequest::kUnsubscribe:
      return WithTopic("unsubscribe", r.unsubscribe());
    case CommandRequest::kPublish:
      return WithTopic("publish", r.publish());
    case CommandRequest::kHello:
      return {{"command", "hello"}};
    case CommandRequest::kPing:
      return {{"command", "ping"}};
    case CommandRequest::kCancel:
      return {{"command", "cancel"}};
    case CommandRequest::kOpenSubscription:
      return WithTopic("open_subscription", r.open_subscription());
    case CommandRequest::kGrantCredit:
      return {{"command", "grant_credit"}};
    case CommandRequest::kCloseSubscription:
      return {{"command", "close_subscription"}};
    case CommandRequest::REQUEST_DATA_NOT_SET:
      break;
  }
  return {{"command", "empty"}};
}

void LogRequests(Service* service) {
  service->OnReceived([](const CommandRequest& request) {
    if (!LogEnabled(LogLevel::kDebug)) return;
    Log(LogLevel::kDebug, "request", DescribeRequest(request));
  });
  service->OnExecuted([](const v1::CommandResponse& response) {
    Log(LogLevel::kDebug, "answer",
        {{"status", absl::StrCat(response.status())}});
  });
}

}  // namespace coffer::server
