// The server over real sockets, each on a port that the system chooses. Time is
// the test's own wherever a timeout is what is tested.

#include "coffer/server/server.h"

#include <sys/resource.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>

#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/connect.h"
#include "coffer/server/server_test_util.h"
#include "coffer/server/session/session_harness.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/tls/test_certificates.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using ::testing::HasSubstr;

class ServerTest : public ServerFixture {
 protected:
  ServerOptions MutualTls() {
    ServerOptions options;
    auto context =
        MakeTlsServerContext(coffer_testing::TestMutualTlsServerOptions());
    EXPECT_TRUE(context.ok()) << context.status();
    options.tls = *context;
    return options;
  }

  // Moves time on by seconds, each once `timers` waits have started again.
  void Pass(std::chrono::seconds time, std::size_t timers) {
    for (; time.count() > 0; time -= std::chrono::seconds(1)) {
      while (clock_.pending_timers() < timers) std::this_thread::yield();
      clock_.AdvanceBy(std::chrono::seconds(1));
    }
  }

  // One request and its answer on a plain socket.
  void ExpectAnswered(tcp::socket& socket, absl::string_view request) {
    error_code error;
    asio::write(socket, asio::buffer(request.data(), request.size()), error);
    std::string answer(NotFound().size(), '\0');
    if (!error) asio::read(socket, asio::buffer(answer), error);
    EXPECT_FALSE(error) << error.message();
    EXPECT_EQ(answer, NotFound());
  }

  static void ExpectOpen(tcp::socket& socket) {
    error_code error;
    char byte;
    socket.non_blocking(true);
    socket.read_some(asio::buffer(&byte, 1), error);
    EXPECT_EQ(error, asio::error::would_block);
  }

  // Moves time on by seconds until the server closes `socket`, each once
  // `timers` waits have started again. How much that was.
  Clock::Duration TimeUntilClosed(tcp::socket socket, std::size_t timers) {
    const Clock::TimePoint begin = clock_.Now();
    std::optional<error_code> end;
    char byte;
    socket.async_read_some(asio::buffer(&byte, 1),
                           [&](error_code error, std::size_t) { end = error; });
    while (!end.has_value()) {
      io_.restart();
      io_.poll();
      if (!end.has_value() && clock_.pending_timers() >= timers) {
        clock_.AdvanceBy(std::chrono::seconds(1));
      }
    }
    EXPECT_TRUE(*end == asio::error::eof ||
                *end == asio::error::connection_reset)
        << end->message();
    return clock_.Now() - begin;
  }
};

TEST_F(ServerTest, ServesOverTcpOnSeveralThreads) {
  ServerOptions options;
  options.threads = 3;
  Start(std::move(options));
  for (int i = 0; i < 20; ++i) {
    TcpClient client = Client();
    EXPECT_TRUE(client.peer_said_hello());
    const std::string key = absl::StrCat(i);
    EXPECT_EQ(Call(client, MakeHset("t", key, i)).status(), 200u);
    EXPECT_EQ(Call(client, MakeHget("t", key)).values(0).integer(), i);
  }
}

// As the header of connect.h shows it.
TEST_F(ServerTest, ConnectInACoroutineWithItsDefaults) {
  Start();
  auto talk = [&]() -> asio::awaitable<std::string> {
    auto client = co_await Connect(io_.get_executor(), target());
    if (!client.ok()) co_return client.status().ToString();
    auto answer = co_await client->Execute(MakeHget("t", "k"));
    co_return answer.ok() ? answer->message() : answer.status().ToString();
  };
  EXPECT_EQ(Await<std::string>(talk()), "Not found: table t, key k");
}

