// Operations that a plan stalls, and the ways for them to end.

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/internal/op_recorder.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/memory_pipe.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
namespace error = boost::asio::error;
using internal::CapturedFailures;
using internal::Pending;
using internal::Record;
using internal::Result;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

class FaultStreamStallTest : public ::testing::Test {
 protected:
  using Stream = FaultStream<MemoryPipe>;

  void Run() {
    io_.restart();
    io_.poll();
  }

  void StartRead(Stream& stream, Pending& done) {
    stream.async_read_some(asio::buffer(buffer_), Record(done));
    Run();
  }

  void PeerWrites(const std::string& bytes) {
    ends_.second.async_write_some(asio::buffer(bytes), [](auto...) {});
    Run();
  }

  asio::io_context io_;
  std::pair<MemoryPipe, MemoryPipe> ends_ = MakeMemoryPipe(io_.get_executor());
  std::array<char, 16> buffer_;
};

TEST_F(FaultStreamStallTest, OnlyThatOneStalls) {
  Stream stream(std::move(ends_.first), FaultPlan().StallAt(FaultOp::kRead, 1));
  PeerWrites("abc");
  Pending first, second;
  StartRead(stream, first);
  EXPECT_EQ(first, (Result{{}, 3}));
  EXPECT_FALSE(stream.injector().fired());
  PeerWrites("def");
  StartRead(stream, second);
  EXPECT_FALSE(second);
  EXPECT_TRUE(stream.injector().fired());
  EXPECT_FALSE(io_.stopped()) << "it is work";

  stream.cancel();
  Run();
  EXPECT_EQ(second, (Result{error::operation_aborted, 0}));
  Pending third;
  StartRead(stream, third);
  EXPECT_EQ(third, (Result{{}, 3})) << "no byte is lost";
}

TEST_F(FaultStreamStallTest, AllStallUntilReleased) {
  Stream stream(std::move(ends_.first), FaultPlan().StallReads().StallWrites());
  PeerWrites("abc");
  Pending read, write;
  StartRead(stream, read);
  stream.async_write_some(asio::buffer("xy", 2), Record(write));
  Run();
  EXPECT_FALSE(read || write);
  EXPECT_EQ(ends_.second.buffered(), 0u);
  stream.injector().Release();
  EXPECT_FALSE(read || write);
  Run();
  EXPECT_EQ(read, (Result{{}, 3}));
  EXPECT_EQ(write, (Result{{}, 2}));
  read.reset();
  PeerWrites("d");
  StartRead(stream, read);
  EXPECT_EQ(read, (Result{{}, 1}));
}

TEST_F(FaultStreamStallTest, ReleasedFromAnotherThread) {
  Stream stream(std::move(ends_.first), FaultPlan().StallReads());
  PeerWrites("abc");
  Pending read;
  StartRead(stream, read);
  std::thread([&] { stream.injector().Release(); }).join();
  Run();
  EXPECT_EQ(read, (Result{{}, 3}));
}

TEST_F(FaultStreamStallTest, IsCancelledByItsSlot) {
  for (const auto type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial,
        asio::cancellation_type::total}) {
    auto ends = MakeMemoryPipe(io_.get_executor());
    Stream stream(std::move(ends.first), FaultPlan().StallWrites());
    asio::cancellation_signal signal;
    Pending write;
    stream.async_write_some(
        asio::buffer("x", 1),
        asio::bind_cancellation_slot(signal.slot(), Record(write)));
    Run();
    signal.emit(type);
    EXPECT_FALSE(write) << "completed inside emit()";
    Run();
    EXPECT_EQ(write, (Result{error::operation_aborted, 0}));
  }
}

// Released, it is an operation of the stream below, and cancelled there.
TEST_F(FaultStreamStallTest, IsCancelledByItsSlotWhenReleased) {
  Stream stream(std::move(ends_.first), FaultPlan().StallReads());
  asio::cancellation_signal signal;
  Pending read;
  stream.async_read_some(
      asio::buffer(buffer_),
      asio::bind_cancellation_slot(signal.slot(), Record(read)));
  stream.injector().Release();
  Run();
  EXPECT_FALSE(read);
  signal.emit(asio::cancellation_type::total);
  Run();
  EXPECT_EQ(read, (Result{error::operation_aborted, 0}));
}

TEST_F(FaultStreamStallTest, CloseAndDestructionAbort) {
  Pending read, write;
  {
    Stream stream(std::move(ends_.first),
                  FaultPlan().StallReads().StallWrites());
    StartRead(stream, read);
    stream.close();
    Run();
    EXPECT_EQ(read, (Result{error::operation_aborted, 0}));
  }
  auto others = MakeMemoryPipe(io_.get_executor());
  {
    Stream stream(std::move(others.first), FaultPlan().StallWrites());
    stream.async_write_some(asio::buffer("x", 1), Record(write));
    Run();
  }
  EXPECT_FALSE(write);
  Run();
  EXPECT_EQ(write, (Result{error::operation_aborted, 0}));
}

