// What each clause of a plan does to the operations of a FaultStream. Stalls
// are in fault_stream_stall_test.cc.

#include "coffer/testing/fault/fault_stream.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

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
using asio::ip::tcp;
using internal::CapturedFailures;
using internal::Pending;
using internal::Record;
using internal::Result;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FaultStreamTest : public ::testing::Test {
 protected:
  using Stream = FaultStream<MemoryPipe>;

  Stream Make(FaultPlan plan) {
    return Stream(std::move(ends_.first), std::move(plan), &clock_);
  }

  void Run() {
    io_.restart();
    io_.poll();
  }

  template <class AnyStream>
  Result Write(AnyStream& stream, const std::string& bytes) {
    Pending done;
    stream.async_write_some(asio::buffer(bytes), Record(done));
    EXPECT_FALSE(done) << "completed in the initiating function";
    Run();
    return done.value_or(Result{error::in_progress});
  }

  template <class AnyStream>
  Result Read(AnyStream& stream) {
    Pending done;
    buffer_.fill('.');
    stream.async_read_some(asio::buffer(buffer_), Record(done));
    EXPECT_FALSE(done) << "completed in the initiating function";
    Run();
    return done.value_or(Result{error::in_progress});
  }

  // Of the last read.
  std::string Got(size_t bytes) const {
    return std::string(buffer_.data(), bytes);
  }

  asio::io_context io_;
  ManualClock clock_;
  std::pair<MemoryPipe, MemoryPipe> ends_ = MakeMemoryPipe(io_.get_executor());
  MemoryPipe& peer_ = ends_.second;
  std::array<char, 16> buffer_;
};

TEST_F(FaultStreamTest, PassesEverythingByDefault) {
  Stream stream = Make(FaultPlan());
  EXPECT_EQ(Write(stream, "hello"), (Result{{}, 5}));
  EXPECT_EQ(Read(peer_), (Result{{}, 5}));
  EXPECT_EQ(Write(peer_, "there"), (Result{{}, 5}));
  EXPECT_EQ(Read(stream), (Result{{}, 5}));
  EXPECT_EQ(Got(5), "there");
  EXPECT_EQ(stream.injector().operations(FaultOp::kAny), 2u);
  EXPECT_EQ(stream.injector().bytes(FaultOp::kRead), 5u);
  EXPECT_FALSE(stream.injector().fired());
}

TEST_F(FaultStreamTest, SplitsReadsAndWrites) {
  Stream stream = Make(FaultPlan()
                           .SplitReads(SplitPolicy::Sizes({1, 3}))
                           .SplitWrites(SplitPolicy::Max(2)));
  EXPECT_EQ(Write(stream, "hello"), (Result{{}, 2}));
  EXPECT_EQ(Read(peer_), (Result{{}, 2}));
  EXPECT_EQ(Got(2), "he");
  EXPECT_EQ(Write(peer_, "abcdefgh"), (Result{{}, 8}));
  EXPECT_EQ(Read(stream), (Result{{}, 1}));
  EXPECT_EQ(Read(stream), (Result{{}, 3}));
  EXPECT_EQ(Got(3), "bcd");
  EXPECT_EQ(Read(stream), (Result{{}, 1}));
  EXPECT_FALSE(stream.injector().fired()) << "a split is no fault";
}

TEST_F(FaultStreamTest, SplitsInTheMiddleOfBufferSequences) {
  Stream stream = Make(FaultPlan().SplitReads(SplitPolicy::Max(3)));
  Write(peer_, "abcdef");
  std::string x(2, '.'), y(2, '.');
  const std::array<asio::mutable_buffer, 2> into = {asio::buffer(x),
                                                    asio::buffer(y)};
  Pending done;
  stream.async_read_some(into, Record(done));
  Run();
  EXPECT_EQ(done, (Result{{}, 3}));
  EXPECT_EQ(x + y, "abc.");
}

TEST_F(FaultStreamTest, OneShotFailsOnceAndLosesNothing) {
  Stream stream = Make(FaultPlan()
                           .FailAt(FaultOp::kWrite, 1, error::timed_out)
                           .FailAt(FaultOp::kRead, 0, error::try_again));
  EXPECT_EQ(Write(stream, "a"), (Result{{}, 1}));
  EXPECT_FALSE(stream.injector().fired());
  EXPECT_EQ(Write(stream, "b"), (Result{error::timed_out, 0}));
  EXPECT_TRUE(stream.injector().fired());
  EXPECT_EQ(Write(stream, "c"), (Result{{}, 1}));
  EXPECT_EQ(Read(peer_), (Result{{}, 2}));
  EXPECT_EQ(Got(2), "ac");
  Write(peer_, "x");
  EXPECT_EQ(Read(stream), (Result{error::try_again, 0}));
  EXPECT_EQ(Read(stream), (Result{{}, 1}));
}