TEST_F(ServerTest, ServesMutualTlsAndRefusesTheRest) {
  Start(MutualTls());
  auto connect = [&](const TlsClientOptions& tls, std::string name) {
    auto context = MakeTlsClientContext(tls);
    EXPECT_TRUE(context.ok()) << context.status();
    ConnectOptions options;
    options.server_name = std::move(name);
    return Await(internal::ConnectTlsTcp(target(), *context, options));
  };
  auto client = connect(coffer_testing::TestMutualTlsClientOptions(), "");
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(Call(*client, MakeHset("t", "k", "v")).status(), 200u);
  EXPECT_EQ(Call(*client, MakeHget("t", "k")).values(0).string(), "v");

  auto wrong_name =
      connect(coffer_testing::TestMutualTlsClientOptions(), "elsewhere");
  EXPECT_EQ(wrong_name.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(wrong_name.status().message()),
              HasSubstr("not valid for elsewhere"));

  TlsClientOptions wrong_ca = coffer_testing::TestMutualTlsClientOptions();
  wrong_ca.ca = coffer_testing::CertificateOf(
      coffer_testing::GetTestCertificates().other_ca);
  EXPECT_THAT(std::string(connect(wrong_ca, "").status().message()),
              HasSubstr("certificate verify failed"));

  EXPECT_FALSE(connect(coffer_testing::TestTlsClientOptions(), "").ok())
      << "without a client certificate";
}

TEST_F(ServerTest, ServesThroughDialers) {
  Start();
  const auto tcp = MakeTcpDialer(target());
  EXPECT_EQ(tcp->target(), target());
  auto client = Await(internal::ConnectBy(tcp.get(), ConnectOptions()));
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(client->peer_said_hello());
  EXPECT_EQ(Call(*client, MakeHset("t", "k", "v")).status(), 200u);
  EXPECT_EQ(Call(*client, MakeHget("t", "k")).values(0).string(), "v");

  const auto nowhere = MakeTcpDialer("no port");
  EXPECT_EQ(
      Await(internal::ConnectBy(nowhere.get(), ConnectOptions())).status(),
      Await(internal::ConnectTcp("no port", ConnectOptions())).status());
}

TEST_F(ServerTest, ServesTlsThroughDialersAndSaysWhyNot) {
  Start(MutualTls());
  const auto connect = [&](const TlsClientOptions& tls, std::string name) {
    ConnectOptions options;
    options.server_name = std::move(name);
    const auto dialer =
        MakeTlsDialer(target(), *MakeTlsClientContext(tls), options);
    return Await(internal::ConnectBy(dialer.get(), ConnectOptions()));
  };
  auto client = connect(coffer_testing::TestMutualTlsClientOptions(), "");
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(Call(*client, MakeHset("t", "k", "v")).status(), 200u);
  EXPECT_THAT(
      std::string(connect(coffer_testing::TestMutualTlsClientOptions(), "other")
                      .status()
                      .message()),
      HasSubstr("not valid for other"));
  EXPECT_FALSE(connect(coffer_testing::TestTlsClientOptions(), "").ok())
      << "without a client certificate";
}

// Fault 7 of the older server: the handshake in the accept loop.
TEST_F(ServerTest, F07ConnectionIdleInTheHandshakeBlocksNobodyAndIsClosed) {
  ServerOptions options = MutualTls();
  options.limits.handshake_timeout = std::chrono::seconds(10);
  options.limits.idle_timeout = std::chrono::minutes(0);
  CaptureLog();
  Start(std::move(options));
  std::vector<tcp::socket> silent;
  for (int i = 0; i < 5; ++i) silent.push_back(RawSocket());
  {
    tcp::socket scan = RawSocket();  // a port scan: gone at once
  }
  auto context =
      MakeTlsClientContext(coffer_testing::TestMutualTlsClientOptions());
  auto client =
      Await(internal::ConnectTlsTcp(target(), *context, ConnectOptions()));
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(Call(*client, MakeHget("t", "k")).status(), 404u);
  Pass(std::chrono::seconds(9), /*timers=*/1);
  EXPECT_EQ(Call(*client, MakeHget("t", "k")).status(), 404u);
  for (tcp::socket& socket : silent) ExpectOpen(socket);
  for (tcp::socket& socket : silent) {
    TimeUntilClosed(std::move(socket), /*timers=*/1);
  }
  EXPECT_EQ(Call(*client, MakeHget("t", "k")).status(), 404u);
  EXPECT_THAT(Log(), HasSubstr("TLS handshake: not finished within 10000 ms"));
}

