// SyncClient: the commands of a server as functions that block, for code
// without a loop. It has an io_context and a thread of its own, on which a
// Connection (make_connection.h) lives.
//
//   coffer::SyncClient client("localhost:9527");
//   absl::Status stored = client.Set("users", "ada", 36);
//   absl::StatusOr<int64_t> age = client.Get<int64_t>("users", "ada");
//
// Names, arguments, results and errors are those of Client (client.h); a call
// takes CallOptions last, and returns at the latest when its time is over.
//
// Threads: any number at a time, none but the client's own: what it calls there
// (an observer, a policy, a dialer) asserts when it calls back, for it would
// wait for itself. Ownership: destroyed, which no call may be under way on
// another thread for, it ends its connection, its subscriptions and its thread.
// The destructor waits for a look-up of a name that the system is still at.

#ifndef COFFER_SDK_SYNC_CLIENT_H_
#define COFFER_SDK_SYNC_CLIENT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/batch.h"
#include "coffer/sdk/call_options.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/connection_options.h"
#include "coffer/sdk/dialer.h"
#include "coffer/sdk/internal/sync_loop.h"
#include "coffer/sdk/server_info.h"
#include "coffer/sdk/sync_subscription.h"
#include "coffer/sdk/sync_watch_calls.h"

namespace coffer {

// SyncDataCalls (sync_data_calls.h) has the functions for versions, conditions,
// expiry, counters, transactions, scans and tables, SyncWatchCalls
// (sync_watch_calls.h) those for changes of keys.
class SyncClient : public SyncWatchCalls {
 public:
  // To "host:port", over TCP.
  explicit SyncClient(std::string target,
                      ConnectionOptions options = ConnectionOptions());
  // By a dialer, over TLS for example; or to one of several, as for
  // MakeConnection.
  explicit SyncClient(std::shared_ptr<Dialer> dialer,
                      ConnectionOptions options = ConnectionOptions());
  explicit SyncClient(std::vector<std::shared_ptr<Dialer>> dialers,
                      ConnectionOptions options = ConnectionOptions());
  ~SyncClient();

  template <class T = Value>
  absl::StatusOr<T> Get(TextArg table, TextArg key,
                        CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<T>>([&](auto handler) {
      client().Get<T>(table, key, options, std::move(handler));
    });
  }

  template <ConvertibleToValue V>
  absl::Status Set(TextArg table, TextArg key, V&& value,
                   CallOptions options = CallOptions()) {
    return Wait<absl::Status>([&](auto handler) {
      client().Set(table, key, std::forward<V>(value), options,
                   std::move(handler));
    });
  }

  template <class T = Value, ConvertibleToValue V>
  absl::StatusOr<std::optional<T>> GetAndSet(
      TextArg table, TextArg key, V&& value,
      CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<std::optional<T>>>([&](auto handler) {
      client().GetAndSet<T>(table, key, std::forward<V>(value), options,
                            std::move(handler));
    });
  }

  absl::Status Delete(TextArg table, TextArg key,
                      CallOptions options = CallOptions());

  template <class T = Value>
  absl::StatusOr<std::optional<T>> GetAndDelete(
      TextArg table, TextArg key, CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<std::optional<T>>>([&](auto handler) {
      client().GetAndDelete<T>(table, key, options, std::move(handler));
    });
  }

  absl::StatusOr<bool> Exists(TextArg table, TextArg key,
                              CallOptions options = CallOptions());

  // Keys and pairs: any range, or a braced list.

  template <class T = Value, KeyRange Keys>
  absl::StatusOr<std::vector<std::optional<T>>> MultiGet(
      TextArg table, const Keys& keys, CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<std::vector<std::optional<T>>>>(
        [&](auto handler) {
          client().MultiGet<T>(table, keys, options, std::move(handler));
        });
  }
  template <class T = Value>
  absl::StatusOr<std::vector<std::optional<T>>> MultiGet(
      TextArg table, KeyList keys, CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<std::vector<std::optional<T>>>>(
        [&](auto handler) {
          client().MultiGet<T>(table, keys, options, std::move(handler));
        });
  }

  template <PairRange Pairs>
  absl::Status MultiSet(TextArg table, const Pairs& pairs,
                        CallOptions options = CallOptions()) {
    return Wait<absl::Status>([&](auto handler) {
      client().MultiSet(table, pairs, options, std::move(handler));
    });
  }
  absl::Status MultiSet(TextArg table, std::initializer_list<KeyValue> pairs,
                        CallOptions options = CallOptions());

  template <KeyRange Keys>
  absl::Status MultiDelete(TextArg table, const Keys& keys,
                           CallOptions options = CallOptions()) {
    return Wait<absl::Status>([&](auto handler) {
      client().MultiDelete(table, keys, options, std::move(handler));
    });
  }
  absl::Status MultiDelete(TextArg table, KeyList keys,
                           CallOptions options = CallOptions());

  template <KeyRange Keys>
  absl::StatusOr<std::vector<bool>> MultiExists(
      TextArg table, const Keys& keys, CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<std::vector<bool>>>([&](auto handler) {
      client().MultiExists(table, keys, options, std::move(handler));
    });
  }
  absl::StatusOr<std::vector<bool>> MultiExists(
      TextArg table, KeyList keys, CallOptions options = CallOptions());

  template <class T = Value>
  absl::StatusOr<std::map<std::string, T>> GetAll(
      TextArg table, CallOptions options = CallOptions()) {
    return Wait<absl::StatusOr<std::map<std::string, T>>>([&](auto handler) {
      client().GetAll<T>(table, options, std::move(handler));
    });
  }

  // A result for each, in their order.
  std::vector<absl::StatusOr<Value>> Run(Batch batch,
                                         CallOptions options = CallOptions());

  template <ConvertibleToValue V>
  absl::Status Publish(TextArg topic, V&& value,
                       CallOptions options = CallOptions()) {
    return Wait<absl::Status>([&](auto handler) {
      client().Publish(topic, std::forward<V>(value), options,
                       std::move(handler));
    });
  }

  absl::StatusOr<SyncSubscription> Subscribe(
      std::string topic, SubscribeOptions options = SubscribeOptions());

  absl::Status Ping(CallOptions options = CallOptions());

  absl::StatusOr<CommandResponse> Execute(CommandRequest request,
                                          CallOptions options = CallOptions());

  // As Client's.
  std::optional<ServerInfo> server_info() const {
    return client().server_info();
  }

  // Takes no further calls, waits for those of other threads, and closes.
  absl::Status Close();

 private:
  SyncClient(Clock* clock, std::vector<std::shared_ptr<Dialer>> dialers,
             ConnectionOptions options,
             const std::shared_ptr<internal::SyncLoop>& loop);
};

}  // namespace coffer

#endif  // COFFER_SDK_SYNC_CLIENT_H_