TEST_F(FaultStreamTest, StickyFailsFromThenOn) {
  Stream stream = Make(FaultPlan().FailAt(
      FaultOp::kAny, 1, error::connection_reset, FaultMode::kSticky));
  EXPECT_EQ(Write(stream, "a"), (Result{{}, 1}));
  EXPECT_EQ(Read(stream), (Result{error::connection_reset, 0}));
  EXPECT_EQ(Write(stream, "b"), (Result{error::connection_reset, 0}));
}

TEST_F(FaultStreamTest, FailureMayBeSuccessWithNoBytes) {
  Stream stream = Make(FaultPlan().FailAt(FaultOp::kWrite, 0, {}));
  EXPECT_EQ(Write(stream, "a"), (Result{{}, 0}));
  EXPECT_EQ(Write(stream, "a"), (Result{{}, 1}));
}

TEST_F(FaultStreamTest, EmptyBuffersAndClosedStreamsDoNotCount) {
  Stream stream = Make(FaultPlan().FailAt(FaultOp::kWrite, 0, error::eof));
  EXPECT_EQ(Write(stream, ""), (Result{{}, 0}));
  stream.close();
  EXPECT_EQ(Write(stream, "a"), (Result{error::bad_descriptor, 0}));
  EXPECT_FALSE(stream.injector().fired());
  EXPECT_EQ(stream.injector().operations(FaultOp::kAny), 0u);
}

TEST_F(FaultStreamTest, EndsAfterSoManyBytes) {
  Stream stream = Make(FaultPlan().EofAfterBytes(3));
  Write(peer_, "abcdef");
  EXPECT_EQ(Read(stream), (Result{{}, 3}));
  EXPECT_EQ(Read(stream), (Result{error::eof, 0}));
  EXPECT_EQ(Read(stream), (Result{error::eof, 0}));
  EXPECT_EQ(Write(stream, "still"), (Result{{}, 5}));
}

TEST_F(FaultStreamTest, EndMayComeWithTheLastBytes) {
  Stream stream = Make(FaultPlan().EofAfterBytes(3).ErrorWithData());
  Write(peer_, "abcdef");
  EXPECT_EQ(Read(stream), (Result{error::eof, 3}));
  EXPECT_EQ(Got(3), "abc");
  EXPECT_TRUE(stream.injector().fired());
  EXPECT_EQ(Read(stream), (Result{error::eof, 0}));
}

TEST_F(FaultStreamTest, FailureMayComeWithData) {
  Stream stream = Make(FaultPlan()
                           .SplitWrites(SplitPolicy::Max(2))
                           .FailAt(FaultOp::kWrite, 0, error::network_down)
                           .ErrorWithData());
  EXPECT_EQ(Write(stream, "abc"), (Result{error::network_down, 2}));
  EXPECT_EQ(Read(peer_), (Result{{}, 2}));
}

TEST_F(FaultStreamTest, ResetEndsBothDirectionsAndReachesThePeer) {
  Stream stream = Make(FaultPlan().ResetAfterBytes(FaultOp::kWrite, 4));
  EXPECT_EQ(Write(stream, "abcdef"), (Result{{}, 4}));
  Pending read;
  stream.async_read_some(asio::buffer(buffer_), Record(read));
  Run();
  EXPECT_EQ(read, (Result{error::connection_reset, 0}));
  EXPECT_EQ(Write(stream, "ef"), (Result{error::connection_reset, 0}));
  EXPECT_EQ(Read(peer_), (Result{error::connection_reset, 0}));
}

TEST_F(FaultStreamTest, ResetIsTheEndOfAReadThatWaits) {
  Stream stream = Make(FaultPlan().ResetAfterBytes(FaultOp::kWrite, 1));
  Pending read;
  std::array<char, 4> into;
  stream.async_read_some(asio::buffer(into), Record(read));
  EXPECT_EQ(Write(stream, "a"), (Result{{}, 1}));
  EXPECT_FALSE(read);
  EXPECT_EQ(Write(stream, "b"), (Result{error::connection_reset, 0}));
  EXPECT_EQ(read, (Result{error::connection_reset, 0}));
}

