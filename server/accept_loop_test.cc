#include "coffer/server/accept_loop.h"

#include <boost/asio/append.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <stdexcept>
#include <vector>

#include "coffer/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
namespace errc = boost::system::errc;

// Accepts what its script says: an error, or a "socket" with a number. Closes
// itself at the end of the script.
class ScriptedAcceptor {
 public:
  using executor_type = asio::io_context::executor_type;

  ScriptedAcceptor(asio::io_context& io, std::deque<error_code> script)
      : executor_(io.get_executor()), script_(std::move(script)) {}

  executor_type get_executor() { return executor_; }
  bool is_open() const { return open_; }
  int accepts() const { return accepts_; }
  void close() { open_ = false; }

  template <class Token>
  auto async_accept(Token&& token) {
    return asio::async_initiate<Token, void(error_code, int)>(
        [this](auto handler) {
          error_code error = asio::error::operation_aborted;
          if (script_.empty()) {
            open_ = false;
          } else {
            error = script_.front();
            script_.pop_front();
          }
          asio::post(executor_,
                     asio::append(std::move(handler), error, ++accepts_));
        },
        token);
  }

 private:
  executor_type executor_;
  std::deque<error_code> script_;
  bool open_ = true;
  int accepts_ = 0;
};

const error_code kTooMany = make_error_code(errc::too_many_files_open);

TEST(AcceptLoop, GoesOnAfterEveryKindOfErrorAndEndsWithTheAcceptor) {
  asio::io_context io;
  coffer_testing::ManualClock clock;
  ScriptedAcceptor acceptor(io, {{},
                                 make_error_code(errc::connection_aborted),
                                 make_error_code(errc::protocol_error),
                                 {},
                                 kTooMany,
                                 make_error_code(errc::not_enough_memory),
                                 make_error_code(errc::no_buffer_space),
                                 {}});
  std::vector<int> accepted;
  auto on_accept = [&](int socket) { accepted.push_back(socket); };
  bool ended = false;
  auto timer = clock.MakeTimer(io.get_executor());
  asio::co_spawn(io, AcceptLoop(&acceptor, &clock, timer.get(), on_accept),
                 [&](std::exception_ptr thrown) {
                   EXPECT_FALSE(thrown);
                   ended = true;
                 });
  while (!ended) {
    io.restart();
    io.poll();
    if (ended) break;
    ASSERT_TRUE(clock.AdvanceToNextDeadline());
  }
  EXPECT_EQ(accepted, (std::vector<int>{1, 4, 8}));
}

TEST(AcceptLoop, WaitsLongerAfterEachErrorOfOurs) {
  asio::io_context io;
  coffer_testing::ManualClock clock;
  ScriptedAcceptor acceptor(io, std::deque<error_code>(12, kTooMany));
  auto on_accept = [](int) {};
  auto timer = clock.MakeTimer(io.get_executor());
  asio::co_spawn(io, AcceptLoop(&acceptor, &clock, timer.get(), on_accept),
                 asio::detached);
  std::vector<long> waits_ms;
  for (int i = 0; i < 12; ++i) {
    io.restart();
    io.poll();
    ASSERT_EQ(acceptor.accepts(), i + 1) << "it must wait, not spin";
    const auto before = clock.Now();
    ASSERT_TRUE(clock.AdvanceToNextDeadline());
    waits_ms.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(
                           clock.Now() - before)
                           .count());
  }
  EXPECT_EQ(waits_ms, (std::vector<long>{10, 20, 40, 80, 160, 320, 640, 1000,
                                         1000, 1000, 1000, 1000}));
  io.restart();
  io.poll();
}

TEST(AcceptLoop, EndsWhenItIsClosedWhileItWaitsToTryAgain) {
  asio::io_context io;
  coffer_testing::ManualClock clock;
  ScriptedAcceptor acceptor(io, {kTooMany, {}});
  auto on_accept = [](int) { ADD_FAILURE() << "accepted after the end"; };
  auto timer = clock.MakeTimer(io.get_executor());
  bool ended = false;
  asio::co_spawn(io, AcceptLoop(&acceptor, &clock, timer.get(), on_accept),
                 [&](std::exception_ptr) { ended = true; });
  io.poll();
  ASSERT_EQ(clock.pending_timers(), 1u);
  acceptor.close();
  timer->Cancel();
  io.restart();
  io.poll();
  EXPECT_TRUE(ended) << "before its time is over";
}

TEST(AcceptLoop, GoesOnAfterAConnectionThatCannotBeServed) {
  asio::io_context io;
  coffer_testing::ManualClock clock;
  ScriptedAcceptor acceptor(io, {{}, {}, {}});
  std::vector<int> served;
  auto on_accept = [&](int socket) {
    if (socket == 1) throw std::runtime_error("no memory for TLS");
    if (socket == 2) throw socket;
    served.push_back(socket);
  };
  auto timer = clock.MakeTimer(io.get_executor());
  asio::co_spawn(io, AcceptLoop(&acceptor, &clock, timer.get(), on_accept),
                 [&](std::exception_ptr thrown) { EXPECT_FALSE(thrown); });
  io.poll();
  EXPECT_EQ(served, std::vector<int>{3});
}

}  // namespace
}  // namespace coffer::server
