// SyncWatcher: changes of keys for code without a loop; what Watcher (watch.h)
// is for the rest.
//
//   auto users = client.Watch<std::int64_t>("users");
//   if (!users.ok()) return users.status();
//   for (;;) {
//     auto change = users->Next(std::chrono::seconds(5));
//     if (absl::IsDeadlineExceeded(change.status())) continue;  // none yet
//     if (!change.ok()) return change.status();
//   }
//
// Ends when it is destroyed, or with a final error of Next. It may outlive its
// client, with which it ends. Threads: any, one Next at a time; not on the
// client's own thread (sync_client.h). Movable.

#ifndef COFFER_SDK_SYNC_WATCH_H_
#define COFFER_SDK_SYNC_WATCH_H_

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/sync_source.h"
#include "coffer/sdk/watch.h"

namespace coffer {

template <class T = Value>
class SyncWatcher {
 public:
  // For SyncClient.
  explicit SyncWatcher(internal::SyncSource source)
      : source_(std::move(source)) {}

  // Waits for a change, for good or until `timeout` has passed: then it is
  // DeadlineExceeded, no change is lost, and the next call waits on. All other
  // errors are those of Watcher::Next.
  absl::StatusOr<Change<T>> Next() {
    return internal::ToChange<T>(source_.Wait(std::nullopt));
  }
  absl::StatusOr<Change<T>> Next(Clock::Duration timeout) {
    return internal::ToChange<T>(source_.Wait(timeout));
  }

  // As Watcher's.
  EventPosition position() const { return source_.position(); }

 private:
  internal::SyncSource source_;
};

}  // namespace coffer

#endif  // COFFER_SDK_SYNC_WATCH_H_
