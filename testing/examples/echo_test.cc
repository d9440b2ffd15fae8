// How to test a session: a fake peer, bytes in pieces, and time that obeys. The
// session under test echoes what it reads, and hangs up on a peer that is
// silent for 30 seconds.

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "coffer/sdk/clock.h"
#include "coffer/testing/dummy_stream.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/sweep/fail_sweep.h"
#include "coffer/testing/time/virtual_time.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using coffer_testing::DummyStream;
using coffer_testing::FailSweep;
using coffer_testing::FaultInjector;
using coffer_testing::FaultStream;
using coffer_testing::MakeMemoryPipe;
using coffer_testing::ManualClock;
using coffer_testing::MemoryPipe;
using coffer_testing::VirtualTime;

constexpr std::chrono::seconds kSilenceMax(30);

template <class Stream>
asio::awaitable<void> Echo(Stream& stream, coffer::Clock& clock) {
  constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
  const auto timer = clock.MakeTimer(stream.get_executor());
  std::array<char, 16> buffer;
  while (true) {
    timer->WaitUntil(clock.Now() + kSilenceMax, [&stream](error_code error) {
      if (!error) stream.close();
    });
    const auto [read_error, bytes] =
        co_await stream.async_read_some(asio::buffer(buffer), kTuple);
    if (read_error) co_return;
    const auto [write_error, written] =
        co_await asio::async_write(stream, asio::buffer(buffer, bytes), kTuple);
    if (write_error) co_return;
  }
}

// README: dummy_stream
TEST(Echo, AnswersWhatItReadsUntilTheEnd) {
  asio::io_context io;
  ManualClock clock;
  DummyStream stream(io.get_executor(), "hello");
  asio::co_spawn(io, Echo(stream, clock), asio::detached);
  io.run();
  EXPECT_EQ(stream.written(), "hello");
}
// README: end

// README: memory_pipe
TEST(Echo, AnswersAByteAtATime) {
  asio::io_context io;
  ManualClock clock;
  auto [client, server] = MakeMemoryPipe(io.get_executor(), {.capacity = 1});
  asio::co_spawn(io, Echo(server, clock), asio::detached);

  std::string answer(5, '\0');
  asio::async_write(client, asio::buffer("hello", 5), asio::detached);
  asio::async_read(client, asio::buffer(answer), asio::detached);
  io.poll();
  EXPECT_EQ(answer, "hello");

  client.close();
  io.run();  // returns: nothing is pending any more
}
// README: end

// README: manual_clock
TEST(Echo, HangsUpOnASilentPeer) {
  asio::io_context io;
  ManualClock clock;
  auto [client, server] = MakeMemoryPipe(io.get_executor());
  asio::co_spawn(io, Echo(server, clock), asio::detached);
  io.poll();

  clock.AdvanceBy(kSilenceMax - std::chrono::nanoseconds(1));
  io.poll();
  EXPECT_TRUE(server.is_open());
  clock.AdvanceBy(std::chrono::nanoseconds(1));
  io.run();
  EXPECT_FALSE(server.is_open());
}
// README: end

// README: virtual_time
TEST(Echo, HangsUpThirtySecondsAfterTheLastWord) {
  VirtualTime time;
  auto [client, server] = MakeMemoryPipe(time.get_executor());
  asio::co_spawn(time.io(), Echo(server, time.clock()), asio::detached);
  const auto start = time.Now();
  for (int i = 0; i < 3; ++i) {
    time.RunFor(std::chrono::seconds(29));
    asio::async_write(client, asio::buffer("still here"), asio::detached);
  }
  EXPECT_TRUE(time.RunUntil([&] { return !server.is_open(); }));
  EXPECT_EQ(time.Now() - start, 3 * std::chrono::seconds(29) + kSilenceMax);
}
// README: end

// README: fail_sweep
TEST(Echo, EndsWhateverFails) {
  FailSweep([](std::shared_ptr<FaultInjector> faults) {
    VirtualTime time;
    auto [client, end] = MakeMemoryPipe(time.get_executor());
    FaultStream<MemoryPipe> server(std::move(end), faults);
    bool over = false;
    asio::co_spawn(time.io(), Echo(server, time.clock()),
                   [&](std::exception_ptr) { over = true; });
    asio::async_write(client, asio::buffer("hello", 5), asio::detached);
    EXPECT_TRUE(time.RunUntil([&] { return over; }));
    if (!faults->fired()) {
      EXPECT_EQ(client.buffered(), 5u);
    }
  });
}
// README: end

}  // namespace
