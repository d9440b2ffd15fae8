// A TranscriptStream keeps the contract of what it holds.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>
#include <memory>
#include <utility>

#include "coffer/testing/manual_clock.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/stream_conformance.h"
#include "coffer/testing/transcript/transcript.h"
#include "coffer/testing/transcript/transcript_stream.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

std::pair<MemoryPipe, MemoryPipe> Connect(asio::io_context& io, MemoryPipe*) {
  return MakeMemoryPipe(io.get_executor());
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
  static constexpr bool kReportsOverlap = true;
  static constexpr bool kInMemory = true;
  static constexpr TransferMode kTransfer = TransferMode::kLate;
};

template <class Next>
struct NotedTraits : OfNext<Next> {
  using Stream = TranscriptStream<Next>;
  static constexpr bool kIsLayer = false;
  static constexpr size_t kBulkBytes = 300000;

  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    static ManualClock clock;
    Transcript transcript(clock);
    auto ends = coffer_testing::Connect(io, static_cast<Next*>(nullptr));
    return {Stream(std::move(ends.first), transcript.Bytes("a")),
            Stream(std::move(ends.second), transcript.Bytes("b"))};
  }
  static void Close(Stream& stream) { stream.close(); }
  static void Reset(Stream& stream) {
    coffer_testing::Reset(stream.next_layer());
  }
  static void Cancel(Stream& stream) { stream.cancel(); }
  static void ShutdownSend(Stream& stream) {
    boost::system::error_code error;
    stream.shutdown(asio::socket_base::shutdown_send, error);
    EXPECT_FALSE(error) << error.message();
  }
  static bool IsEnd(boost::system::error_code error) {
    return error == asio::error::eof;
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Pipe, StreamConformance,
                               NotedTraits<MemoryPipe>);
INSTANTIATE_TYPED_TEST_SUITE_P(Tcp, StreamConformance,
                               NotedTraits<tcp::socket>);

}  // namespace
}  // namespace coffer_testing