TEST_F(ServerTest, OverTheConnectionLimitIsClosedAtNoCostToOthers) {
  ServerOptions options;
  options.limits.connections_max = 2;
  CaptureLog();
  Start(std::move(options));
  std::optional<TcpClient> first = Client();
  TcpClient second = Client();
  auto third = Await(internal::ConnectTcp(target(), ConnectOptions()));
  EXPECT_FALSE(third.ok());
  EXPECT_EQ(Call(*first, MakeHget("t", "k")).status(), 404u);
  EXPECT_EQ(Call(second, MakeHget("t", "k")).status(), 404u);
  // The place of one that leaves is free again, as soon as the server sees it.
  first.reset();
  absl::StatusOr<TcpClient> again = absl::UnknownError("not tried");
  while (!again.ok())
    again = Await(internal::ConnectTcp(target(), ConnectOptions()));
  EXPECT_EQ(Call(*again, MakeHget("t", "k")).status(), 404u);
  EXPECT_THAT(Log(), HasSubstr("event=\"connection refused\" "
                               "reason=\"over the limit of 2 connections\""));
}

TEST_F(ServerTest, IdlePastItsTimeIsClosed) {
  ServerOptions options;
  options.limits.idle_timeout = std::chrono::minutes(1);
  CaptureLog();
  Start(std::move(options));
  tcp::socket socket = RawSocket();
  const std::string request = Frame(MakeHget("t", "k"));
  // Twice, for 100 s in all: a request begins the time anew.
  for (int i = 0; i < 2; ++i) {
    ExpectAnswered(socket, request);
    Pass(std::chrono::seconds(50), /*timers=*/1);
  }
  ExpectAnswered(socket, request);
  EXPECT_GE(TimeUntilClosed(std::move(socket), /*timers=*/1),
            options.limits.idle_timeout);
  EXPECT_THAT(Log(), HasSubstr("reason=\"idle past its time\""));
}

TEST_F(ServerTest, HalfAFrameForTooLongIsClosedWithoutAnIdleLimit) {
  ServerOptions options;
  options.limits.idle_timeout = std::chrono::minutes(0);
  options.limits.stall_timeout = std::chrono::seconds(10);
  CaptureLog();
  Start(std::move(options));
  tcp::socket socket = RawSocket();
  const std::string request = Frame(MakeHget("t", "k"));
  ExpectAnswered(socket, request);
  Pass(std::chrono::seconds(100), /*timers=*/1);  // silent, no half frame
  for (int i = 0; i < 2; ++i) {
    asio::write(socket, asio::buffer(request, 2));
    Pass(std::chrono::seconds(7), /*timers=*/1);
    ExpectAnswered(socket, request.substr(2));
  }
  asio::write(socket, asio::buffer(request, 2));
  EXPECT_GE(TimeUntilClosed(std::move(socket), /*timers=*/1),
            options.limits.stall_timeout);
  EXPECT_THAT(Log(), HasSubstr("reason=\"half a frame for too long\""));
}

TEST_F(ServerTest, TenMegabytesBothWaysPlainAndCompressed) {
  Start();
  std::string noise(10 << 20, '\0');
  std::uint32_t state = 1;
  for (char& c : noise) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>('!' + (state >> 24) % 90);
  }
  const std::string smooth(10 << 20, 'x');
  for (const bool lz4 : {false, true}) {
    ConnectOptions options;
    options.stream.hello.lz4 = lz4;
    TcpClient client = Client(options);
    for (const std::string& value : {noise, smooth}) {
      EXPECT_EQ(Call(client, MakeHset("t", "k", value)).status(), 200u);
      EXPECT_TRUE(Call(client, MakeHget("t", "k")).values(0).string() == value);
    }
  }
}