TEST_F(FaultStreamTest, ResetOfTcpIsOneForThePeer) {
  tcp::acceptor acceptor(io_, {asio::ip::address_v4::loopback(), 0});
  tcp::socket socket(io_);
  socket.connect(acceptor.local_endpoint());
  tcp::socket peer = acceptor.accept();
  FaultStream<tcp::socket> stream(
      std::move(socket),
      FaultPlan().ResetAfterBytes(FaultOp::kRead, 2).ErrorWithData());
  Pending read, at_peer;
  stream.async_read_some(asio::buffer(buffer_), Record(read));
  asio::write(peer, asio::buffer("abc", 3));
  std::array<char, 4> into;
  peer.async_read_some(asio::buffer(into), Record(at_peer));
  io_.run();
  EXPECT_EQ(read, (Result{error::connection_reset, 2}));
  EXPECT_EQ(at_peer, (Result{error::connection_reset, 0}));
}

TEST_F(FaultStreamTest, CorruptsAByteOfWhatIsRead) {
  Stream stream = Make(FaultPlan().CorruptByte(FaultOp::kRead, 4, 0x20));
  Write(peer_, "abcdef");
  std::string x(3, '.'), y(3, '.');
  const std::array<asio::mutable_buffer, 2> into = {asio::buffer(x),
                                                    asio::buffer(y)};
  Pending done;
  stream.async_read_some(into, Record(done));
  Run();
  EXPECT_EQ(x + y, "abcdEf");
  EXPECT_TRUE(stream.injector().fired());
}

TEST_F(FaultStreamTest, CorruptsAByteOfWhatIsWrittenButNotTheBuffer) {
  Stream stream = Make(FaultPlan().CorruptByte(FaultOp::kWrite, 3, 0x20));
  Write(stream, "ab");
  EXPECT_FALSE(stream.injector().fired());
  const std::string bytes = "cdef";
  EXPECT_EQ(Write(stream, bytes), (Result{{}, 4}));
  EXPECT_EQ(bytes, "cdef");
  EXPECT_TRUE(stream.injector().fired());
  EXPECT_EQ(Read(peer_), (Result{{}, 6}));
  EXPECT_EQ(Got(6), "abcDef");
}

TEST_F(FaultStreamTest, DelaysEachOperation) {
  Stream stream = Make(FaultPlan().Delay(milliseconds(5), milliseconds(5)));
  Pending done;
  stream.async_write_some(asio::buffer("a", 1), Record(done));
  Run();
  clock_.AdvanceBy(milliseconds(4));
  Run();
  EXPECT_FALSE(done);
  EXPECT_EQ(peer_.buffered(), 0u);
  clock_.AdvanceBy(milliseconds(1));
  Run();
  EXPECT_EQ(done, (Result{{}, 1}));
}

TEST_F(FaultStreamTest, DelaysAreBetweenTheTwoAndOfTheSeed) {
  const auto delays = [this](uint64_t seed) {
    std::vector<coffer::Clock::Duration> taken;
    auto ends = MakeMemoryPipe(io_.get_executor());
    Stream stream(std::move(ends.first),
                  FaultPlan().Delay(milliseconds(1), milliseconds(9), seed),
                  &clock_);
    for (int i = 0; i < 20; ++i) {
      const auto start = clock_.Now();
      Pending done;
      stream.async_write_some(asio::buffer("a", 1), Record(done));
      EXPECT_TRUE(clock_.AdvanceToNextDeadline());
      Run();
      EXPECT_TRUE(done);
      taken.push_back(clock_.Now() - start);
      EXPECT_GE(taken.back(), milliseconds(1));
      EXPECT_LE(taken.back(), milliseconds(9));
    }
    return taken;
  };
  const auto first = delays(1);
  EXPECT_EQ(first, delays(1));
  EXPECT_NE(first, delays(2));
}

TEST_F(FaultStreamTest, DelayedOperationIsCancelledAndClosed) {
  Stream stream = Make(FaultPlan().Delay(milliseconds(5), milliseconds(5)));
  Pending done;
  stream.async_write_some(asio::buffer("a", 1), Record(done));
  stream.cancel();
  Run();
  EXPECT_EQ(done, (Result{error::operation_aborted, 0}));
  done.reset();
  stream.async_write_some(asio::buffer("a", 1), Record(done));
  stream.close();
  Run();
  EXPECT_EQ(done, (Result{error::operation_aborted, 0}));
  EXPECT_EQ(clock_.pending_timers(), 0u);
}

