// The suite over the doubles, and over what they stand for.

#include "coffer/testing/stream_conformance.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/ssl.hpp>
#include <utility>

#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/tls/test_certificates.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Sockets and doubles alike.
template <class StreamType>
struct SocketTraits {
  using Stream = StreamType;
  static constexpr bool kIsLayer = false;
  static constexpr size_t kBulkBytes = 300000;

  static void Close(Stream& stream) { stream.close(); }
  static void Cancel(Stream& stream) { stream.cancel(); }
  static void ShutdownSend(Stream& stream) {
    error_code error;
    stream.shutdown(asio::socket_base::shutdown_send, error);
    EXPECT_FALSE(error) << error.message();
  }
  static bool IsEnd(error_code error) { return error == asio::error::eof; }
};

struct TcpTraits : SocketTraits<tcp::socket> {
  static void Reset(Stream& stream) {
    stream.set_option(asio::socket_base::linger(true, 0));
    stream.close();
  }
  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    tcp::socket client(io);
    client.connect(acceptor.local_endpoint());
    return {std::move(client), acceptor.accept()};
  }
};

struct UnixTraits : SocketTraits<asio::local::stream_protocol::socket> {
  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    std::pair<Stream, Stream> ends{Stream(io), Stream(io)};
    asio::local::connect_pair(ends.first, ends.second);
    return ends;
  }
};

template <size_t kCapacity, TransferMode kTransferOfPipe>
struct PipeTraits : SocketTraits<MemoryPipe> {
  static constexpr size_t kBulkBytes = 3 * kCapacity + 1000;
  static constexpr bool kReportsOverlap = true;
  static constexpr bool kInMemory = true;
  static constexpr TransferMode kTransfer = kTransferOfPipe;

  static void Reset(Stream& stream) { stream.reset(); }
  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    return MakeMemoryPipe(io.get_executor(),
                          {.capacity = kCapacity, .transfer = kTransferOfPipe});
  }
};

template <class LowerTraits>
struct TlsTraits {
  using Stream = asio::ssl::stream<typename LowerTraits::Stream>;
  static constexpr bool kIsLayer = true;
  static constexpr size_t kBulkBytes = LowerTraits::kBulkBytes;

  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    const auto client = coffer::MakeTlsClientContext(TestTlsClientOptions());
    const auto server = coffer::MakeTlsServerContext(TestTlsServerOptions());
    auto lower = LowerTraits::Connect(io);
    std::pair<Stream, Stream> ends{Stream(std::move(lower.first), **client),
                                   Stream(std::move(lower.second), **server)};
    int done = 0;
    const auto count = [&](error_code error) {
      EXPECT_FALSE(error) << error.message();
      ++done;
    };
    ends.first.async_handshake(asio::ssl::stream_base::client, count);
    ends.second.async_handshake(asio::ssl::stream_base::server, count);
    io.restart();
    while (done < 2 && io.run_one() > 0) {
    }
    EXPECT_EQ(done, 2);
    return ends;
  }
  static void Close(Stream& stream) { stream.lowest_layer().close(); }
  static void Cancel(Stream& stream) { stream.lowest_layer().cancel(); }
  // Closed without the alert that ends a TLS connection.
  static bool IsEnd(error_code error) {
    return error == asio::ssl::error::stream_truncated;
  }
};

using Pipe = PipeTraits<64 * 1024, TransferMode::kLate>;
using EarlyPipe = PipeTraits<64 * 1024, TransferMode::kEarly>;
using OneBytePipe = PipeTraits<1, TransferMode::kLate>;
using EarlyOneBytePipe = PipeTraits<1, TransferMode::kEarly>;

INSTANTIATE_TYPED_TEST_SUITE_P(MemoryPipe, StreamConformance, Pipe);
INSTANTIATE_TYPED_TEST_SUITE_P(EarlyMemoryPipe, StreamConformance, EarlyPipe);
INSTANTIATE_TYPED_TEST_SUITE_P(OneByteMemoryPipe, StreamConformance,
                               OneBytePipe);
INSTANTIATE_TYPED_TEST_SUITE_P(EarlyOneByteMemoryPipe, StreamConformance,
                               EarlyOneBytePipe);
INSTANTIATE_TYPED_TEST_SUITE_P(Tcp, StreamConformance, TcpTraits);
INSTANTIATE_TYPED_TEST_SUITE_P(UnixSocket, StreamConformance, UnixTraits);
INSTANTIATE_TYPED_TEST_SUITE_P(TlsOverMemoryPipe, StreamConformance,
                               TlsTraits<Pipe>);
INSTANTIATE_TYPED_TEST_SUITE_P(TlsOverTcp, StreamConformance,
                               TlsTraits<TcpTraits>);

}  // namespace
}  // namespace coffer_testing
