// What the tests of TLS share: two connected TLS streams over a transport of
// the test's choice, and a handshake of both at once.

#ifndef COFFER_SDK_STREAM_TLS_TLS_TEST_UTIL_H_
#define COFFER_SDK_STREAM_TLS_TLS_TEST_UTIL_H_

#include <openssl/ssl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/sdk/stream/tls/ssl.h"
#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/sdk/stream/tls/tls_handshake.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/tls/test_certificates.h"

namespace coffer::tls_test {

using Socket = boost::asio::ip::tcp::socket;
using Pipe = coffer_testing::MemoryPipe;
using ContextPtr = std::shared_ptr<TlsContext>;

inline ContextPtr ServerContext(
    const TlsServerOptions& options = coffer_testing::TestTlsServerOptions()) {
  auto context = MakeTlsServerContext(options);
  COFFER_ASSERT(context.ok());
  return *std::move(context);
}

inline ContextPtr ClientContext(
    const TlsClientOptions& options = coffer_testing::TestTlsClientOptions()) {
  auto context = MakeTlsClientContext(options);
  COFFER_ASSERT(context.ok());
  return *std::move(context);
}

// Two connected transports; the first is the server's.
template <class Transport>
std::pair<Transport, Transport> Connect(boost::asio::io_context& io);

template <>
inline std::pair<Pipe, Pipe> Connect<Pipe>(boost::asio::io_context& io) {
  return coffer_testing::MakeMemoryPipe(io.get_executor());
}

template <>
inline std::pair<Socket, Socket> Connect<Socket>(boost::asio::io_context& io) {
  using boost::asio::ip::tcp;
  tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), 0});
  Socket client(io);
  client.connect(acceptor.local_endpoint());
  Socket server = acceptor.accept();
  return {std::move(server), std::move(client)};
}

inline TlsHandshakeOptions AsServer() {
  TlsHandshakeOptions options;
  options.role = TlsRole::kServer;
  return options;
}

inline TlsHandshakeOptions AsClient(std::string server_name = "localhost") {
  TlsHandshakeOptions options;
  options.role = TlsRole::kClient;
  options.server_name = std::move(server_name);
  return options;
}

// A connection whose two sides live in one io_context. No time passes in it.
template <class Transport>
struct Connection {
  Connection(ContextPtr for_server, ContextPtr for_client)
      : Connection(std::move(for_server), std::move(for_client),
                   std::make_unique<boost::asio::io_context>()) {}

  // Runs until nothing is left to do.
  void Run() {
    io->restart();
    io->run();
  }

  // Both handshakes. A side that fails closes, as its owner would.
  void Handshake(TlsHandshakeOptions client_options = AsClient()) {
    AsyncTlsHandshake(server, AsServer(), clock, [this](absl::Status status) {
      Record(server_status, server, std::move(status));
    });
    AsyncTlsHandshake(client, std::move(client_options), clock,
                      [this](absl::Status status) {
                        Record(client_status, client, std::move(status));
                      });
    Run();
  }

  static void Record(absl::Status& to, TlsStream<Transport>& stream,
                     absl::Status status) {
    COFFER_ASSERT(to == absl::UnknownError("no handshake"));
    to = std::move(status);
    if (!to.ok()) {
      boost::system::error_code ignored;
      stream.lowest_layer().close(ignored);
    }
  }

  SSL* server_ssl() { return server.native_handle(); }
  SSL* client_ssl() { return client.native_handle(); }

  std::unique_ptr<boost::asio::io_context> io;
  coffer_testing::ManualClock clock;
  ContextPtr server_context;
  ContextPtr client_context;
  TlsStream<Transport> server;
  TlsStream<Transport> client;
  absl::Status server_status = absl::UnknownError("no handshake");
  absl::Status client_status = absl::UnknownError("no handshake");

 private:
  Connection(ContextPtr for_server, ContextPtr for_client,
             std::unique_ptr<boost::asio::io_context> own_io)
      : Connection(std::move(for_server), std::move(for_client),
                   Connect<Transport>(*own_io), std::move(own_io)) {}

  Connection(ContextPtr for_server, ContextPtr for_client,
             std::pair<Transport, Transport> transports,
             std::unique_ptr<boost::asio::io_context>&& own_io)
      : io(std::move(own_io)),
        server_context(std::move(for_server)),
        client_context(std::move(for_client)),
        server(std::move(transports.first), *server_context),
        client(std::move(transports.second), *client_context) {}
};

}  // namespace coffer::tls_test

#endif  // COFFER_SDK_STREAM_TLS_TLS_TEST_UTIL_H_
