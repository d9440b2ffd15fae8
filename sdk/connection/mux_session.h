// MuxSession: one live stream under a Multiplexer: sends its queued calls, the
// calls of one wake-up with one write, and takes answers until the stream ends.
//
// It also finds out that the peer is gone (idle_probe.h). What it has done is
// told to its Owner, on the executor, at times inside one of the Owner's own
// calls.
//
// Lifetime: held by shared_ptr; the multiplexer, the options and the owner must
// live until Run has completed, after which none of them is used. Threads: the
// executor's only.

#ifndef COFFER_SDK_CONNECTION_MUX_SESSION_H_
#define COFFER_SDK_CONNECTION_MUX_SESSION_H_

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/connection/client_identity.h"
#include "coffer/sdk/connection/idle_probe.h"
#include "coffer/sdk/connection/multiplexer.h"
#include "coffer/sdk/connection/open_session.h"
#include "coffer/sdk/connection_options.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::internal {

class MuxSession : public std::enable_shared_from_this<MuxSession> {
 public:
  class Owner {
   public:
    // The answer to `call`.
    virtual void Answered(std::unique_ptr<Call> call,
                          v1::CommandResponse answer) = 0;
    // `call` was not sent and cannot be.
    virtual void Unsendable(std::unique_ptr<Call> call, absl::Status why) = 0;
    // Its request was put into the write buffer.
    virtual void Sent(const Call& call) = 0;
    // A message that answers nothing: of a subscription.
    virtual void EventCame(v1::CommandResponse event) = 0;

   protected:
    ~Owner() = default;
  };

  MuxSession(OpenedSession opened, Multiplexer* mux,
             const ConnectionOptions* options, ClientIdentity* identity,
             Owner* owner);

  // Until the stream is over: why. Not to be started twice.
  boost::asio::awaitable<absl::Status> Run();

  // A call was added to the multiplexer: it is sent together with all that are
  // added until the executor's next turn.
  void CallAdded() { SchedulePump(); }

  // Sends a message that has no answer, before the calls that are queued. To a
  // server of the older protocol none is sent.
  void SendControl(v1::CommandRequest message);

  // The same for a request that has one: no limit of calls holds it up, and it
  // is over with the session. `answered` is given its answer, or why it cannot
  // be sent; it is not called if the session ends before.
  using Asked = std::function<void(absl::StatusOr<v1::CommandResponse>)>;
  void Ask(v1::CommandRequest request, Asked answered);

  // Ends it: Run completes with `why`. kFlush: what is in the write buffer is
  // written first, and the stream ended as the protocol wants it, in bounded
  // time.
  enum class How { kAtOnce, kFlush };
  void End(absl::Status why, How how = How::kAtOnce);

  // Unset: a server of the older protocol.
  const std::optional<ServerInfo>& server() const { return server_; }

 private:
  using error_code = boost::system::error_code;

  // Calls it; what it throws ends the session.
  template <class Step>
  void Guarded(Step step);

  void SchedulePump();
  void Pump();
  bool FeedNext(Clock::TimePoint now);
  bool FeedControl();
  bool FeedCall(Call* call, Clock::TimePoint now);
  absl::Status CheckKnown(const Call& call) const;
  absl::Status CheckSize(const Call& call) const;
  absl::Status CheckSendable(const Call& call) const;
  void Flush();
  void Drain();
  void Received(v1::CommandResponse message);
  // Null: it is no request of Ask.
  Asked TakeAsked(std::uint64_t id);
  boost::asio::awaitable<void> Goodbye();

  // Looks at the probe when its time comes.
  void WatchProbe();
  void LookAtProbe();
  ConnectionProgress Progress() const;

  // Null once Run has ended.
  std::unique_ptr<ClientFramedStream> stream_;
  const std::optional<ServerInfo> server_;
  Multiplexer& mux_;
  const ConnectionOptions& options_;
  ClientIdentity& identity_;
  Owner* owner_;

  // Waits for room in the write buffer; at most a few for each call in flight
  // and each subscription.
  std::deque<v1::CommandRequest> control_;
  absl::flat_hash_map<std::uint64_t, Asked> asked_;  // by request id
  bool pump_scheduled_ = false;
  bool flushing_ = false;

  IdleProbe probe_;
  const std::unique_ptr<Timer> probe_timer_;
  std::uint64_t ping_id_ = 0;

  bool over_ = false;
  How how_ = How::kAtOnce;
  absl::Status why_;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_MUX_SESSION_H_
