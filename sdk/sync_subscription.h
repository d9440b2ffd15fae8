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

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/internal/sync_loop.h"

namespace coffer {

class SyncSubscription {
 public:
  // For SyncClient. `clock` outlives it.
  SyncSubscription(std::shared_ptr<internal::SyncLoop> loop, Clock* clock,
                   std::unique_ptr<EventSource> source);
  SyncSubscription(SyncSubscription&&) noexcept = default;
  SyncSubscription& operator=(SyncSubscription&& other) noexcept;
  ~SyncSubscription();

  // Waits for an event, for good or until `timeout` has passed: then it is
  // DeadlineExceeded, no event is lost, and the next call waits on. All other
  // errors are those of Subscription::Next, and final.
  absl::StatusOr<Event> Next() { return Wait(std::nullopt); }
  absl::StatusOr<Event> Next(Clock::Duration timeout) { return Wait(timeout); }

 private:
  absl::StatusOr<Event> Wait(std::optional<Clock::Duration> timeout);
  void End();

  std::shared_ptr<internal::SyncLoop> loop_;
  Clock* clock_;
  // Used, and destroyed, on the loop.
  std::unique_ptr<EventSource> source_;
};

}  // namespace coffer

#endif  // COFFER_SDK_SYNC_SUBSCRIPTION_H_
