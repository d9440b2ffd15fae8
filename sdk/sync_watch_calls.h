// SyncWatchCalls: the part of SyncClient (sync_client.h) that WatchCalls
// (watch_calls.h) is of Client: the same names, arguments, results and errors.

#ifndef COFFER_SDK_SYNC_WATCH_CALLS_H_
#define COFFER_SDK_SYNC_WATCH_CALLS_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "coffer/proto/text_arg.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/sync_data_calls.h"
#include "coffer/sdk/sync_source.h"
#include "coffer/sdk/sync_watch.h"
#include "coffer/sdk/watch.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

class SyncWatchCalls : public SyncDataCalls {
 public:
  template <class T = Value>
  absl::StatusOr<SyncWatcher<T>> Watch(
      TextArg table, const SubscribeOptions& options = SubscribeOptions()) {
    return WatchOf<T>(internal::WatchOfTable(table), options);
  }

  template <class T = Value>
  absl::StatusOr<SyncWatcher<T>> WatchKey(
      TextArg table, TextArg key,
      const SubscribeOptions& options = SubscribeOptions()) {
    return WatchOf<T>(internal::WatchOfKey(table, key), options);
  }

  template <class T = Value>
  absl::StatusOr<SyncWatcher<T>> WatchPrefix(
      TextArg table, TextArg prefix,
      const SubscribeOptions& options = SubscribeOptions()) {
    return WatchOf<T>(internal::WatchOfPrefix(table, prefix), options);
  }

 protected:
  using SyncDataCalls::SyncDataCalls;
  ~SyncWatchCalls() = default;

  // `start` is given a handler for an EventSource.
  template <class Start>
  absl::StatusOr<internal::SyncSource> WaitForSource(Start start) {
    auto source =
        Wait<absl::StatusOr<std::unique_ptr<EventSource>>>(std::move(start));
    if (!source.ok()) return source.status();
    return internal::SyncSource(loop(), clock(), *std::move(source));
  }

 private:
  template <class T>
  absl::StatusOr<SyncWatcher<T>> WatchOf(v1::OpenWatch what,
                                         const SubscribeOptions& options) {
    auto source = WaitForSource([&](auto handler) {
      client().connection()->Watch(std::move(what), options,
                                   std::move(handler));
    });
    if (!source.ok()) return source.status();
    return SyncWatcher<T>(*std::move(source));
  }
};

}  // namespace coffer

#endif  // COFFER_SDK_SYNC_WATCH_CALLS_H_
