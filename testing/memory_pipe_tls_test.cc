// TLS over a pair of pipes, at every capacity that cuts records in another way.

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/tls/test_certificates.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

class MemoryPipeTlsTest
    : public ::testing::TestWithParam<std::tuple<size_t, TransferMode>> {
 protected:
  using TlsStream = ssl::stream<MemoryPipe>;

  asio::io_context io_;
  std::shared_ptr<coffer::TlsContext> client_context_ =
      *coffer::MakeTlsClientContext(TestTlsClientOptions());
  std::shared_ptr<coffer::TlsContext> server_context_ =
      *coffer::MakeTlsServerContext(TestTlsServerOptions());
  std::pair<MemoryPipe, MemoryPipe> pipe_ =
      MakeMemoryPipe(io_.get_executor(), {.capacity = std::get<0>(GetParam()),
                                          .transfer = std::get<1>(GetParam())});
  TlsStream client_{std::move(pipe_.first), *client_context_};
  TlsStream server_{std::move(pipe_.second), *server_context_};
};

INSTANTIATE_TEST_SUITE_P(
    Capacities, MemoryPipeTlsTest,
    ::testing::Combine(::testing::Values(1, 5, 64 * 1024),
                       ::testing::Values(TransferMode::kLate,
                                         TransferMode::kEarly)));

TEST_P(MemoryPipeTlsTest, HandshakeEchoAndCloseNotify) {
  std::string sent(6000, '\0');
  for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i % 253);
  std::string echoed(sent.size(), '\0');
  int finished = 0;
  const auto server = [&]() -> asio::awaitable<void> {
    const auto [failed] =
        co_await server_.async_handshake(ssl::stream_base::server, kTuple);
    EXPECT_FALSE(failed) << failed.message();
    std::array<char, 4096> chunk;
    error_code error;
    while (!error) {
      const auto [read_error, bytes] =
          co_await server_.async_read_some(asio::buffer(chunk), kTuple);
      error = read_error;
      if (error) break;
      const auto [write_error, written] = co_await asio::async_write(
          server_, asio::buffer(chunk, bytes), kTuple);
      error = write_error;
    }
    EXPECT_EQ(error, asio::error::eof) << error.message();
    const auto [end] = co_await server_.async_shutdown(kTuple);
    EXPECT_FALSE(end) << end.message();
    ++finished;
  };
  const auto client = [&]() -> asio::awaitable<void> {
    const auto [failed] =
        co_await client_.async_handshake(ssl::stream_base::client, kTuple);
    EXPECT_FALSE(failed) << failed.message();
    for (size_t at = 0; at < sent.size(); at += 3000) {
      co_await asio::async_write(client_, asio::buffer(&sent[at], 3000),
                                 kTuple);
      co_await asio::async_read(client_, asio::buffer(&echoed[at], 3000),
                                kTuple);
    }
    const auto [end] = co_await client_.async_shutdown(kTuple);
    EXPECT_FALSE(end) << end.message();
    ++finished;
  };
  asio::co_spawn(io_, server, asio::detached);
  asio::co_spawn(io_, client, asio::detached);
  io_.run();
  EXPECT_EQ(finished, 2);
  EXPECT_TRUE(echoed == sent);
}

TEST_P(MemoryPipeTlsTest, PeerThatVanishesTruncatesTheStream) {
  error_code seen;
  const auto server = [&]() -> asio::awaitable<void> {
    co_await server_.async_handshake(ssl::stream_base::server, kTuple);
    std::array<char, 16> chunk;
    const auto [error, bytes] =
        co_await server_.async_read_some(asio::buffer(chunk), kTuple);
    seen = error;
  };
  const auto client = [&]() -> asio::awaitable<void> {
    co_await client_.async_handshake(ssl::stream_base::client, kTuple);
    client_.lowest_layer().close();
  };
  asio::co_spawn(io_, server, asio::detached);
  asio::co_spawn(io_, client, asio::detached);
  io_.run();
  EXPECT_EQ(seen, ssl::error::stream_truncated) << seen.message();
}

}  // namespace
}  // namespace coffer_testing
