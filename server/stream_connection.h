// StartConnectionOn: serves on a stream of any kind, as a Connection: a socket,
// TLS over one, a test double. TLS shakes hands first.

#ifndef COFFER_SERVER_STREAM_CONNECTION_H_
#define COFFER_SERVER_STREAM_CONNECTION_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/stream/stream_traits.h"
#include "coffer/sdk/stream/tls/ssl.h"
#include "coffer/sdk/stream/tls/tls_handshake.h"
#include "coffer/sdk/stream/tls/tls_stream_traits.h"
#include "coffer/server/connection.h"
#include "coffer/server/limits.h"
#include "coffer/server/log.h"
#include "coffer/server/session/server_stream.h"
#include "coffer/server/session/watchdog.h"

namespace coffer::server {
namespace internal {

// The TLS handshake; nothing to do on a plain stream.
template <class AsyncStream>
boost::asio::awaitable<absl::Status> Handshake(AsyncStream&,
                                               const ConnectionContext&) {
  co_return absl::OkStatus();
}

template <class Next>
boost::asio::awaitable<absl::Status> Handshake(
    TlsStream<Next>& stream, const ConnectionContext& context) {
  TlsHandshakeOptions options;
  options.role = TlsRole::kServer;
  options.timeout = context.limits->handshake_timeout;
  co_return co_await AsyncTlsHandshake(stream, options, *context.clock,
                                       boost::asio::use_awaitable);
}

template <class AsyncStream>
class StreamConnection
    : public Connection,
      public std::enable_shared_from_this<StreamConnection<AsyncStream>> {
 public:
  StreamConnection(AsyncStream transport, std::string peer,
                   ConnectionContext context)
      : context_(std::move(context)),
        peer_(std::move(peer)),
        transport_(std::move(transport)),
        timer_(context_.clock->MakeTimer(transport_->get_executor())),
        watchdog_(*context_.limits) {}

  void Start() {
    auto self = this->shared_from_this();
    context_.connections->insert(self);
    Log(LogLevel::kDebug, "connection opened", {{"peer", peer_}});
    try {
      coffer::internal::Spawn<absl::Status>(
          transport_->get_executor(), [self] { return self->Run(); },
          [self](absl::Status status) { self->Closed(std::move(status)); });
    } catch (...) {
      context_.connections->erase(self);
      throw;
    }
  }

  void Drain() override {
    if (stream_.has_value()) {
      stream_->Drain();
    } else {
      Abort();
    }
  }

  void Abort() override {
    if (transport_.has_value()) {
      StreamTraits<AsyncStream>::Close(*transport_);
    } else if (stream_.has_value()) {
      StreamTraits<AsyncStream>::Close(stream_->next_layer());
    }
  }

 private:
  boost::asio::awaitable<absl::Status> Run() {
    absl::Status greeted = co_await Handshake(*transport_, context_);
    if (!greeted.ok()) co_return greeted;
    stream_.emplace(*std::move(transport_), context_.service, *context_.limits,
                    context_.clock);
    stream_->set_peer_name(peer_);
    transport_.reset();
    Watch();
    co_return co_await stream_->Process(boost::asio::use_awaitable);
  }

  // Looks at the session again and again until it is over.
  void Watch() {
    const Clock::Duration period = Watchdog::Period(*context_.limits);
    if (period == Clock::Duration::zero()) return;
    auto self = this->shared_from_this();
    timer_->AsyncWaitUntil(context_.clock->Now() + period,
                           [self](boost::system::error_code error) {
                             if (!error && !self->closed_) self->Look();
                           });
  }

  void Look() {
    const Watchdog::Verdict verdict =
        watchdog_.Look(stream_->progress(), context_.clock->Now());
    if (verdict == Watchdog::Verdict::kGoOn) return Watch();
    reason_ = std::string(Watchdog::Reason(verdict));
    Abort();
  }

  void Closed(absl::Status status) {
    closed_ = true;
    timer_->Cancel();
    // That a peer leaves is everyday life; that it was made to is not.
    const bool notable =
        !reason_.empty() || !(status.ok() || absl::IsUnavailable(status));
    if (reason_.empty()) {
      reason_ = status.ok() ? "end of stream" : std::string(status.message());
    }
    Log(notable ? LogLevel::kInfo : LogLevel::kDebug, "connection closed",
        {{"peer", peer_}, {"reason", reason_}});
    stream_.reset();
    transport_.reset();
    auto on_closed = std::move(context_.on_closed);
    context_.connections->erase(this->shared_from_this());
    on_closed();
  }

  ConnectionContext context_;
  const std::string peer_;
  // During the handshake; then the session has it.
  std::optional<AsyncStream> transport_;
  std::optional<ServerStream<AsyncStream>> stream_;
  const std::unique_ptr<Timer> timer_;
  Watchdog watchdog_;
  std::string reason_;  // why the watchdog ended it
  bool closed_ = false;
};

}  // namespace internal

// `peer` names it in the log. Returns the connection, which is in
// context.connections until it is over. Throws as StartConnection does.
template <class AsyncStream>
std::shared_ptr<Connection> StartConnectionOn(AsyncStream transport,
                                              std::string peer,
                                              ConnectionContext context) {
  auto connection = std::make_shared<internal::StreamConnection<AsyncStream>>(
      std::move(transport), std::move(peer), std::move(context));
  connection->Start();
  return connection;
}

}  // namespace coffer::server

#endif  // COFFER_SERVER_STREAM_CONNECTION_H_
