// How to try everything, rather than something: each cancellation, each stall,
// each division of the input, each order of events.

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coffer/sdk/clock.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/sweep/cancel_sweep.h"
#include "coffer/testing/sweep/exhaustive.h"
#include "coffer/testing/sweep/for_each_split.h"
#include "coffer/testing/sweep/stall_sweep.h"
#include "coffer/testing/time/virtual_time.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using coffer_testing::CancelPoint;
using coffer_testing::CancelSweep;
using coffer_testing::CancelSweepOptions;
using coffer_testing::CancelTally;
using coffer_testing::Exhaustive;
using coffer_testing::FaultInjector;
using coffer_testing::FaultStream;
using coffer_testing::ForEachSplit;
using coffer_testing::MakeMemoryPipe;
using coffer_testing::MemoryPipe;
using coffer_testing::StallSweep;
using coffer_testing::VirtualTime;

using Stream = FaultStream<MemoryPipe>;

// Asks, and gives up on an answer that is not there in ten seconds.
asio::awaitable<error_code> Ask(Stream& stream, coffer::Clock& clock) {
  constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
  const auto timer = clock.MakeTimer(stream.get_executor());
  timer->WaitUntil(clock.Now() + std::chrono::seconds(10),
                   [&stream](error_code stopped) {
                     if (!stopped) stream.cancel();
                   });
  auto [error, written] =
      co_await asio::async_write(stream, asio::buffer("?", 1), kTuple);
  if (error) co_return error;
  std::array<char, 2> answer;
  auto [read_error, bytes] =
      co_await asio::async_read(stream, asio::buffer(answer), kTuple);
  co_return read_error;
}

// Asks a peer that answers at once.
struct Question {
  explicit Question(std::shared_ptr<FaultInjector> faults)
      : ends(MakeMemoryPipe(time.get_executor())),
        stream(std::move(ends.first), std::move(faults)) {}

  void Start(asio::cancellation_slot slot = {}) {
    ends.second.async_write_some(asio::buffer("42", 2), [](auto...) {});
    asio::co_spawn(time.io(), Ask(stream, time.clock()),
                   asio::bind_cancellation_slot(
                       slot, [this](std::exception_ptr, error_code error) {
                         result = error;
                       }));
  }

  VirtualTime time;
  std::pair<MemoryPipe, MemoryPipe> ends;
  Stream stream;
  std::optional<error_code> result;
};

TEST(Ask, EndsInTimeWhateverStalls) {
  StallSweep([](std::shared_ptr<FaultInjector> faults) {
    Question question(faults);
    question.Start();
    const auto start = question.time.Now();
    question.time.RunUntil([&] { return question.result.has_value(); });
    EXPECT_EQ(question.result == asio::error::operation_aborted,
              faults->fired());
    EXPECT_LE(question.time.Now() - start, std::chrono::seconds(10));
    EXPECT_EQ(question.stream.next_layer().pending_reads(), 0u);
  });
}

TEST(Ask, CanBeCancelledAnywhere) {
  CancelTally tally;
  CancelSweepOptions options;
  options.types = {asio::cancellation_type::terminal};
  CancelSweep(
      [&](CancelPoint& cancel) {
        Question question(cancel.injector());
        question.Start(cancel.slot(question.time.io()));
        const auto start = question.time.Now();
        question.time.RunUntil([&] { return question.result.has_value(); });
        EXPECT_EQ(question.time.Now(), start) << "not by the deadline";
        const bool cancelled =
            question.result == asio::error::operation_aborted;
        EXPECT_TRUE(cancelled == cancel.fired());
        tally.Count(cancel, cancelled);
      },
      options);
  tally.ExpectSomeOfEach();
}

// Takes lines out of bytes that come in pieces.
class LineSplitter {
 public:
  void Add(std::string_view bytes) {
    for (const char byte : bytes) {
      if (byte != '\n') {
        line_ += byte;
      } else {
        lines_.push_back(std::exchange(line_, ""));
      }
    }
  }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::string line_;
  std::vector<std::string> lines_;
};

TEST(LineSplitter, HoweverItsInputIsCut) {
  ForEachSplit("one\n\nthree\n", [](const std::vector<std::string_view>&
                                        pieces) {
    LineSplitter splitter;
    for (const auto& piece : pieces) splitter.Add(piece);
    EXPECT_EQ(splitter.lines(), (std::vector<std::string>{"one", "", "three"}));
  });
}

// A reply is wanted until somebody cancels, and given once.
class Reply {
 public:
  void Come() {
    given_ += over_ ? 0 : 1;
    over_ = true;
  }
  void Cancel() {
    cancelled_ += over_ ? 0 : 1;
    over_ = true;
  }
  int given() const { return given_; }
  int cancelled() const { return cancelled_; }

 private:
  bool over_ = false;
  int given_ = 0;
  int cancelled_ = 0;
};

TEST(Reply, IsGivenOrCancelledInAnyOrder) {
  enum class Event { kCome, kComeAgain, kCancel };
  Exhaustive g;
  while (g.NextRun()) {
    Reply reply;
    std::vector<Event> left = {Event::kCome, Event::kComeAgain, Event::kCancel};
    while (!left.empty()) {
      g.Take(left) == Event::kCancel ? reply.Cancel() : reply.Come();
    }
    EXPECT_EQ(reply.given() + reply.cancelled(), 1);
  }
  EXPECT_EQ(g.runs(), 6u);
}

}  // namespace
