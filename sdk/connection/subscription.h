// Subscription: one subscription of a connection, to a topic or to changes of
// keys, between the Subscriptions that fill it and the EventSource that its
// user takes events from.
//
// On the executor only, but for position(); its source hands on what is called
// elsewhere.

#ifndef COFFER_SDK_CONNECTION_SUBSCRIPTION_H_
#define COFFER_SDK_CONNECTION_SUBSCRIPTION_H_

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/connection/event_buffer.h"
#include "coffer/sdk/connection/subscriptions.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/internal/pending_handler.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::internal {

class Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  using Opened = absl::StatusOr<std::unique_ptr<EventSource>>;
  using Next = absl::StatusOr<Event>;

  // `what` is an open_subscription with its topic, or an open_watch with its
  // keys; all else of it is set by OpenRequest.
  Subscription(std::uint64_t new_id, v1::CommandRequest what,
               const SubscribeOptions& options,
               boost::asio::any_io_executor new_executor,
               std::weak_ptr<Subscriptions> owner);

  // For Subscriptions.

  bool is_watch() const { return what_.has_open_watch(); }
  // "news", or "changes of users"; for messages.
  std::string Name() const;
  // Whether the server can be sent its texts.
  absl::Status CheckTexts() const;
  // What a server is to be sent that knows nothing of it yet.
  v1::CommandRequest OpenRequest();
  // The server has answered that it begins there.
  void Begin(std::uint64_t epoch, std::uint64_t sequence);
  // A message with `event` set, as EventBuffer::Add.
  absl::Status Add(v1::CommandResponse message);
  void GiveEvents();
  void EndWith(const absl::Status& why);
  void Drop();

  // For the source. `ticket` names the wait.
  void Wait(PendingHandler<Next> handler, std::uint64_t ticket);
  void CancelWait(std::uint64_t ticket);
  void UserIsGone();
  // Any thread.
  EventPosition position() const;

  const std::uint64_t id;
  const boost::asio::any_io_executor executor;
  EventBuffer buffer;
  std::uint64_t server_id = 0;  // 0: not known to the server of this session
  // While Subscribe has not completed.
  PendingHandler<Opened> opening;
  std::unique_ptr<Timer> open_timer;  // null: no time limit
  // Until it is asked for once more in this session; null: it is not waited
  // for.
  std::unique_ptr<Timer> again_timer;

 private:
  enum class When { kNow, kPosted };
  void Give(When when);
  void UpdatePosition();

  const v1::CommandRequest what_;
  const v1::SlowPolicy slow_policy_;
  const std::weak_ptr<Subscriptions> owner_;
  absl::Status ended_;  // OK: it goes on
  PendingHandler<Next> next_;
  std::uint64_t ticket_ = 0;
  mutable std::mutex position_mutex_;
  EventPosition position_;  // of `buffer`; guarded by position_mutex_
};

// A source for its user; when that is destroyed, the subscription ends.
std::unique_ptr<EventSource> MakeEventSource(
    std::shared_ptr<Subscription> subscription);

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_SUBSCRIPTION_H_
