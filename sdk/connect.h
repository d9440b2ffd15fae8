// Connect, ConnectTls: from "host:port" to a client stream that is ready to
// Execute, Hello included.
//
//   auto client = co_await coffer::Connect(executor, "localhost:9527");
//   if (!client.ok()) co_return client.status();
//
// All addresses of the host are tried in the resolver's order; one that does
// not answer takes up no more than its share of the time. Completion: any token
// (use_awaitable by default), once, never inside the call, with absl::StatusOr
// of the stream. Cancellation: every type; Cancelled. Errors: Unavailable: no
// such host, nobody listens, the peer went away; DeadlineExceeded: not done
// within the timeout; Unauthenticated and others of AsyncTlsHandshake: the
// handshake failed, with the reason.
//
// Of a peer that vanishes without a word, which TCP by itself does not notice,
// the connection is broken after two minutes (sdk/internal/keep_alive.h).
//
// The system's name look-up runs on a thread of Asio's and cannot be stopped: a
// Connect that gives up on it completes in time, but the look-up is work of the
// io_context until it ends, and later look-ups of the same io_context, which
// has one such thread, wait for it.

#ifndef COFFER_SDK_CONNECT_H_
#define COFFER_SDK_CONNECT_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/dialer.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/stream/any_stream.h"
#include "coffer/sdk/stream/client_stream.h"
#include "coffer/sdk/stream/tls/ssl.h"
#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/sdk/stream/tls/tls_stream_traits.h"

namespace coffer {

using TcpClient = ClientStream<boost::asio::ip::tcp::socket>;
using TlsClient = ClientStream<TlsStream<boost::asio::ip::tcp::socket>>;
using AnyClient = ClientStream<AnyStream>;

struct ConnectOptions {
  // Not an aggregate on purpose: g++ 12 miscompiles a braced {.timeout = ...}
  // inside a co_await expression. Name the options first.
  ConnectOptions() {}

  ClientStreamOptions stream;

  // False: no Hello; the peer is taken for one of the older protocol.
  bool say_hello = true;

  // ConnectTls: the name or address that the server's certificate must be for;
  // empty is the host of the target.
  std::string server_name;

  // For everything together: resolving, connecting, TLS, Hello. 0 or less: no
  // limit for any of it. Unset: kConnectTimeoutDefault; of a dialer: what its
  // caller has (ConnectionOptions::connect_timeout), which is the limit of a
  // longer one too.
  std::optional<std::chrono::milliseconds> timeout;
  Clock* clock = &Clock::System();
};

inline constexpr std::chrono::seconds kConnectTimeoutDefault(10);

namespace internal {
boost::asio::awaitable<absl::StatusOr<TcpClient>> ConnectTcp(
    std::string target, ConnectOptions options);
boost::asio::awaitable<absl::StatusOr<TlsClient>> ConnectTlsTcp(
    std::string target, std::shared_ptr<TlsContext> context,
    ConnectOptions options);
boost::asio::awaitable<absl::StatusOr<AnyClient>> ConnectBy(
    Dialer* dialer, ConnectOptions options);
}  // namespace internal

template <class Token = boost::asio::use_awaitable_t<>>
auto Connect(boost::asio::any_io_executor executor, std::string target,
             ConnectOptions options = ConnectOptions(),
             Token&& token = Token()) {
  return internal::Spawn<absl::StatusOr<TcpClient>>(
      executor,
      [target = std::move(target), options = std::move(options)] {
        return internal::ConnectTcp(target, options);
      },
      std::forward<Token>(token));
}

// `context` is made once by MakeTlsClientContext, for any number of
// connections.
template <class Token = boost::asio::use_awaitable_t<>>
auto ConnectTls(boost::asio::any_io_executor executor, std::string target,
                std::shared_ptr<TlsContext> context,
                ConnectOptions options = ConnectOptions(),
                Token&& token = Token()) {
  return internal::Spawn<absl::StatusOr<TlsClient>>(
      executor,
      [target = std::move(target), context = std::move(context),
       options = std::move(options)] {
        return internal::ConnectTlsTcp(target, context, options);
      },
      std::forward<Token>(token));
}

// Over what `dialer` dials, which is kept by the caller until then. The
// server_name is the dialer's to know.
template <class Token = boost::asio::use_awaitable_t<>>
auto Connect(boost::asio::any_io_executor executor, Dialer& dialer,
             ConnectOptions options = ConnectOptions(),
             Token&& token = Token()) {
  return internal::Spawn<absl::StatusOr<AnyClient>>(
      executor,
      [dialer = &dialer, options = std::move(options)] {
        return internal::ConnectBy(dialer, options);
      },
      std::forward<Token>(token));
}

// Dialers to "host:port". Of the options they use timeout, clock and
// server_name; what is not a target is told when dialing.
std::unique_ptr<Dialer> MakeTcpDialer(
    std::string target, ConnectOptions options = ConnectOptions());
std::unique_ptr<Dialer> MakeTlsDialer(
    std::string target, std::shared_ptr<TlsContext> context,
    ConnectOptions options = ConnectOptions());

}  // namespace coffer

#endif  // COFFER_SDK_CONNECT_H_
