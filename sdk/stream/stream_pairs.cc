#include "coffer/sdk/stream/stream_pairs.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>

#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/stream/tls/ssl.h"
#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/sdk/stream/tls/tls_handshake.h"
#include "coffer/sdk/stream/tls/tls_stream_traits.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/tls/test_certificates.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

// Far below kManyBytes; unset, a socket's buffers grow to megabytes.
template <class SocketOrAcceptor>
void LimitBuffers(SocketOrAcceptor& socket) {
  using boost::asio::socket_base;
  socket.set_option(socket_base::send_buffer_size(64 << 10));
  socket.set_option(socket_base::receive_buffer_size(64 << 10));
}

struct TcpPair {
  using Stream = boost::asio::ip::tcp::socket;
  static constexpr std::size_t kManyBytes = 1 << 20;

  static std::pair<Stream, Stream> Make(boost::asio::io_context& io) {
    using boost::asio::ip::tcp;
    tcp::acceptor acceptor(
        io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    LimitBuffers(acceptor);  // the accepted socket has them from it
    tcp::socket client(io, tcp::v4());
    LimitBuffers(client);
    tcp::socket server(io);
    client.connect(acceptor.local_endpoint());
    acceptor.accept(server);
    return {std::move(client), std::move(server)};
  }
};

struct UnixPair {
  using Stream = boost::asio::local::stream_protocol::socket;
  static constexpr std::size_t kManyBytes = 1 << 20;

  static std::pair<Stream, Stream> Make(boost::asio::io_context& io) {
    std::pair<Stream, Stream> ends{Stream(io), Stream(io)};
    boost::asio::local::connect_pair(ends.first, ends.second);
    LimitBuffers(ends.first);
    LimitBuffers(ends.second);
    return ends;
  }
};

template <std::size_t kCapacity>
struct PipePair {
  using Stream = coffer_testing::MemoryPipe;
  static constexpr std::size_t kManyBytes = kCapacity < 1000 ? 3000 : 1 << 20;

  static std::pair<Stream, Stream> Make(boost::asio::io_context& io) {
    return coffer_testing::MakeMemoryPipe(io.get_executor(),
                                          {.capacity = kCapacity});
  }
};

template <class Below>
struct TlsPair {
  using Stream = TlsStream<typename Below::Stream>;
  static constexpr std::size_t kManyBytes = Below::kManyBytes;

  static std::pair<Stream, Stream> Make(boost::asio::io_context& io) {
    static const auto contexts = MakeContexts();
    auto [client_below, server_below] = Below::Make(io);
    std::pair<Stream, Stream> ends{
        Stream(std::move(client_below), *contexts.first),
        Stream(std::move(server_below), *contexts.second)};
    int done = 0;
    auto finished = [&done](absl::Status status) {
      EXPECT_TRUE(status.ok()) << status;
      ++done;
    };
    TlsHandshakeOptions options;
    options.server_name = "localhost";
    AsyncTlsHandshake(ends.first, options, Clock::System(), finished);
    options.role = TlsRole::kServer;
    AsyncTlsHandshake(ends.second, options, Clock::System(), finished);
    io.restart();
    while (done < 2 && io.run_one() > 0) {
    }
    return ends;
  }

 private:
  static std::pair<std::shared_ptr<TlsContext>, std::shared_ptr<TlsContext>>
  MakeContexts() {
    auto client = MakeTlsClientContext(coffer_testing::TestTlsClientOptions());
    auto server = MakeTlsServerContext(coffer_testing::TestTlsServerOptions());
    EXPECT_TRUE(client.ok()) << client.status();
    EXPECT_TRUE(server.ok()) << server.status();
    return {*client, *server};
  }
};

template <class Pair>
StreamPairKind Kind(std::string name) {
  return {std::move(name), Pair::kManyBytes, [](boost::asio::io_context& io) {
            auto [client, server] = Pair::Make(io);
            return std::pair(AnyStream(std::move(client)),
                             AnyStream(std::move(server)));
          }};
}

}  // namespace

std::vector<StreamPairKind> StreamPairKinds() {
  return {Kind<TcpPair>("Tcp"),
          Kind<UnixPair>("Unix"),
          Kind<PipePair<65536>>("Pipe"),
          Kind<PipePair<1>>("OneBytePipe"),
          Kind<TlsPair<TcpPair>>("TlsOverTcp"),
          Kind<TlsPair<PipePair<65536>>>("TlsOverPipe"),
          Kind<TlsPair<PipePair<7>>>("TlsOverNarrowPipe")};
}

}  // namespace coffer
