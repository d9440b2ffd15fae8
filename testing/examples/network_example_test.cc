// How to test code that has to live with a bad network: a simulated one, by
// seed. The code under test asks a server for its greeting, a second apart,
// until it has it.

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <deque>
#include <exception>
#include <string>
#include <utility>

#include "coffer/sdk/clock.h"
#include "coffer/sdk/dialer.h"
#include "coffer/testing/sim/sim_network.h"
#include "coffer/testing/time/virtual_time.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using coffer_testing::SimNetwork;
using coffer_testing::SimSeed;
using coffer_testing::SimSocket;
using coffer_testing::VirtualTime;

asio::awaitable<std::string> GetGreeting(coffer::Dialer& dialer,
                                         coffer::Clock& clock) {
  constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
  const auto executor = co_await asio::this_coro::executor;
  const auto timer = clock.MakeTimer(executor);
  while (true) {
    auto stream = co_await dialer.AsyncDial(executor, asio::use_awaitable);
    if (stream.ok()) {
      std::array<char, 5> greeting;
      const auto [error, bytes] =
          co_await asio::async_read(*stream, asio::buffer(greeting), kTuple);
      if (!error) co_return std::string(greeting.data(), greeting.size());
    }
    co_await timer->AsyncWaitUntil(clock.Now() + std::chrono::seconds(1),
                                   kTuple);
  }
}

// README: sim_network
TEST(GetGreeting, ComesThroughABadNetwork) {
  VirtualTime time;
  SimNetwork net(time, SimSeed());
  std::deque<SimSocket> peers;
  const auto greet = [&](SimSocket peer) {
    peers.push_back(std::move(peer));
    asio::async_write(peers.back(), asio::buffer("hello", 5), asio::detached);
  };
  net.Listen("server", 1, greet);
  const auto dialer = net.MakeDialer("client", "server:1");
  std::string got;
  asio::co_spawn(time.io(), GetGreeting(*dialer, time.clock()),
                 [&](std::exception_ptr, std::string said) { got = said; });
  net.SwizzleClog({"client", "server"}, std::chrono::milliseconds(10));
  net.Kill("server");
  time.RunFor(std::chrono::milliseconds(2500));
  net.Restart("server");
  net.Listen("server", 1, greet);
  EXPECT_TRUE(time.RunUntil([&] { return !got.empty(); }));
  EXPECT_EQ(got, "hello");
}
// README: end

}  // namespace
