// Requests of publish, subscribe and watch, for tests.

#ifndef COFFER_SERVER_SESSION_TOPIC_REQUESTS_H_
#define COFFER_SERVER_SESSION_TOPIC_REQUESTS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "coffer/proto/value.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

template <class T>
v1::CommandRequest PublishTo(const std::string& topic, T&& value) {
  v1::CommandRequest request;
  request.mutable_publish()->set_topic(topic);
  *request.mutable_publish()->add_data() = ToValue(std::forward<T>(value));
  return request;
}

inline v1::CommandRequest SubscribeTo(const std::string& topic) {
  v1::CommandRequest request;
  request.mutable_subscribe()->set_topic(topic);
  return request;
}

inline v1::CommandRequest UnsubscribeFrom(const std::string& topic,
                                          std::uint32_t id) {
  v1::CommandRequest request;
  request.mutable_unsubscribe()->set_topic(topic);
  request.mutable_unsubscribe()->set_id(id);
  return request;
}

inline v1::CommandRequest OpenSubscriptionTo(
    const std::string& topic, std::uint64_t credit,
    v1::SlowPolicy policy = v1::DROP_OLDEST) {
  v1::CommandRequest request;
  request.mutable_open_subscription()->set_topic(topic);
  request.mutable_open_subscription()->set_credit(credit);
  request.mutable_open_subscription()->set_slow_policy(policy);
  return request;
}

inline v1::CommandRequest WatchPrefix(const std::string& table,
                                      const std::string& prefix,
                                      std::uint64_t credit,
                                      v1::SlowPolicy policy = v1::DROP_OLDEST) {
  v1::CommandRequest request;
  request.mutable_open_watch()->set_table(table);
  request.mutable_open_watch()->set_prefix(prefix);
  request.mutable_open_watch()->set_credit(credit);
  request.mutable_open_watch()->set_slow_policy(policy);
  return request;
}

inline v1::CommandRequest WatchKey(const std::string& table,
                                   const std::string& key,
                                   std::uint64_t credit) {
  v1::CommandRequest request = WatchPrefix(table, "", credit);
  request.mutable_open_watch()->set_key(key);
  return request;
}

inline v1::CommandRequest GrantCreditTo(std::uint64_t id,
                                        std::uint64_t credit) {
  v1::CommandRequest request;
  request.mutable_grant_credit()->set_subscription_id(id);
  request.mutable_grant_credit()->set_credit(credit);
  return request;
}

inline v1::CommandRequest CloseSubscriptionOf(std::uint64_t id) {
  v1::CommandRequest request;
  request.mutable_close_subscription()->set_subscription_id(id);
  return request;
}

inline v1::CommandRequest PingRequest() {
  v1::CommandRequest request;
  request.mutable_ping();
  return request;
}

inline v1::CommandRequest CancelOf(std::uint64_t id) {
  v1::CommandRequest request;
  request.mutable_cancel()->set_request_id(id);
  return request;
}

inline v1::CommandRequest WithId(v1::CommandRequest request, std::uint64_t id) {
  request.set_request_id(id);
  return request;
}

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_TOPIC_REQUESTS_H_