TEST_F(ServerTest, TenThousandRequestsInOneWriteAreAnsweredInOrder) {
  Start();
  constexpr int kRequests = 10000;
  std::string bytes;
  for (int i = 0; i < kRequests; ++i) {
    bytes += Frame(MakeHset("t", absl::StrCat(i % 10), i));
  }
  tcp::socket socket = RawSocket();
  auto writer = std::async(std::launch::async, [&] {
    asio::write(socket, asio::buffer(bytes));
    socket.shutdown(tcp::socket::shutdown_send);
  });
  std::string received;
  error_code error;
  asio::read(socket, asio::dynamic_buffer(received), error);
  EXPECT_EQ(error, asio::error::eof);
  writer.get();
  const auto answers = Answers(received);
  ASSERT_EQ(answers.size(), static_cast<std::size_t>(kRequests));
  for (int i = 10; i < kRequests; ++i) {
    ASSERT_EQ(answers[i].values(0).integer(), i - 10);
  }
}

TEST_F(ServerTest, AThousandConnectionsAtOnce) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GE(limit.rlim_cur, 2200u) << "too few descriptors for this test";
  ServerOptions options;
  options.threads = 2;
  Start(std::move(options));
  std::vector<TcpClient> clients;
  for (int i = 0; i < 1000; ++i) clients.push_back(Client());
  EXPECT_EQ(server_->connections(), 1000u);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(Call(clients[i], MakeHset("t", absl::StrCat(i), i)).status(),
              200u);
  }
  EXPECT_EQ(Call(clients[0], MakeHgetall("t")).pairs_size(), 1000);
}

TEST_F(ServerTest, ConnectionThatCannotBeServedCostsOnlyItself) {
  std::atomic<int> accepted{0};
  ServerOptions options;
  options.limits.connections_max = 1;
  options.on_accepted = [&](tcp::socket&) {
    if (++accepted <= 3) throw std::runtime_error("no memory");
  };
  CaptureLog();
  Start(std::move(options));
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(Await(internal::ConnectTcp(target(), ConnectOptions())).ok());
  }
  TcpClient client = Client();
  EXPECT_EQ(Call(client, MakeHget("t", "k")).status(), 404u);
  EXPECT_THAT(Log(),
              HasSubstr("event=\"connection not served\" error=\"no memory\""));
}

TEST_F(ServerTest, ConnectGivesUpWhenItsTimeIsOver) {
  tcp::acceptor silent(io_, {asio::ip::address_v4::loopback(), 0});
  coffer_testing::ManualClock clock;
  ConnectOptions options;
  options.clock = &clock;
  options.timeout = std::chrono::milliseconds(1500);
  std::optional<absl::Status> result;
  Connect(io_.get_executor(),
          absl::StrCat("127.0.0.1:", silent.local_endpoint().port()), options,
          [&](absl::StatusOr<TcpClient> client) { result = client.status(); });
  while (!result.has_value()) {
    io_.restart();
    io_.poll();
    clock.AdvanceBy(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(result->code(), absl::StatusCode::kDeadlineExceeded) << *result;
  EXPECT_THAT(std::string(result->message()),
              HasSubstr("did not finish within 1500 ms"));
}

TEST_F(ServerTest, ConnectToNobodySaysSo) {
  const std::uint16_t port = [&] {
    tcp::acceptor gone(io_, {asio::ip::address_v4::loopback(), 0});
    return gone.local_endpoint().port();
  }();
  auto client = Await(
      internal::ConnectTcp(absl::StrCat("127.0.0.1:", port), ConnectOptions()));
  EXPECT_EQ(
      client.status().message(),
      absl::StrCat("connecting to 127.0.0.1:", port, ": Connection refused"));
}

}  // namespace
}  // namespace coffer::server