TEST_F(FaultStreamTest, BandwidthTakesItsTime) {
  Stream stream = Make(FaultPlan().Bandwidth(1000));
  const auto start = clock_.Now();
  std::string left(35, 'x');
  while (!left.empty()) {
    Pending done;
    stream.async_write_some(asio::buffer(left), Record(done));
    Run();
    if (!done) {
      EXPECT_TRUE(clock_.AdvanceToNextDeadline());
      Run();
    }
    ASSERT_TRUE(done);
    EXPECT_LE(done->bytes, 10u) << "10 ms are 10 bytes";
    left.erase(0, done->bytes);
  }
  EXPECT_EQ(clock_.Now() - start, milliseconds(30)) << "the last 5 are on it";
}

TEST_F(FaultStreamTest, NeedsAClockForDelays) {
  CapturedFailures captured;
  Stream stream(std::move(ends_.first), FaultPlan().Bandwidth(3));
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("needs a clock: "
                                          "any:bandwidth=3"))));
  EXPECT_EQ(Write(stream, "abcdef"), (Result{{}, 1})) << "and goes on without";
}

TEST_F(FaultStreamTest, StreamsOfAFlowAreCountedTogether) {
  auto injector = std::make_shared<FaultInjector>(
      FaultPlan().FailAt(FaultOp::kWrite, 1, error::broken_pipe));
  std::vector<uint64_t> numbers;
  injector->OnInitiation([&](uint64_t n) { numbers.push_back(n); });
  auto others = MakeMemoryPipe(io_.get_executor());
  Stream first(std::move(ends_.first), injector);
  Stream second(std::move(others.first), injector);
  EXPECT_EQ(Write(first, "a"), (Result{{}, 1}));
  EXPECT_EQ(Write(second, "b"), (Result{error::broken_pipe, 0}));
  EXPECT_EQ(Write(first, "c"), (Result{{}, 1}));
  EXPECT_THAT(numbers, ElementsAre(0, 1, 2));
}

TEST_F(FaultStreamTest, CallbackMayThrow) {
  Stream stream = Make(FaultPlan());
  stream.injector().OnInitiation([](uint64_t) { throw 7; });
  Pending done;
  EXPECT_THROW(stream.async_write_some(asio::buffer("a", 1), Record(done)),
               int);
  stream.injector().OnInitiation(nullptr);
  EXPECT_EQ(Write(stream, "a"), (Result{{}, 1})) << "nothing is left pending";
  EXPECT_FALSE(done);
}

TEST_F(FaultStreamTest, SecondReadNamesBothLines) {
  Stream stream = Make(FaultPlan());
  Pending first, second;
  std::array<char, 4> other;
  stream.async_read_some(asio::buffer(buffer_), Record(first));
  {
    CapturedFailures captured;
    stream.async_read_some(asio::buffer(other), Record(second));
    EXPECT_THAT(
        captured.Get(),
        ElementsAre(Field(&CapturedFailures::Failure::message,
                          AllOf(HasSubstr("while another is pending: "
                                          "async_read_some started at "),
                                HasSubstr("on the FaultStream made at ")))));
  }
  Write(peer_, "a");
  EXPECT_EQ(second, (Result{error::already_started, 0}));
  EXPECT_EQ(first, (Result{{}, 1}));
}

TEST_F(FaultStreamTest, MoveNamesWhatIsPending) {
  Stream stream = Make(FaultPlan());
  Pending read;
  stream.async_read_some(asio::buffer(buffer_), Record(read));
  CapturedFailures captured;
  {
    const Stream moved = std::move(stream);
    EXPECT_FALSE(stream.is_open());
    EXPECT_TRUE(moved.is_open());
  }
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("stream moved while pending: "
                                          "async_read_some started at "))));
  Run();
  EXPECT_EQ(read, (Result{error::operation_aborted, 0}));
}

TEST_F(FaultStreamTest, DeferredOperationFindsItsStreamGone) {
  Pending done;
  auto later = [this] {
    Stream stream = Make(FaultPlan());
    return stream.async_read_some(asio::buffer(buffer_), asio::deferred);
  }();
  std::move(later)(Record(done));
  Run();
  EXPECT_EQ(done, (Result{error::bad_descriptor, 0}));
}

}  // namespace
}  // namespace coffer_testing
