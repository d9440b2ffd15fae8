// AnyStream keeps the contract of what it holds: over a pipe, TCP and TLS.

#include "coffer/sdk/stream/any_stream.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/sdk/stream/tls/tls_stream_traits.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/stream_conformance.h"
#include "coffer/testing/tls/test_certificates.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

void ShutDownSend(asio::io_context& io, AnyStream& stream) {
  std::optional<error_code> done;
  StreamTraits<AnyStream>::AsyncShutdownSend(
      stream, [&](error_code error) { done = error; });
  EXPECT_FALSE(done) << "completed in the initiating function";
  io.restart();
  while (!done && io.run_one() > 0) {
  }
  EXPECT_EQ(done, error_code());
}

struct AnyTraits {
  using Stream = AnyStream;
  static constexpr size_t kBulkBytes = 300000;
  static constexpr bool kIsLayer = false;

  static void Close(Stream& stream) { stream.close(); }
  static void Cancel(Stream& stream) { stream.cancel(); }
  static void ShutdownSend(Stream& stream) {
    // Sockets and pipes do so at once, and only tell later.
    StreamTraits<AnyStream>::AsyncShutdownSend(
        stream, [](error_code error) { EXPECT_FALSE(error); });
  }
  static bool IsEnd(error_code error) { return error == asio::error::eof; }
};

struct AnyPipe : AnyTraits {
  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    auto ends = coffer_testing::MakeMemoryPipe(io.get_executor());
    return {Stream(std::move(ends.first)), Stream(std::move(ends.second))};
  }
};

struct AnyTcp : AnyTraits {
  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    tcp::socket client(io);
    client.connect(acceptor.local_endpoint());
    return {Stream(std::move(client)), Stream(acceptor.accept())};
  }
};

struct AnyTls : AnyTraits {
  static constexpr bool kIsLayer = true;

  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    using Tls = TlsStream<coffer_testing::MemoryPipe>;
    const auto client =
        MakeTlsClientContext(coffer_testing::TestTlsClientOptions());
    const auto server =
        MakeTlsServerContext(coffer_testing::TestTlsServerOptions());
    auto lower = coffer_testing::MakeMemoryPipe(io.get_executor());
    Tls near(std::move(lower.first), **client);
    Tls far(std::move(lower.second), **server);
    int done = 0;
    const auto count = [&](error_code error) {
      EXPECT_FALSE(error) << error.message();
      ++done;
    };
    near.async_handshake(asio::ssl::stream_base::client, count);
    far.async_handshake(asio::ssl::stream_base::server, count);
    io.restart();
    while (done < 2 && io.run_one() > 0) {
    }
    return {Stream(std::move(near)), Stream(std::move(far))};
  }
  static bool IsEnd(error_code error) {
    return error == asio::ssl::error::stream_truncated;
  }
};

}  // namespace
}  // namespace coffer

// Where the suite is.
namespace coffer_testing {
INSTANTIATE_TYPED_TEST_SUITE_P(Pipe, StreamConformance, coffer::AnyPipe);
INSTANTIATE_TYPED_TEST_SUITE_P(Tcp, StreamConformance, coffer::AnyTcp);
INSTANTIATE_TYPED_TEST_SUITE_P(Tls, StreamConformance, coffer::AnyTls);
}  // namespace coffer_testing

namespace coffer {
namespace {

TEST(AnyStreamTest, EndsSendingAsWhatItHoldsDoes) {
  asio::io_context io;
  auto ends = AnyTls::Connect(io);
  ShutDownSend(io, ends.first);
  std::array<char, 4> buffer;
  std::optional<error_code> read;
  ends.second.async_read_some(asio::buffer(buffer),
                              [&](error_code error, size_t) { read = error; });
  io.restart();
  while (!read && io.run_one() > 0) {
  }
  EXPECT_EQ(read, error_code(asio::error::eof)) << "not a truncated stream";
}

// Of buffers beyond the limit nothing is lost: the rest is a transfer of its
// own.
TEST(AnyStreamTest, MoreBuffersThanPassAtOnce) {
  asio::io_context io;
  auto ends = AnyPipe::Connect(io);
  const std::string letters = "abcdefghijklmnopqrstuvwxyz";
  std::vector<asio::const_buffer> buffers;
  for (const char& letter : letters) {
    buffers.push_back(asio::const_buffer());
    buffers.push_back(asio::buffer(&letter, 1));
  }
  std::optional<size_t> first, rest;
  ends.first.async_write_some(buffers,
                              [&](error_code, size_t bytes) { first = bytes; });
  io.run();
  EXPECT_EQ(first, kAnyStreamBuffersMax);
  asio::async_write(ends.first, buffers,
                    [&](error_code, size_t bytes) { rest = bytes; });
  io.restart();
  io.run();
  EXPECT_EQ(rest, letters.size());
}

TEST(AnyStreamTest, IsMovedWithWhatItHolds) {
  asio::io_context io;
  auto ends = AnyPipe::Connect(io);
  AnyStream moved = std::move(ends.first);
  ends.first = std::move(moved);
  std::string got(2, '.');
  asio::async_write(ends.first, asio::buffer("ab", 2), [](auto...) {});
  asio::async_read(ends.second, asio::buffer(got), [](auto...) {});
  io.run();
  EXPECT_EQ(got, "ab");
}

}  // namespace
}  // namespace coffer
