// A FaultStream keeps the contract of streams: without faults, with all
// operations split, over TCP, over TLS and below it.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/ssl.hpp>
#include <utility>

#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/stream_conformance.h"
#include "coffer/testing/tls/test_certificates.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct NoFaults {
  static FaultPlan Plan() { return FaultPlan(); }
};
struct OneByte {
  static FaultPlan Plan() {
    return FaultPlan()
        .SplitReads(SplitPolicy::OneByte())
        .SplitWrites(SplitPolicy::OneByte());
  }
};
struct AnySize {
  static FaultPlan Plan() {
    return FaultPlan()
        .SplitReads(SplitPolicy::Seeded(1))
        .SplitWrites(SplitPolicy::Seeded(2));
  }
};

std::pair<MemoryPipe, MemoryPipe> Connect(asio::io_context& io, MemoryPipe*) {
  return MakeMemoryPipe(io.get_executor(), {.capacity = 1000});
}

std::pair<tcp::socket, tcp::socket> Connect(asio::io_context& io,
                                            tcp::socket*) {
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  tcp::socket client(io);
  client.connect(acceptor.local_endpoint());
  return {std::move(client), acceptor.accept()};
}

void Reset(MemoryPipe& pipe) { pipe.reset(); }
void Reset(tcp::socket& socket) {
  socket.set_option(asio::socket_base::linger(true, 0));
  socket.close();
}

// What a double keeps and a socket does not.
template <class Next>
struct OfNext {};
template <>
struct OfNext<MemoryPipe> {
  static constexpr bool kInMemory = true;
  static constexpr TransferMode kTransfer = TransferMode::kLate;
};

template <class Next, class Plan>
struct FaultTraits : OfNext<Next> {
  using Stream = FaultStream<Next>;
  static constexpr bool kIsLayer = false;
  static constexpr size_t kBulkBytes = 20000;
  static constexpr bool kReportsOverlap = true;

  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    auto ends = coffer_testing::Connect(io, static_cast<Next*>(nullptr));
    return {Stream(std::move(ends.first), Plan::Plan()),
            Stream(std::move(ends.second), Plan::Plan())};
  }
  static void Close(Stream& stream) { stream.close(); }
  static void Reset(Stream& stream) {
    coffer_testing::Reset(stream.next_layer());
  }
  static void Cancel(Stream& stream) { stream.cancel(); }
  static void ShutdownSend(Stream& stream) {
    error_code error;
    stream.shutdown(asio::socket_base::shutdown_send, error);
    EXPECT_FALSE(error) << error.message();
  }
  static bool IsEnd(error_code error) { return error == asio::error::eof; }
};

template <class Stream>
void Handshake(asio::io_context& io, Stream& client, Stream& server) {
  int done = 0;
  const auto count = [&](error_code error) {
    EXPECT_FALSE(error) << error.message();
    ++done;
  };
  client.async_handshake(asio::ssl::stream_base::client, count);
  server.async_handshake(asio::ssl::stream_base::server, count);
  io.restart();
  while (done < 2 && io.run_one() > 0) {
  }
  EXPECT_EQ(done, 2);
}

template <class StreamType>
struct LayerTraits {
  using Stream = StreamType;
  static constexpr bool kIsLayer = true;
  static constexpr size_t kBulkBytes = 20000;

  static void Close(Stream& stream) { stream.lowest_layer().close(); }
  static void Cancel(Stream& stream) { stream.lowest_layer().cancel(); }
  static bool IsEnd(error_code error) {
    return error == asio::ssl::error::stream_truncated;
  }
};

// TLS whose records come in pieces.
struct TlsOverFaultsTraits
    : LayerTraits<asio::ssl::stream<FaultStream<MemoryPipe>>> {
  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    const auto client = coffer::MakeTlsClientContext(TestTlsClientOptions());
    const auto server = coffer::MakeTlsServerContext(TestTlsServerOptions());
    auto lower = MakeMemoryPipe(io.get_executor());
    std::pair<Stream, Stream> ends{
        Stream(FaultStream(std::move(lower.first), AnySize::Plan()), **client),
        Stream(FaultStream(std::move(lower.second), AnySize::Plan()),
               **server)};
    Handshake(io, ends.first, ends.second);
    return ends;
  }
};

// TLS that gives and takes its bytes in pieces.
struct FaultsOverTlsTraits
    : LayerTraits<FaultStream<asio::ssl::stream<MemoryPipe>>> {
  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    using Tls = asio::ssl::stream<MemoryPipe>;
    const auto client = coffer::MakeTlsClientContext(TestTlsClientOptions());
    const auto server = coffer::MakeTlsServerContext(TestTlsServerOptions());
    auto lower = MakeMemoryPipe(io.get_executor());
    Tls near(std::move(lower.first), **client);
    Tls far(std::move(lower.second), **server);
    Handshake(io, near, far);
    return {Stream(std::move(near), AnySize::Plan()),
            Stream(std::move(far), AnySize::Plan())};
  }
};

using PipeWithoutFaults = FaultTraits<MemoryPipe, NoFaults>;
using PipeByteByByte = FaultTraits<MemoryPipe, OneByte>;
using PipeInAnySize = FaultTraits<MemoryPipe, AnySize>;
using TcpWithoutFaults = FaultTraits<tcp::socket, NoFaults>;
using TcpInAnySize = FaultTraits<tcp::socket, AnySize>;

INSTANTIATE_TYPED_TEST_SUITE_P(Pipe, StreamConformance, PipeWithoutFaults);
INSTANTIATE_TYPED_TEST_SUITE_P(PipeByteByByte, StreamConformance,
                               PipeByteByByte);
INSTANTIATE_TYPED_TEST_SUITE_P(PipeInAnySize, StreamConformance, PipeInAnySize);
INSTANTIATE_TYPED_TEST_SUITE_P(Tcp, StreamConformance, TcpWithoutFaults);
INSTANTIATE_TYPED_TEST_SUITE_P(TcpInAnySize, StreamConformance, TcpInAnySize);
INSTANTIATE_TYPED_TEST_SUITE_P(TlsOverFaults, StreamConformance,
                               TlsOverFaultsTraits);
INSTANTIATE_TYPED_TEST_SUITE_P(FaultsOverTls, StreamConformance,
                               FaultsOverTlsTraits);

}  // namespace
}  // namespace coffer_testing
