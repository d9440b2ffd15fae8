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
std::vector<LogField> WithTable(const char* command, const Message& message) {
  return {{"command", command}, {"table", Name(message.table())}};
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
      return WithTable("hgetall", r.hgetall());
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
    case CommandRequest::kListTables:
      return {{"command", "list_tables"}};
    case CommandRequest::kCountKeys:
      return WithTable("count_keys", r.count_keys());
    case CommandRequest::kDropTable:
      return WithTable("drop_table", r.drop_table());
    case CommandRequest::kRenameTable:
      return {{"command", "rename_table"},
              {"table", Name(r.rename_table().table())},
              {"new_name", Name(r.rename_table().new_name())}};
    case CommandRequest::kScan:
      return WithTable("scan", r.scan());
    case CommandRequest::kRead:
      return WithKeys("read", r.read(), r.read().keys_size());
    case CommandRequest::kPut:
      return WithKey("put", r.put(), r.put().key());
    case CommandRequest::kRemove:
      return WithKey("remove", r.remove(), r.remove().key());
    case CommandRequest::kIncrement:
      return WithKey("increment", r.increment(), r.increment().key());
    case CommandRequest::kAppend:
      return WithKey("append", r.append(), r.append().key());
    case CommandRequest::kExpire:
      return WithKey("expire", r.expire(), r.expire().key());
    case CommandRequest::kTransaction:
      return {{"command", "transaction"},
              {"compares", absl::StrCat(r.transaction().compares_size())},
              {"then", absl::StrCat(r.transaction().then_size())},
              {"otherwise", absl::StrCat(r.transaction().otherwise_size())}};
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
    case CommandRequest::kOpenWatch:
      return WithTable("open_watch", r.open_watch());
    case CommandRequest::kStartBackup:
      return {{"command", "start_backup"}};
    case CommandRequest::kGetBackup:
      return {{"command", "get_backup"}};
    default:
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
