#include "coffer/sdk/connect.h"

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "coffer/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using MaybeClient = absl::StatusOr<TcpClient>;

class ConnectTest : public ::testing::Test {
 protected:
  ConnectTest()
      : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    options_.clock = &clock_;
    options_.say_hello = false;
  }

  MaybeClient Run() {
    const auto port = std::to_string(acceptor_.local_endpoint().port());
    std::optional<MaybeClient> result;
    Connect(io_.get_executor(), "127.0.0.1:" + port, options_,
            [&](MaybeClient client) {
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

}  // namespace
}  // namespace coffer
