// MuxCore: what a MuxConnection is made of: the calls, the loop that keeps a
// session under them, their deadlines. It lives as long as its connection or
// any of its work does.
//
// The cores of a connection know each other, so that calls do not wait at one
// that cannot connect while another is connected.
//
// Threads: Execute, Subscribe, Close, Stop and what tells of its state from
// any; all else happens on the executor.

#ifndef COFFER_SDK_CONNECTION_MUX_CORE_H_
#define COFFER_SDK_CONNECTION_MUX_CORE_H_

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/connection.h"
#include "coffer/sdk/connection/attempt_note.h"
#include "coffer/sdk/connection/client_identity.h"
#include "coffer/sdk/connection/multiplexer.h"
#include "coffer/sdk/connection/mux_session.h"
#include "coffer/sdk/connection/reconnect_machine.h"
#include "coffer/sdk/connection/subscriptions.h"
#include "coffer/sdk/connection_options.h"
#include "coffer/sdk/dialer.h"
#include "coffer/sdk/server_info.h"
#include "coffer/sdk/stream/internal/waiter.h"

namespace coffer::internal {

class MuxCore final : public MuxSession::Owner,
                      public SubscriptionLink,
                      public std::enable_shared_from_this<MuxCore> {
 public:
  MuxCore(boost::asio::any_io_executor executor,
          std::vector<std::shared_ptr<Dialer>> dialers,
          ConnectionOptions options, std::shared_ptr<ClientIdentity> identity,
          std::uint64_t seed);
  ~MuxCore();

  // Begins to connect. `others`: the other cores of its connection.
  void Start(std::vector<std::weak_ptr<MuxCore>> others);

  void Execute(v1::CommandRequest request, const CallOptions& options,
               Connection::ExecuteHandler handler);
  // `what`: as Subscriptions::Open.
  void Subscribe(v1::CommandRequest what, const SubscribeOptions& options,
                 Connection::SubscribeHandler handler);
  void Close(Connection::CloseHandler handler);

  // Gives up all that is pending.
  void Stop(absl::Status why);

  // For choosing among connections: how it stands, the better ones first, and
  // calls that were begun and are not over.
  enum class Link { kConnected, kConnecting, kFailing };
  Link link() const { return link_.load(std::memory_order_relaxed); }
  std::size_t calls() const { return calls_.load(std::memory_order_relaxed); }

  // Whether it is connected to a server that must refuse such an attempt.
  bool Refuses(const AttemptNote* note) const {
    const std::uint64_t epoch = epoch_.load(std::memory_order_relaxed);
    return note != nullptr && note->only_epoch != 0 && epoch != 0 &&
           epoch != note->only_epoch;
  }

  // Nullopt: it is not connected.
  std::optional<ServerInfo> server_info() const;

 private:
  using CallPtr = std::unique_ptr<Call>;
  using Response = absl::StatusOr<v1::CommandResponse>;

  // MuxSession::Owner.
  void Answered(CallPtr call, v1::CommandResponse answer) override;
  void Unsendable(CallPtr call, absl::Status why) override;
  void Sent(const Call& call) override;
  void EventCame(v1::CommandResponse event) override;

  // SubscriptionLink.
  void CallServer(v1::CommandRequest request,
                  SubscriptionLink::Answered answered) override;
  void SendControl(v1::CommandRequest message) override;
  absl::Status WhyNoSession() const override { return last_error_; }
  void BreakSession(absl::Status why) override;

  static CallInfo InfoOf(const Call& call);
  CallPtr MakeCall(v1::CommandRequest request, const CallOptions& options,
                   Connection::ExecuteHandler handler);
  void Begin(CallPtr call);
  void BeginClose(PendingHandler<absl::Status> handler);
  // Whether a call may begin now.
  absl::Status Admit() const;
  // A caller's cancellation.
  void Cancel(std::uint64_t id);
  // False: it has no such call.
  bool GiveUp(std::uint64_t id, const absl::Status& why);

  enum class When { kNow, kPosted };
  void Finish(CallPtr call, Response result, When when);
  // `was_sent`: it may have had its effect.
  void Fail(CallPtr call, const absl::Status& why, bool was_sent,
            When when = When::kNow);
  void FailAll(std::vector<CallPtr> calls, const absl::Status& why,
               bool were_sent);

  boost::asio::awaitable<absl::Status> Loop();
  boost::asio::awaitable<ConnectAction> Dial(std::size_t endpoint);
  boost::asio::awaitable<ConnectAction> Serve(OpenedSession opened);
  void BeginSession(OpenedSession opened);
  ConnectAction EndSession(const absl::Status& why);
  void ConnectFailed(const absl::Status& why);
  void SetState(Link link, std::optional<ServerInfo> server);

  // Calls that wait here for a connection go where there is one.
  void HandOver();
  bool Adopt(CallPtr* call);

  void ArmDeadline();
  void ExpireCalls();

  void StopNow(absl::Status why);
  void CheckClosed();
  // The context goes, and all that waits on it.
  void Drop();

  const boost::asio::any_io_executor executor_;
  const std::vector<std::shared_ptr<Dialer>> dialers_;
  const ConnectionOptions options_;
  const std::shared_ptr<ClientIdentity> identity_;
  std::vector<std::weak_ptr<MuxCore>> others_;

  Multiplexer mux_;
  ReconnectMachine reconnect_;
  std::shared_ptr<MuxSession> session_;
  const std::shared_ptr<Subscriptions> subscriptions_;
  // Of the session: it was given calls; it has answered one.
  bool was_asked_ = false;
  bool has_answered_ = false;
  // Why there is no session.
  absl::Status last_error_;

  const std::unique_ptr<Timer> backoff_timer_;
  const std::unique_ptr<Timer> deadline_timer_;
  // What the deadline timer waits for.
  std::optional<Clock::TimePoint> armed_for_;

  std::atomic<Link> link_{Link::kConnecting};
  std::atomic<std::uint64_t> epoch_{0};  // of the server's retries; 0: none
  mutable std::mutex server_mutex_;
  std::optional<ServerInfo> server_;  // guarded by server_mutex_
  std::atomic<std::size_t> calls_{0};
  // Those of Close that wait for the calls to be over.
  std::vector<PendingHandler<absl::Status>> closing_;
  bool closing() const { return !closing_.empty(); }
  bool stopped_ = false;
  absl::Status stopped_why_;
  // Of the loop.
  boost::asio::cancellation_signal stop_;
  // Tells Drop when the context is destroyed.
  const std::shared_ptr<Waiter> context_;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_MUX_CORE_H_
