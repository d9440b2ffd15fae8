// Subscriptions: those of one session, its watches among them, what is to be
// sent of them next, and what becomes of one that cannot keep up.
//
// A subscription of ours is sent events while it has credit; gaps and ends need
// none, nor does a bookmark, which tells a watch how far it has come past
// changes that it does not want. Without credit it stays where it is, at no
// cost: the events are the topic's. When its next one is evicted, DROP_OLDEST
// gives a gap as soon as there is credit again, DISCONNECT ends it, with status
// 429. One of an older peer knows neither credit nor gaps: when it falls behind
// the whole connection is to be cut.
//
// No I/O and no waiting: the session asks Next while it has room to send, and
// not between opening a subscription and sending the answer to that, so that an
// id is always told before its first event. One thread; the state outlives it.

#ifndef COFFER_SERVER_SESSION_SUBSCRIPTIONS_H_
#define COFFER_SERVER_SESSION_SUBSCRIPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/server/service/subscriber.h"
#include "coffer/server/service/topics/topics.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/service/watch/change_feed.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

class Subscriptions final : public Subscriber {
 public:
  // One message of a subscription: an event, in pieces, or else `message`.
  struct Outgoing {
    std::uint64_t id = 0;
    EventPtr event;
    bool older = false;
    std::string id_field;  // of ours: goes behind the event's bytes
    v1::CommandResponse message;
  };

  // Why the connection of an older peer is to be closed.
  enum class Cut {
    kNo,
    kEnded,       // its last subscription is over: after what was given out
    kFellBehind,  // at once
  };

  Subscriptions(VolatileState* state, std::size_t subscriptions_max,
                std::shared_ptr<TopicWaker> waker);

  // The peer has said Hello.
  void set_peer_is_ours() { ours_ = true; }
  // In the log.
  void set_peer_name(std::string name) { peer_name_ = std::move(name); }

  absl::StatusOr<std::uint64_t> Subscribe(const std::string& topic) override;
  absl::StatusOr<v1::SubscriptionReply> Open(
      const v1::OpenSubscription& open) override;
  absl::StatusOr<v1::SubscriptionReply> OpenWatch(
      const v1::OpenWatch& open) override;
  absl::Status Close(std::uint64_t id) override;

  // One that is not known may have just ended: nothing happens.
  void Grant(const v1::GrantCredit& grant);
  // Topics has woken these.
  void Woken(const std::vector<std::uint64_t>& ids);

  // Gives what is to be sent next, of each subscription in turn. False if there
  // is nothing now.
  bool Next(Outgoing* out);
  // Whether Next may have something.
  bool has_more() const { return !ready_.empty() || !resting_.empty(); }
  // To be called when has_more, and Next will not be asked for a while: so that
  // it is noticed when an older subscriber falls behind meanwhile.
  void Rest();

  // The event of `out` was refused: it is over the peer's limit. A gap takes
  // its place in `out`, and its credit is given back. Not for an older one,
  // which is cut.
  void TooLarge(Outgoing* out);

  // All end now. Ours are to be told so, with the end's status and message.
  void EndAll(std::uint32_t status, absl::string_view message);
  void DropAll();

  bool empty() const { return all_.empty(); }
  std::size_t size() const { return all_.size(); }
  Cut cut() const { return cut_; }

 private:
  struct One {
    std::unique_ptr<ChangeFeed::Watch> watch;  // null: of a topic
    std::unique_ptr<Subscription> place;       // the watch's, too
    bool older = false;
    bool ready = false;  // in ready_
    std::uint64_t credit = 0;
    std::string id_field;  // behind each of its events
    v1::SlowPolicy policy = v1::DROP_OLDEST;
    // To be told before all events.
    v1::Gap::Reason start_gap = v1::Gap::UNSPECIFIED;
    // It is over, for this reason: to be told, and nothing after it.
    std::uint32_t end_status = 0;
    std::string end_message;
  };

  absl::Status CheckRoom() const;
  absl::StatusOr<One*> Add(const std::string& topic,
                           const Topics::Start& start);
  One& Add(std::unique_ptr<Subscription> place);
  template <class OpenMessage>
  v1::SubscriptionReply Begin(const OpenMessage& open, One& one);
  void MakeReady(One& one);
  // Fills `out` with what is next of it. False if there is nothing now.
  bool Look(One& one, Outgoing* out);
  bool LookWithoutCredit(One& one, Outgoing* out);
  bool Lost(One& one, std::uint64_t lost_to, Outgoing* out);
  bool FellBehind(One& one, Outgoing* out);
  bool End(One& one, std::uint32_t status, absl::string_view message,
           Outgoing* out);
  void SetGap(std::uint64_t id, v1::Gap::Reason reason, std::uint64_t lost_to,
              Outgoing* out) const;
  static void SetBookmark(std::uint64_t passed_to, Outgoing* out);

  VolatileState& state_;
  const std::size_t subscriptions_max_;
  const std::shared_ptr<TopicWaker> waker_;
  bool ours_ = false;
  std::string peer_name_;
  Cut cut_ = Cut::kNo;
  std::unordered_map<std::uint64_t, One> all_;
  std::deque<std::uint64_t> ready_;     // to be looked at
  std::vector<std::uint64_t> resting_;  // of older peers, see Rest
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_SUBSCRIPTIONS_H_
