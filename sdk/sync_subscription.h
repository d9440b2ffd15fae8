// SyncSubscription: the events of one topic for code without a loop; what
// Subscription (subscription.h) is for the rest.
//
//   absl::StatusOr<SyncSubscription> news = client.Subscribe("news");
//   if (!news.ok()) return news.status();
//   for (;;) {
//     absl::StatusOr<Event> event = news->Next(std::chrono::seconds(5));
//     if (absl::IsDeadlineExceeded(event.status())) continue;  // none yet
//     if (!event.ok()) return event.status();
//   }
//
// Ends when it is destroyed, or with an error of Next. It may outlive its
// client, with which it ends. Threads: any, one Next at a time; not on the
// client's own thread (sync_client.h). Movable.

#ifndef COFFER_SDK_SYNC_SUBSCRIPTION_H_
#define COFFER_SDK_SYNC_SUBSCRIPTION_H_

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/sync_source.h"

namespace coffer {

class SyncSubscription {
 public:
  // For SyncClient.
  explicit SyncSubscription(internal::SyncSource source)
      : source_(std::move(source)) {}

  // Waits for an event, for good or until `timeout` has passed: then it is
  // DeadlineExceeded, no event is lost, and the next call waits on. All other
  // errors are those of Subscription::Next, and final.
  absl::StatusOr<Event> Next() { return source_.Wait(std::nullopt); }
  absl::StatusOr<Event> Next(Clock::Duration timeout) {
    return source_.Wait(timeout);
  }

  // As Subscription's.
  EventPosition position() const { return source_.position(); }

 private:
  internal::SyncSource source_;
};

}  // namespace coffer

#endif  // COFFER_SDK_SYNC_SUBSCRIPTION_H_
