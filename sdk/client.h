// Client: the commands of a server, as functions. A thin value over a shared
// Connection: copy it, pass it by value, make one of a MockConnection in a
// test.
//
//   coffer::Client client(coffer::MakeConnection(
//       executor, coffer::MakeTcpDialer("localhost:9527")));
//   absl::Status stored = co_await client.Set("users", "ada", 36);
//   absl::StatusOr<int64_t> age = co_await client.Get<int64_t>("users", "ada");
//
// Every function may be given, after its own arguments, CallOptions, or a
// completion token (use_awaitable by default), or both in this order:
//
//   client.Get<int64_t>("users", "ada", options, asio::use_future);
//
// Results are absl::Status or absl::StatusOr, with the code that stands for the
// server's answer (status/status_codes.h: NotFound for 404, ...) or the errors
// of Connection::Execute; what is known of the effect of a failed call is told
// by OutcomeOf (status/outcome.h). Every call completes, at the latest when its
// time is over.
//
// Threads: any, as its connection. Cancellation: every type; Cancelled.

#ifndef COFFER_SDK_CLIENT_H_
#define COFFER_SDK_CLIENT_H_

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/batch.h"
#include "coffer/sdk/call_options.h"
#include "coffer/sdk/connection/decode_answer.h"
#include "coffer/sdk/internal/mapped_handler.h"
#include "coffer/sdk/server_info.h"
#include "coffer/sdk/subscription.h"
#include "coffer/sdk/watch_calls.h"

namespace coffer {

// DataCalls (data_calls.h) has the functions for versions, conditions, expiry,
// counters, transactions, scans and tables, WatchCalls (watch_calls.h) those
// for changes of keys.
class Client : public WatchCalls {
 public:
  explicit Client(std::shared_ptr<Connection> connection)
      : WatchCalls(std::move(connection)) {}

  // Of the server that is connected to: its version, limits, epoch, and what it
  // can do (server_info.h). Nullopt: none is now, as before the first call has
  // ended.
  std::optional<ServerInfo> server_info() const {
    return connection()->server_info();
  }

  // --- One key

  // T is std::string, int64_t, double, bool, or Value for any of these.
  // NotFound if there is no such key, InvalidArgument if its value is of
  // another type.
  template <class T = Value, class... Extra>
  auto Get(TextArg table, TextArg key, Extra&&... extra) {
    return Call<absl::StatusOr<T>>(MakeHget(table, key), internal::DecodeOne<T>,
                                   std::forward<Extra>(extra)...);
  }

  // `value`: what ToValue takes.
  template <ConvertibleToValue V, class... Extra>
  auto Set(TextArg table, TextArg key, V&& value, Extra&&... extra) {
    CommandRequest request = MakeHset(table, key, std::forward<V>(value));
    request.mutable_hset()->set_no_previous(true);
    return Call<absl::Status>(std::move(request), internal::DecodeNothing,
                              std::forward<Extra>(extra)...);
  }

  // Sets, and gives the value before; nullopt if there was none. DataLoss, with
  // a word: it is set, but was sent twice, and the value before, of more than
  // 4 KiB, was lost with the first answer.
  template <class T = Value, ConvertibleToValue V, class... Extra>
  auto GetAndSet(TextArg table, TextArg key, V&& value, Extra&&... extra) {
    return Call<absl::StatusOr<std::optional<T>>>(
        MakeHset(table, key, std::forward<V>(value)),
        internal::DecodeOptional<T>, std::forward<Extra>(extra)...);
  }

  // OK whether there was such a key or not.
  template <class... Extra>
  auto Delete(TextArg table, TextArg key, Extra&&... extra) {
    CommandRequest request = MakeHdel(table, key);
    request.mutable_hdel()->set_no_previous(true);
    return Call<absl::Status>(std::move(request), internal::DecodeNothing,
                              std::forward<Extra>(extra)...);
  }

  // Deletes, and gives the value before; nullopt if there was none.
  template <class T = Value, class... Extra>
  auto GetAndDelete(TextArg table, TextArg key, Extra&&... extra) {
    return Call<absl::StatusOr<std::optional<T>>>(
        MakeHdel(table, key), internal::DecodeOptional<T>,
        std::forward<Extra>(extra)...);
  }

  template <class... Extra>
  auto Exists(TextArg table, TextArg key, Extra&&... extra) {
    return Call<absl::StatusOr<bool>>(MakeHexist(table, key),
                                      internal::DecodeOne<bool>,
                                      std::forward<Extra>(extra)...);
  }

  // --- Several keys of one table, in one request. Keys and pairs: any range,
  // as for MakeHmget and MakeHmset, or a braced list; but g++ 12 cannot compile
  // a braced list inside a co_await expression: name a range first.

  // nullopt for a key that is not there, and for one that holds an empty value.
  template <class T = Value, KeyRange Keys, class... Extra>
  auto MultiGet(TextArg table, const Keys& keys, Extra&&... extra) {
    return MultiGetOf<T>(MakeHmget(table, keys), std::forward<Extra>(extra)...);
  }
  template <class T = Value, class... Extra>
  auto MultiGet(TextArg table, KeyList keys, Extra&&... extra) {
    return MultiGetOf<T>(MakeHmget(table, keys), std::forward<Extra>(extra)...);
  }

  // All at once: nobody sees some of them only. (Batch is for writes that need
  // not be.)
  template <PairRange Pairs, class... Extra>
  auto MultiSet(TextArg table, const Pairs& pairs, Extra&&... extra) {
    return MultiSetOf(MakeHmset(table, pairs), std::forward<Extra>(extra)...);
  }
  template <class... Extra>
  auto MultiSet(TextArg table, std::initializer_list<KeyValue> pairs,
                Extra&&... extra) {
    return MultiSetOf(MakeHmset(table, pairs), std::forward<Extra>(extra)...);
  }

