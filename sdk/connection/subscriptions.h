// Subscriptions: those of one connection, to topics and to changes of keys,
// across its sessions: opens them,
// opens them again on each new session where they were, holds their events
// until they are taken, and grants the server credit for more.
//
// The server is not to send more data events than it has credit for, so what is
// held is bounded. Each event is given once and in order: what is missing is
// told by a gap, what comes twice is dropped.
//
// Opening one is no call: the limits of calls are not for it, and its request
// lives as long as its session. What was opened for nobody, because its user
// went or had no more time, is closed at the server when its id comes.
//
// Threads: Open, and Next and the end of a source, from any; all else on the
// executor.
// Lifetime: held by shared_ptr; a source keeps its subscription, not the
// others.

#ifndef COFFER_SDK_CONNECTION_SUBSCRIPTIONS_H_
#define COFFER_SDK_CONNECTION_SUBSCRIPTIONS_H_

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/connection.h"
#include "coffer/sdk/connection/event_buffer.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/internal/pending_handler.h"
#include "coffer/sdk/server_info.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::internal {

// How subscriptions talk to the server. Used on the executor only, and no more
// once Subscriptions::End was called.
class SubscriptionLink {
 public:
  using Answered = std::function<void(absl::StatusOr<v1::CommandResponse>)>;

  // Asks the server of this session. `answered` is given the answer, or why the
  // request cannot be sent; it is not called if the session ends before.
  virtual void CallServer(v1::CommandRequest request, Answered answered) = 0;
  // Without an answer.
  virtual void SendControl(v1::CommandRequest message) = 0;
  // Why there is no session, if there is none.
  virtual absl::Status WhyNoSession() const = 0;
  // The server does what it must not: the session is of no use.
  virtual void BreakSession(absl::Status why) = 0;

 protected:
  ~SubscriptionLink() = default;
};

class Subscription;

class Subscriptions : public std::enable_shared_from_this<Subscriptions> {
 public:
  Subscriptions(boost::asio::any_io_executor executor, Clock* clock,
                Clock::Duration open_timeout, SubscriptionLink* link);
  ~Subscriptions();

  // `what`: as Subscription's. `handler` is given a source when the server has
  // answered, or why not.
  void Open(v1::CommandRequest what, const SubscribeOptions& options,
            Connection::SubscribeHandler handler);

  // There is a server, and there is none.
  void SessionBegins(const ServerFeatures& features);
  void SessionEnds();

  // A message with `event` set.
  void EventCame(v1::CommandResponse message);

  // Ends all, for good.
  void End(const absl::Status& why);
  // Destroys what waits, uncalled.
  void Drop();

  std::size_t size() const { return all_.size(); }

 private:
  friend class Subscription;
  using Ptr = std::shared_ptr<Subscription>;

  void Add(const Ptr& subscription);
  void StartOpenTimer(const Ptr& subscription);
  void CancelOpen(const Ptr& subscription);
  void SendOpen(const Ptr& subscription);
  void SendOpenLater(const Ptr& subscription);
  void Opened(const Ptr& subscription,
              absl::StatusOr<v1::CommandResponse> answer);
  void OpenTimedOut(const Ptr& subscription);
  // Grants what there is room for, to a server that knows the subscription.
  void GrantOwed(Subscription& subscription);
  // Its user is gone.
  void Close(const Ptr& subscription);
  void Remove(const Ptr& subscription, const absl::Status& why);

  const boost::asio::any_io_executor executor_;
  Clock* const clock_;
  const Clock::Duration open_timeout_;
  SubscriptionLink* link_;  // null: ended
  bool in_session_ = false;
  ServerFeatures features_;  // of the server of this session
  // By the order of their opening.
  std::map<std::uint64_t, Ptr> all_;
  std::atomic<std::uint64_t> last_id_{0};
  // By the server's id, in this session.
  absl::flat_hash_map<std::uint64_t, Ptr> by_server_id_;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_SUBSCRIPTIONS_H_
