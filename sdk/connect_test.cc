#include "coffer/sdk/connect.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using MaybeClient = absl::StatusOr<TcpClient>;
using MaybeStream = absl::StatusOr<AnyStream>;

// An option of this process's socket that is connected to `port`, found by its
// descriptor: what a dialer gives does not show its socket. -1: there is no
// such socket.
int OptionOfSocketTo(std::uint16_t port, int level, int option) {
  int value = -1;
  for (int descriptor = 0; descriptor < 1000; ++descriptor) {
    sockaddr_in peer = {};
    socklen_t bytes = sizeof(peer);
    auto* const address = reinterpret_cast<sockaddr*>(&peer);
    if (getpeername(descriptor, address, &bytes) != 0 ||
        peer.sin_family != AF_INET || ntohs(peer.sin_port) != port) {
      continue;
    }
    bytes = sizeof(value);
    EXPECT_EQ(getsockopt(descriptor, level, option, &value, &bytes), 0);
    break;
  }
  return value;
}

int NoDelayOfSocketTo(std::uint16_t port) {
  return OptionOfSocketTo(port, IPPROTO_TCP, TCP_NODELAY);
}

// A listener whose queue is full answers no more: Linux drops the packets.
class FullListener {
 public:
  FullListener(asio::io_context& io, const asio::ip::address& address)
      : acceptor_(io) {
    acceptor_.open(tcp::endpoint(address, 0).protocol());
    acceptor_.bind(tcp::endpoint(address, 0));
    acceptor_.listen(0);
    for (int i = 0; i < 4; ++i) {
      fillers_.emplace_back(io).async_connect(acceptor_.local_endpoint(),
                                              [](boost::system::error_code) {});
    }
    io.poll();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  tcp::acceptor acceptor_;
  std::vector<tcp::socket> fillers_;
};

class ConnectTest : public ::testing::Test {
 protected:
  ConnectTest()
      : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    options_.clock = &clock_;
    options_.say_hello = false;
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::string target() const { return "127.0.0.1:" + std::to_string(port()); }

  MaybeClient Run() {
    std::optional<MaybeClient> result;
    Connect(io_.get_executor(), target(), options_, [&](MaybeClient client) {
      timers_at_the_end_ = clock_.pending_timers();
      result = std::move(client);
    });
    while (!result.has_value() && io_.run_one() > 0) {
    }
    return *std::move(result);
  }

  asio::io_context io_;
  coffer_testing::ManualClock clock_;
  tcp::acceptor acceptor_;
  ConnectOptions options_;
  std::size_t timers_at_the_end_ = 0;
};

TEST_F(ConnectTest, TimeoutOfZeroIsNoLimit) {
  options_.timeout = std::chrono::milliseconds(0);
  MaybeClient client = Run();
  EXPECT_TRUE(client.ok()) << client.status();
}

TEST_F(ConnectTest, NoTimerIsLeftBehind) {
  MaybeClient client = Run();
  EXPECT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(timers_at_the_end_, 0u);
}

TEST_F(ConnectTest, RequestsAreNotDelayed) {
  {
    MaybeClient client = Run();
    ASSERT_TRUE(client.ok()) << client.status();
    EXPECT_EQ(NoDelayOfSocketTo(port()), 1) << "Connect";
  }
  ASSERT_EQ(NoDelayOfSocketTo(port()), -1) << "not closed";
  io_.restart();
  const auto dialer = MakeTcpDialer(target(), options_);
  std::optional<MaybeStream> stream;
  dialer->AsyncDial(io_.get_executor(),
                    [&](MaybeStream dialed) { stream = std::move(dialed); });
  while (!stream.has_value() && io_.run_one() > 0) {
  }
  ASSERT_TRUE(stream.has_value() && stream->ok());
  EXPECT_EQ(NoDelayOfSocketTo(port()), 1) << "a dialer";
}

TEST_F(ConnectTest, HostThatVanishesIsFoundOut) {
  const auto dialer = MakeTcpDialer(target(), options_);
  std::optional<MaybeStream> stream;
  dialer->AsyncDial(io_.get_executor(),
                    [&](MaybeStream dialed) { stream = std::move(dialed); });
  while (!stream.has_value() && io_.run_one() > 0) {
  }
  ASSERT_TRUE(stream.has_value() && stream->ok());
  EXPECT_EQ(OptionOfSocketTo(port(), SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(OptionOfSocketTo(port(), IPPROTO_TCP, TCP_KEEPIDLE), 60);
  EXPECT_EQ(OptionOfSocketTo(port(), IPPROTO_TCP, TCP_KEEPINTVL), 10);
  EXPECT_EQ(OptionOfSocketTo(port(), IPPROTO_TCP, TCP_KEEPCNT), 6);
  EXPECT_EQ(OptionOfSocketTo(port(), IPPROTO_TCP, TCP_USER_TIMEOUT), 120000);
}

// What is left to a dialer is what its caller has, and not more.
TEST_F(ConnectTest, DialerHasTheTimeOfItsCaller) {
  using std::chrono::seconds;
  FullListener silent(io_, asio::ip::address_v4::loopback());
  const std::string nowhere = "127.0.0.1:" + std::to_string(silent.port());
  const struct {
    std::optional<std::chrono::milliseconds> own;
    Clock::Duration callers;
    Clock::Duration expected;  // 0: no limit
  } kCases[] = {
      {std::nullopt, seconds(5), seconds(5)},
      {std::nullopt, seconds(30), seconds(30)},
      {std::nullopt, seconds(0), seconds(10)},
      {seconds(3), seconds(5), seconds(3)},
      {seconds(7), seconds(5), seconds(5)},
      {seconds(7), seconds(0), seconds(7)},
      {seconds(0), seconds(5), seconds(5)},
      {seconds(0), seconds(0), seconds(0)},
  };
  for (const auto& one : kCases) {
    options_.timeout = one.own;
    const auto dialer = MakeTcpDialer(nowhere, options_);
    asio::cancellation_signal cancel;
    bool over = false;
    dialer->AsyncDial(
        io_.get_executor(), one.callers,
        asio::bind_cancellation_slot(cancel.slot(), [&](MaybeStream stream) {
          EXPECT_TRUE(absl::IsCancelled(stream.status())) << stream.status();
          over = true;
        }));
    io_.poll();
    const auto deadlines = clock_.Deadlines();
    if (one.expected == seconds(0)) {
      EXPECT_TRUE(deadlines.empty());
    } else {
      ASSERT_EQ(deadlines.size(), 1u);
      EXPECT_EQ(deadlines[0] - clock_.Now(), one.expected);
    }
    // However far the look-up has come.
    cancel.emit(asio::cancellation_type::terminal);
    while (!over && io_.run_one() > 0) {
    }
    EXPECT_TRUE(over);
  }
}

}  // namespace
}  // namespace coffer
