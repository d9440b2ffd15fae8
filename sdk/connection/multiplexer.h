// Multiplexer: which calls share a connection, and whose each answer is. It
// holds the calls; it does no I/O, calls no handler and has no clock: it is
// told what happened, and gives back the calls that are over.
//
// A call is queued, then sent, then answered. One that goes first stands in a
// queue of its own, and was admitted before: no limit is for it. Those that are
// sent and not answered are bounded, and so are those that are queued. A sent
// call whose caller has gone (its time is over, it was cancelled) is abandoned:
// it stays in flight until its answer comes, which is dropped, so that the
// connection and its other calls lose nothing by it.
//
// Answers come in any order and say whose they are. Those of a server of the
// older protocol do not: they come in the order of the requests
// (set_answers_in_order).
//
// Not thread-safe.

#ifndef COFFER_SDK_CONNECTION_MULTIPLEXER_H_
#define COFFER_SDK_CONNECTION_MULTIPLEXER_H_

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/connection/call.h"

namespace coffer::internal {

struct MultiplexerLimits {
  // Sent and not answered, abandoned ones included.
  std::size_t calls_in_flight_max = 1024;
  // Waiting to be sent. Beyond either a call is refused.
  std::size_t calls_queued_max = 65536;
  std::size_t bytes_queued_max = 64 << 20;
  // Refuse what calls_in_flight_max does not allow, instead of queueing it.
  bool refuse_when_full = false;
};

class Multiplexer {
 public:
  using CallPtr = std::unique_ptr<Call>;

  explicit Multiplexer(const MultiplexerLimits& limits) : limits_(limits) {}
  Multiplexer(const Multiplexer&) = delete;
  Multiplexer& operator=(const Multiplexer&) = delete;
  ~Multiplexer();

  // Queues a call, whose id is not in use, and takes it; or leaves it to the
  // caller and says why (ResourceExhausted).
  absl::Status Add(CallPtr* call);

  // The next queued call, those that go first before the others; sent from now
  // on; null if none may be now. Valid
  // until it is over.
  Call* Send();

  // The call that `answer` is to, or null: its caller is gone. DataLoss: it is
  // to no call that was sent.
  absl::Status Answer(const v1::CommandResponse& answer, CallPtr* call);

  // The caller gives up. Null: the call was over. `was_sent`: it is now
  // abandoned; what is returned has its handler, and its id.
  CallPtr GiveUp(std::uint64_t id, bool* was_sent);

  // A call that was sent turned out not to be sendable: as if never added.
  CallPtr TakeBack(std::uint64_t id);

  // The earliest deadline of a call whose caller waits, and that call.
  std::optional<Clock::TimePoint> next_deadline() const;
  std::uint64_t next_to_expire() const { return by_deadline_.begin()->id; }

  // The connection is gone, and with it every answer: gives the sent calls
  // back, in the order in which they were sent. Queued ones stay.
  std::vector<CallPtr> Lost();

  // Gives all calls back, the sent ones first.
  std::vector<CallPtr> All();

  // Of the connection from now on. Nothing may be in flight.
  void set_answers_in_order(bool in_order);

  std::size_t in_flight() const { return sent_.size(); }
  std::size_t queued() const { return first_.size() + queue_.size(); }
  std::size_t queued_bytes() const { return queued_bytes_; }
  // Whose caller still waits.
  std::size_t waited_for() const { return by_id_.size() - abandoned_; }
  bool may_send() const {
    return queued() > 0 && sent_.size() < limits_.calls_in_flight_max;
  }

 private:
  struct EarlierDeadline {
    bool operator()(const Call& a, const Call& b) const {
      return a.deadline != b.deadline ? a.deadline < b.deadline : a.id < b.id;
    }
  };
  using List = boost::intrusive::list<
      Call, boost::intrusive::member_hook<
                Call, boost::intrusive::list_member_hook<>, &Call::in_order>>;
  using Deadlines = boost::intrusive::set<
      Call,
      boost::intrusive::member_hook<Call, boost::intrusive::set_member_hook<>,
                                    &Call::by_deadline>,
      boost::intrusive::compare<EarlierDeadline>>;
  using Calls = absl::flat_hash_map<std::uint64_t, CallPtr>;

  absl::Status Admit(const Call& call) const;
  // Of one that is queued.
  List& QueueOf(const Call& call) { return call.goes_first ? first_ : queue_; }
  // Off every list.
  CallPtr Remove(Calls::iterator position);
  std::vector<CallPtr> TakeAll(List* list);

  const MultiplexerLimits limits_;
  bool answers_in_order_ = false;
  Calls by_id_;
  List first_;  // queued, ahead of the others, by id: in the order of the calls
  List queue_;
  List sent_;  // in the order of sending
  Deadlines by_deadline_;
  std::size_t queued_bytes_ = 0;
  std::size_t abandoned_ = 0;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_MULTIPLEXER_H_
