#include "coffer/sdk/internal/spawn.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <stdexcept>

#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

namespace asio = boost::asio;

constexpr auto kAwaitTuple = asio::as_tuple(asio::use_awaitable);

asio::awaitable<absl::Status> WaitOn(Timer* timer) {
  auto [error] =
      co_await timer->AsyncWaitUntil(Clock::TimePoint::max(), kAwaitTuple);
  co_return error == asio::error::operation_aborted ? absl::CancelledError()
                                                    : absl::OkStatus();
}

asio::awaitable<absl::Status> TakeSteps() {
  for (int i = 0; i < 3; ++i) co_await asio::post(kAwaitTuple);
  co_return absl::OkStatus();
}

TEST(Spawn, CompletesOnTheHandlersExecutorWhichHasWorkUntilThen) {
  asio::io_context io;
  asio::io_context other;
  bool done = false;
  Spawn<absl::Status>(
      io.get_executor(), [] { return TakeSteps(); },
      asio::bind_executor(other, [&](absl::Status status) {
        EXPECT_TRUE(status.ok());
        EXPECT_TRUE(other.get_executor().running_in_this_thread());
        done = true;
      }));
  other.poll();
  EXPECT_FALSE(other.stopped()) << "no work is left for the completion";
  io.run();
  EXPECT_FALSE(done);
  other.run();
  EXPECT_TRUE(done);
}

TEST(Spawn, ExceptionIsAnInternalStatus) {
  asio::io_context io;
  absl::Status result;
  Spawn<absl::Status>(
      io.get_executor(),
      []() -> asio::awaitable<absl::Status> {
        throw std::runtime_error("thrown");
        co_return absl::OkStatus();
      },
      [&](absl::Status status) { result = status; });
  io.run();
  EXPECT_EQ(result, absl::InternalError("thrown"));
}

// The emission waits for its turn on the coroutine's executor: until then the
// signal may be destroyed.
TEST(Spawn, EveryTypeEmittedOutsideOfRunCancelsThoughTheSignalIsGone) {
  for (const auto type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial,
        asio::cancellation_type::total}) {
    asio::io_context io;
    coffer_testing::ManualClock clock;
    const std::unique_ptr<Timer> timer = clock.MakeTimer(io.get_executor());
    std::optional<asio::cancellation_signal> cancel(std::in_place);
    std::optional<absl::Status> result;
    Spawn<absl::Status>(
        io.get_executor(), [&] { return WaitOn(timer.get()); },
        asio::bind_cancellation_slot(
            cancel->slot(),
            asio::bind_executor(io, [&](absl::Status s) { result = s; })));
    io.poll();
    cancel->emit(type);
    cancel.reset();
    io.poll();
    ASSERT_TRUE(result.has_value());
    EXPECT_TRUE(absl::IsCancelled(*result));
  }
}

// For asan: an emission that is queued behind the completion, whose handler
// destroys the signal.
TEST(Spawn, EmittedAfterAnyStepAndDestroyedByTheHandler) {
  bool finished_before = false;
  for (int steps = 0; !finished_before; ++steps) {
    ASSERT_LT(steps, 100);
    asio::io_context io;
    std::optional<asio::cancellation_signal> cancel(std::in_place);
    int completions = 0;
    Spawn<absl::Status>(
        io.get_executor(), [] { return TakeSteps(); },
        asio::bind_cancellation_slot(cancel->slot(),
                                     asio::bind_executor(io, [&](absl::Status) {
                                       ++completions;
                                       cancel.reset();
                                     })));
    for (int i = 0; i < steps; ++i) io.poll_one();
    finished_before = completions > 0;
    if (cancel.has_value()) cancel->emit(asio::cancellation_type::total);
    io.run();
    EXPECT_EQ(completions, 1);
  }
}

TEST(Spawn, EmissionAfterTheEndDoesNothing) {
  asio::io_context io;
  asio::cancellation_signal cancel;
  int completions = 0;
  Spawn<absl::Status>(
      io.get_executor(), [] { return TakeSteps(); },
      asio::bind_cancellation_slot(cancel.slot(),
                                   [&](absl::Status) { ++completions; }));
  io.run();
  cancel.emit(asio::cancellation_type::total);
  io.restart();
  EXPECT_EQ(io.poll(), 0u) << "something was queued";
  EXPECT_EQ(completions, 1);
}

}  // namespace
}  // namespace coffer::internal