  template <KeyRange Keys, class... Extra>
  auto MultiDelete(TextArg table, const Keys& keys, Extra&&... extra) {
    return MultiDeleteOf(MakeHmdel(table, keys), std::forward<Extra>(extra)...);
  }
  template <class... Extra>
  auto MultiDelete(TextArg table, KeyList keys, Extra&&... extra) {
    return MultiDeleteOf(MakeHmdel(table, keys), std::forward<Extra>(extra)...);
  }

  // In the order of the keys.
  template <KeyRange Keys, class... Extra>
  auto MultiExists(TextArg table, const Keys& keys, Extra&&... extra) {
    return MultiExistsOf(MakeHmexist(table, keys),
                         std::forward<Extra>(extra)...);
  }
  template <class... Extra>
  auto MultiExists(TextArg table, KeyList keys, Extra&&... extra) {
    return MultiExistsOf(MakeHmexist(table, keys),
                         std::forward<Extra>(extra)...);
  }

  // All of a table, by key, in one answer. One that is too large for that is
  // ResourceExhausted: Scan (data_calls.h) takes tables of any size.
  template <class T = Value, class... Extra>
  auto GetAll(TextArg table, Extra&&... extra) {
    return Call<absl::StatusOr<std::map<std::string, T>>>(
        MakeHgetall(table), internal::DecodeAll<T>,
        std::forward<Extra>(extra)...);
  }

  // --- Requests that have nothing to do with each other, sent together: each
  // has a result of its own, in their order, and is retried on its own.

  template <class... Extra>
  auto Run(Batch batch, Extra&&... extra) {
    return Initiate<std::vector<absl::StatusOr<Value>>>(
        [connection = connection()](auto handler, Batch run,
                                    CallOptions options) {
          internal::RunBatch(connection, std::move(run).Take(),
                             std::move(options), std::move(handler));
        },
        std::move(batch), std::forward<Extra>(extra)...);
  }

  // --- Topics

  // Gives `value` to all that are subscribed to `topic`.
  template <ConvertibleToValue V, class... Extra>
  auto Publish(TextArg topic, V&& value, Extra&&... extra) {
    CommandRequest request;
    request.mutable_publish()->set_topic(topic.data(), topic.size());
    *request.mutable_publish()->add_data() = ToValue(std::forward<V>(value));
    return Call<absl::Status>(std::move(request), internal::DecodeNothing,
                              std::forward<Extra>(extra)...);
  }

  // The Subscription (subscription.h) lives on across reconnects. Token last;
  // no CallOptions.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto Subscribe(std::string topic,
                 SubscribeOptions options = SubscribeOptions(),
                 Token&& token = Token()) {
    return boost::asio::async_initiate<Token,
                                       void(absl::StatusOr<Subscription>)>(
        [connection = connection()](auto handler, std::string name,
                                    SubscribeOptions how) {
          connection->Subscribe(std::move(name), how,
                                internal::MapResult(std::move(handler),
                                                    internal::ToSubscription));
        },
        token, std::move(topic), options);
  }

  // --- The rest

  // OK: the server is there and answers.
  template <class... Extra>
  auto Ping(Extra&&... extra) {
    CommandRequest request;
    request.mutable_ping();
    return Call<absl::Status>(std::move(request), internal::DecodeNothing,
                              std::forward<Extra>(extra)...);
  }

  // Any request. An answer with an error status is an answer:
  // StatusOr<CommandResponse>.
  template <class... Extra>
  auto Execute(CommandRequest request, Extra&&... extra) {
    return Call<absl::StatusOr<CommandResponse>>(std::move(request),
                                                 internal::DecodeAnswer,
                                                 std::forward<Extra>(extra)...);
  }

  // Waits for the calls under way and closes the connection, for all clients
  // that share it. Token: use_awaitable by default.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto Close(Token&& token = Token()) {
    return boost::asio::async_initiate<Token, void(absl::Status)>(
        [connection = connection()](auto handler) {
          connection->Close(std::move(handler));
        },
        token);
  }

 private:
  template <class... Extra>
  auto MultiSetOf(CommandRequest request, Extra&&... extra) {
    request.mutable_hmset()->set_no_previous(true);
    return Call<absl::Status>(std::move(request), internal::DecodeNothing,
                              std::forward<Extra>(extra)...);
  }

  template <class... Extra>
  auto MultiDeleteOf(CommandRequest request, Extra&&... extra) {
    request.mutable_hmdel()->set_no_previous(true);
    return Call<absl::Status>(std::move(request), internal::DecodeNothing,
                              std::forward<Extra>(extra)...);
  }

  template <class T, class... Extra>
  auto MultiGetOf(CommandRequest request, Extra&&... extra) {
    const int keys = request.hmget().keys_size();
    return Call<absl::StatusOr<std::vector<std::optional<T>>>>(
        std::move(request), internal::DecodeMany<T>(keys),
        std::forward<Extra>(extra)...);
  }

  template <class... Extra>
  auto MultiExistsOf(CommandRequest request, Extra&&... extra) {
    const int keys = request.hmexist().keys_size();
    return Call<absl::StatusOr<std::vector<bool>>>(
        std::move(request), internal::DecodeBools(keys),
        std::forward<Extra>(extra)...);
  }
};

}  // namespace coffer

#endif  // COFFER_SDK_CLIENT_H_