// Between the release and what comes of it.
TEST_F(FaultStreamStallTest, CloseAfterReleaseAborts) {
  Stream stream(std::move(ends_.first), FaultPlan().StallReads());
  PeerWrites("abc");
  Pending read;
  StartRead(stream, read);
  stream.injector().Release();
  stream.close();
  Run();
  EXPECT_EQ(read, (Result{error::operation_aborted, 0}));
}

TEST_F(FaultStreamStallTest, CancelAfterReleaseAborts) {
  for (const bool by_slot : {false, true}) {
    auto ends = MakeMemoryPipe(io_.get_executor());
    Stream stream(std::move(ends.first), FaultPlan().StallReads());
    ends.second.async_write_some(asio::buffer("abc", 3), [](auto...) {});
    asio::cancellation_signal signal;
    Pending read;
    stream.async_read_some(
        asio::buffer(buffer_),
        asio::bind_cancellation_slot(signal.slot(), Record(read)));
    Run();
    stream.injector().Release();
    by_slot ? signal.emit(asio::cancellation_type::total) : stream.cancel();
    EXPECT_FALSE(read);
    Run();
    EXPECT_EQ(read, (Result{error::operation_aborted, 0}));
    read.reset();
    StartRead(stream, read);
    EXPECT_EQ(read, (Result{{}, 3})) << "no byte is lost";
  }
}

// Before its time is over, and between that and what comes of it.
TEST_F(FaultStreamStallTest, DelayedIsCancelled) {
  for (const bool by_slot : {false, true}) {
    for (const bool expired : {false, true}) {
      ManualClock clock;
      auto ends = MakeMemoryPipe(io_.get_executor());
      Stream stream(
          std::move(ends.first),
          FaultPlan().Delay(std::chrono::seconds(1), std::chrono::seconds(1)),
          &clock);
      ends.second.async_write_some(asio::buffer("abc", 3), [](auto...) {});
      asio::cancellation_signal signal;
      Pending read;
      stream.async_read_some(
          asio::buffer(buffer_),
          asio::bind_cancellation_slot(signal.slot(), Record(read)));
      Run();
      if (expired) {
        clock.AdvanceBy(std::chrono::seconds(1));
        // The timer's handler, and not yet what it has queued.
        io_.restart();
        io_.poll_one();
      }
      by_slot ? signal.emit(asio::cancellation_type::total) : stream.cancel();
      EXPECT_FALSE(read);
      Run();
      EXPECT_EQ(read, (Result{error::operation_aborted, 0}));
      EXPECT_EQ(clock.pending_timers(), 0u);
      EXPECT_EQ(stream.next_layer().buffered(), 3u) << "no byte is lost";
    }
  }
}

TEST_F(FaultStreamStallTest, ReleaseLeavesDelaysAlone) {
  ManualClock clock;
  Stream stream(
      std::move(ends_.first),
      FaultPlan().Delay(std::chrono::seconds(1), std::chrono::seconds(1)),
      &clock);
  PeerWrites("abc");
  Pending read;
  StartRead(stream, read);
  stream.injector().Release();
  Run();
  EXPECT_FALSE(read);
  clock.AdvanceBy(std::chrono::seconds(1));
  Run();
  EXPECT_EQ(read, (Result{{}, 3}));
}

TEST_F(FaultStreamStallTest, GoesOnOnTheExecutorOfItsHandler) {
  Stream stream(std::move(ends_.first), FaultPlan().StallReads());
  PeerWrites("abc");
  const auto strand = asio::make_strand(io_);
  bool inside = false;
  stream.async_read_some(asio::buffer(buffer_),
                         asio::bind_executor(strand, [&](auto, size_t) {
                           inside = strand.running_in_this_thread();
                         }));
  stream.injector().Release();
  Run();
  EXPECT_TRUE(inside);
}

TEST_F(FaultStreamStallTest, AbandonedNamesItsLine) {
  CapturedFailures captured;
  {
    asio::io_context io;
    auto ends = MakeMemoryPipe(io.get_executor());
    auto stream = std::make_shared<Stream>(std::move(ends.first),
                                           FaultPlan().StallReads());
    stream->async_read_some(asio::buffer(buffer_), [stream](auto...) {});
  }
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("never completed: its execution "
                                          "context was destroyed first"))));
}

}  // namespace
}  // namespace coffer_testing
