// What a MemoryPipe keeps beyond StreamConformance: bounded buffers, transfer
// modes, and the ways for the two ends to end. memory_pipe_misuse_test.cc has
// the failures it reports.

#include "coffer/testing/memory_pipe.h"

#include <array>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <thread>

#include "coffer/testing/internal/op_recorder.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
namespace error = boost::asio::error;
using boost::system::error_code;
using internal::Pending;
using internal::Record;
using internal::Result;

class MemoryPipeTest : public ::testing::TestWithParam<TransferMode> {
 protected:
  std::pair<MemoryPipe, MemoryPipe> Make(MemoryPipeOptions options = {}) {
    options.transfer = GetParam();
    return MakeMemoryPipe(io_.get_executor(), options);
  }
  bool early() const { return GetParam() == TransferMode::kEarly; }

  void Run() {
    io_.restart();
    io_.poll();
  }

  Result Write(MemoryPipe& pipe, const std::string& bytes) {
    Pending done;
    pipe.async_write_some(asio::buffer(bytes), Record(done));
    Run();
    return done.value_or(Result{error::would_block});
  }

  Result Read(MemoryPipe& pipe) {
    Pending done;
    pipe.async_read_some(asio::buffer(buffer_), Record(done));
    Run();
    return done.value_or(Result{error::would_block});
  }

  std::string read_bytes(size_t size) const { return {buffer_.data(), size}; }

  asio::io_context io_;
  std::array<char, 64> buffer_{};
};

INSTANTIATE_TEST_SUITE_P(Modes, MemoryPipeTest,
                         ::testing::Values(TransferMode::kLate,
                                           TransferMode::kEarly),
                         [](const auto& mode) -> std::string {
                           return mode.param == TransferMode::kLate ? "Late"
                                                                    : "Early";
                         });

TEST_P(MemoryPipeTest, WriteTakesWhatFits) {
  auto [a, b] = Make({.capacity = 4});
  EXPECT_EQ(Write(a, "abcdef"), (Result{{}, 4}));
  EXPECT_EQ(b.buffered(), 4u);
  EXPECT_EQ(a.buffered(), 0u);
  EXPECT_EQ(Read(b), (Result{{}, 4}));
  EXPECT_EQ(read_bytes(4), "abcd");
  EXPECT_EQ(b.buffered(), 0u);
}

TEST_P(MemoryPipeTest, ReadTakesWhatItsBuffersHold) {
  auto [a, b] = Make();
  Write(a, "abcdef");
  std::array<char, 3> x;
  std::array<char, 1> y;
  Pending done;
  const std::array<asio::mutable_buffer, 2> pieces = {asio::buffer(x),
                                                      asio::buffer(y)};
  b.async_read_some(pieces, Record(done));
  Run();
  EXPECT_EQ(done, (Result{{}, 4}));
  EXPECT_EQ(std::string(x.begin(), x.end()) + "|" + y[0], "abc|d");
  EXPECT_EQ(b.buffered(), 2u);
}

TEST_P(MemoryPipeTest, FullPipeMakesWriteWaitForReader) {
  auto [a, b] = Make({.capacity = 2});
  Write(a, "ab");
  Pending write;
  a.async_write_some(asio::buffer("cd", 2), Record(write));
  Run();
  EXPECT_FALSE(write);
  EXPECT_EQ(a.pending_writes(), 1u);
  EXPECT_EQ(a.pending_reads(), 0u);
  EXPECT_EQ(b.pending_writes(), 0u);
  EXPECT_EQ(Read(b), (Result{{}, 2}));
  EXPECT_EQ(write, (Result{{}, 2}));
  EXPECT_EQ(a.pending_writes(), 0u);
}

TEST_P(MemoryPipeTest, AnyReadWakesWriteUnlessALowMarkIsSet) {
  std::array<char, 1> one;
  auto [a, b] = Make({.capacity = 4});
  auto [c, d] = Make({.capacity = 4, .low_mark = 2});
  Write(a, "abcd");
  Write(c, "abcd");
  Pending plain, marked, read;
  a.async_write_some(asio::buffer("efgh", 4), Record(plain));
  c.async_write_some(asio::buffer("efgh", 4), Record(marked));
  b.async_read_some(asio::buffer(one), Record(read));
  d.async_read_some(asio::buffer(one), Record(read));
  Run();
  EXPECT_EQ(plain, (Result{{}, 1}));
  EXPECT_FALSE(marked) << "3 bytes are unread, the low mark is 2";
  d.async_read_some(asio::buffer(one), Record(read));
  Run();
  EXPECT_EQ(marked, (Result{{}, 2}));
}

TEST_P(MemoryPipeTest, LowMarkIsNothingToAWriteThatNeedNotWait) {
  auto [a, b] = Make({.capacity = 4, .low_mark = 0});
  Write(a, "abc");
  EXPECT_EQ(Write(a, "defg"), (Result{{}, 1}));
}

TEST_P(MemoryPipeTest, OneByteCapacityPassesAByteAtATime) {
  auto [a, b] = Make({.capacity = 1});
  std::string got(5, '\0');
  Pending write, read;
  asio::async_write(a, asio::buffer("abcde", 5), Record(write));
  asio::async_read(b, asio::buffer(got), Record(read));
  Run();
  EXPECT_EQ(write, (Result{{}, 5}));
  EXPECT_EQ(got, "abcde");
}

TEST_P(MemoryPipeTest, UnboundedPipeTakesEverythingAtOnce) {
  auto [a, b] = Make({.capacity = MemoryPipeOptions::kUnbounded});
  const std::string large(10 << 20, 'x');
  EXPECT_EQ(Write(a, large), (Result{{}, large.size()}));
  EXPECT_EQ(b.buffered(), large.size());
}

TEST_P(MemoryPipeTest, PendingReadWakesWhenThePeerWrites) {
  auto [a, b] = Make();
  Pending read;
  b.async_read_some(asio::buffer(buffer_), Record(read));
  Run();
  EXPECT_EQ(b.pending_reads(), 1u);
  Write(a, "hi");
  EXPECT_EQ(read, (Result{{}, 2}));
  EXPECT_EQ(b.pending_reads(), 0u);
}

TEST_P(MemoryPipeTest, WrittenBytesAreTakenWhenTheModeSays) {
  auto [a, b] = Make();
  std::string bytes = "old";
  Pending write;
  a.async_write_some(asio::buffer(bytes), Record(write));
  EXPECT_EQ(b.buffered(), early() ? 3u : 0u);
  bytes = "new";
  Run();
  Read(b);
  EXPECT_EQ(read_bytes(3), early() ? "old" : "new");
}

TEST_P(MemoryPipeTest, ReadBytesArriveWhenTheModeSays) {
  auto [a, b] = Make();
  Write(a, "new");
  buffer_ = {'o', 'l', 'd'};
  Pending read;
  b.async_read_some(asio::buffer(buffer_), Record(read));
  EXPECT_EQ(read_bytes(3), early() ? "new" : "old");
  Run();
  EXPECT_EQ(read_bytes(3), "new");
}

TEST_P(MemoryPipeTest, CancelBetweenArrivalAndCompletionLosesNoByte) {
  auto [a, b] = Make();
  Write(a, "abc");
  asio::cancellation_signal signal;
  Pending read;
  b.async_read_some(asio::buffer(buffer_),
                    asio::bind_cancellation_slot(signal.slot(), Record(read)));
  signal.emit(asio::cancellation_type::total);
  Run();
  if (early()) {
    EXPECT_EQ(read, (Result{{}, 3})) << "too late";
    return;
  }
  EXPECT_EQ(read, (Result{error::operation_aborted, 0}));
  EXPECT_EQ(Read(b), (Result{{}, 3}));
  EXPECT_EQ(read_bytes(3), "abc");
}

TEST_P(MemoryPipeTest, CancelOfAWriteThatCouldCompleteSendsNothingOrAll) {
  auto [a, b] = Make();
  asio::cancellation_signal signal;
  Pending write;
  a.async_write_some(asio::buffer("abc", 3), asio::bind_cancellation_slot(
                                                 signal.slot(), Record(write)));
  signal.emit(asio::cancellation_type::partial);
  Run();
  EXPECT_EQ(write,
            early() ? (Result{{}, 3}) : (Result{error::operation_aborted, 0}));
  EXPECT_EQ(b.buffered(), write->bytes);
}

TEST_P(MemoryPipeTest, CancellationTypeNoneCancelsNothing) {
  auto [a, b] = Make();
  asio::cancellation_signal signal;
  Pending read;
  b.async_read_some(asio::buffer(buffer_),
                    asio::bind_cancellation_slot(signal.slot(), Record(read)));
  signal.emit(asio::cancellation_type::none);
  Run();
  EXPECT_FALSE(read);
  b.cancel();
  Run();
}

TEST_P(MemoryPipeTest, SlotIsClearedBeforeTheHandler) {
  auto [a, b] = Make();
  asio::cancellation_signal signal;
  bool connected = true;
  Write(a, "x");
  b.async_read_some(
      asio::buffer(buffer_),
      asio::bind_cancellation_slot(signal.slot(), [&](error_code, size_t) {
        connected = signal.slot().has_handler();
      }));
  EXPECT_TRUE(signal.slot().has_handler());
  Run();
  EXPECT_FALSE(connected);
}

TEST_P(MemoryPipeTest, CancelAbortsReadAndWriteAndTheStreamGoesOn) {
  auto [a, b] = Make({.capacity = 1});
  Write(a, "x");
  Pending read, write;
  a.async_read_some(asio::buffer(buffer_), Record(read));
  a.async_write_some(asio::buffer("y", 1), Record(write));
  a.cancel();
  Run();
  EXPECT_EQ(read, (Result{error::operation_aborted, 0}));
  EXPECT_EQ(write, (Result{error::operation_aborted, 0}));
  Read(b);
  EXPECT_EQ(Write(a, "z"), (Result{{}, 1}));
}

TEST_P(MemoryPipeTest, CancelOfNothingLeavesTheNextOperationAlone) {
  auto [a, b] = Make();
  a.cancel();
  b.cancel();
  EXPECT_EQ(Write(a, "x"), (Result{{}, 1}));
  EXPECT_EQ(Read(b), (Result{{}, 1}));
}

TEST_P(MemoryPipeTest, CloseDropsWhatWasNotRead) {
  auto [a, b] = Make();
  Write(a, "abc");
  b.close();
  EXPECT_EQ(b.buffered(), 0u);
}

TEST_P(MemoryPipeTest, CloseAbortsOwnOperationsAndLaterOnesFail) {
  auto [a, b] = Make({.capacity = 1});
  Write(a, "x");
  Pending read, write;
  a.async_read_some(asio::buffer(buffer_), Record(read));
  a.async_write_some(asio::buffer("y", 1), Record(write));
  EXPECT_TRUE(a.is_open());
  a.close();
  EXPECT_FALSE(a.is_open());
  EXPECT_FALSE(read || write);
  Run();
  EXPECT_EQ(read, (Result{error::operation_aborted, 0}));
  EXPECT_EQ(write, (Result{error::operation_aborted, 0}));
  EXPECT_EQ(Read(a).error, error::bad_descriptor);
  EXPECT_EQ(Write(a, "z").error, error::bad_descriptor);
  error_code result;
  a.cancel(result);
  EXPECT_EQ(result, error::bad_descriptor);
  a.shutdown(asio::socket_base::shutdown_send, result);
  EXPECT_EQ(result, error::bad_descriptor);
  a.close(result);
  EXPECT_FALSE(result) << "closing twice is fine";
}

TEST_P(MemoryPipeTest, PeerOfAClosedEndDrainsAndCannotWrite) {
  auto [a, b] = Make();
  Write(a, "last");
  a.close();
  EXPECT_EQ(Read(b), (Result{{}, 4}));
  EXPECT_EQ(Read(b), (Result{error::eof, 0}));
  EXPECT_EQ(Write(b, "x"), (Result{error::broken_pipe, 0}));
  EXPECT_TRUE(b.is_open());
}

TEST_P(MemoryPipeTest, CloseEndsWhatThePeerHasPending) {
  auto [a, b] = Make({.capacity = 1});
  Write(b, "x");
  Pending read, write;
  b.async_read_some(asio::buffer(buffer_), Record(read));
  b.async_write_some(asio::buffer("y", 1), Record(write));
  a.close();
  Run();
  EXPECT_EQ(read, (Result{error::eof, 0}));
  EXPECT_EQ(write, (Result{error::broken_pipe, 0}));
}

TEST_P(MemoryPipeTest, ResetDiscardsUnreadBytesAndIsSeenByBothOperations) {
  auto [a, b] = Make();
  Write(a, "lost");
  a.reset();
  EXPECT_EQ(b.buffered(), 0u);
  EXPECT_EQ(Read(b), (Result{error::connection_reset, 0}));
  EXPECT_EQ(Write(b, "x"), (Result{error::connection_reset, 0}));
  EXPECT_EQ(Read(b), (Result{error::connection_reset, 0})) << "it stays";
  EXPECT_EQ(Read(a).error, error::bad_descriptor);
  error_code result;
  b.shutdown(asio::socket_base::shutdown_send, result);
  EXPECT_EQ(result, error::not_connected);
}

TEST_P(MemoryPipeTest, ResetEndsWhatIsPendingAtBothEnds) {
  auto [a, b] = Make({.capacity = 1});
  Write(b, "x");
  Pending own, read, write;
  a.async_write_some(asio::buffer("z", 1), Record(own));
  if (early()) Run();  // else it could complete
  a.async_read_some(asio::mutable_buffer(), [](error_code, size_t) {});
  b.async_write_some(asio::buffer("y", 1), Record(write));
  a.reset();
  b.async_read_some(asio::buffer(buffer_), Record(read));
  Run();
  EXPECT_EQ(own->error, early() ? error_code() : error::operation_aborted);
  EXPECT_EQ(read, (Result{error::connection_reset, 0}));
  EXPECT_EQ(write, (Result{error::connection_reset, 0}));
}

TEST_P(MemoryPipeTest, ShutdownSendIsAHalfClose) {
  auto [a, b] = Make();
  Write(a, "question");
  a.shutdown_send();
  EXPECT_EQ(Write(a, "x"), (Result{error::broken_pipe, 0}));
  EXPECT_EQ(Read(b), (Result{{}, 8}));
  EXPECT_EQ(Read(b), (Result{error::eof, 0}));
  EXPECT_EQ(Write(b, "answer"), (Result{{}, 6}));
  EXPECT_EQ(Read(a), (Result{{}, 6}));
  error_code result = error::eof;
  a.shutdown(asio::socket_base::shutdown_send, result);
  EXPECT_FALSE(result) << "twice is fine";
}

TEST_P(MemoryPipeTest, ShutdownReceiveDrainsAndRefusesMore) {
  auto [a, b] = Make();
  Write(a, "abc");
  error_code result;
  b.shutdown(asio::socket_base::shutdown_receive, result);
  EXPECT_FALSE(result);
  EXPECT_EQ(Write(a, "d"), (Result{error::broken_pipe, 0}));
  EXPECT_EQ(Read(b), (Result{{}, 3}));
  EXPECT_EQ(Read(b), (Result{error::eof, 0}));
  EXPECT_EQ(Write(b, "x"), (Result{{}, 1}));
}

TEST_P(MemoryPipeTest, DestroyedEndIsAClosedOne) {
  auto ends = std::make_unique<std::pair<MemoryPipe, MemoryPipe>>(Make());
  auto b = std::make_unique<MemoryPipe>(std::move(ends->second));
  Pending own, peer;
  ends->first.async_read_some(asio::buffer(buffer_), Record(own));
  b->async_read_some(asio::buffer(buffer_), Record(peer));
  ends.reset();
  EXPECT_FALSE(own || peer);
  Run();
  EXPECT_EQ(own, (Result{error::operation_aborted, 0}));
  EXPECT_EQ(peer, (Result{error::eof, 0}));
  EXPECT_EQ(Write(*b, "x"), (Result{error::broken_pipe, 0}));
}

TEST_P(MemoryPipeTest, EmptyBuffersCompleteWhateverTheState) {
  auto [a, b] = Make({.capacity = 1});
  Write(a, "x");
  Pending full, empty_write, waiting, empty_read;
  a.async_write_some(asio::buffer("y", 1), Record(full));
  a.async_write_some(asio::const_buffer(), Record(empty_write));
  a.async_read_some(asio::buffer(buffer_), Record(waiting));
  a.async_read_some(asio::mutable_buffer(), Record(empty_read));
  EXPECT_FALSE(empty_read || empty_write);
  Run();
  EXPECT_EQ(empty_write, (Result{{}, 0}));
  EXPECT_EQ(empty_read, (Result{{}, 0}));
  EXPECT_FALSE(full || waiting);
  a.close();
  EXPECT_EQ(Write(a, ""), (Result{{}, 0})) << "also when closed";
  EXPECT_EQ(b.buffered(), 1u);
}

TEST_P(MemoryPipeTest, MovedEndGoesOnAndTheOtherIsClosed) {
  auto [a, b] = Make();
  Write(b, "abc");
  MemoryPipe moved = std::move(a);
  EXPECT_EQ(Read(moved), (Result{{}, 3}));
  EXPECT_FALSE(a.is_open());  // NOLINT: moved from, on purpose
  EXPECT_EQ(Read(a).error, error::bad_descriptor);
  EXPECT_EQ(a.get_executor(), moved.get_executor());
  auto [c, d] = Make();
  c = std::move(moved);
  EXPECT_EQ(Read(d), (Result{error::eof, 0})) << "what c was is closed";
  Write(b, "d");
  EXPECT_EQ(Read(c), (Result{{}, 1}));
}

TEST_P(MemoryPipeTest, DeferredOperationStartsWhenItIsLaunched) {
  auto [a, b] = Make();
  auto operation = b.async_read_some(asio::buffer(buffer_), asio::deferred);
  Write(a, "abc");
  EXPECT_EQ(b.pending_reads(), 0u);
  Pending read;
  std::move(operation)(Record(read));
  Run();
  EXPECT_EQ(read, (Result{{}, 3}));
}

TEST_P(MemoryPipeTest, TypeErasedHandlerKeepsExecutorAndCancellation) {
  auto [a, b] = Make();
  auto strand = asio::make_strand(io_);
  asio::cancellation_signal signal;
  bool inside = false;
  Pending read;
  asio::any_completion_handler<void(error_code, size_t)> handler =
      asio::bind_cancellation_slot(
          signal.slot(),
          asio::bind_executor(strand, [&](error_code e, size_t bytes) {
            inside = strand.running_in_this_thread();
            read = Result{e, bytes};
          }));
  b.async_read_some(asio::buffer(buffer_), std::move(handler));
  signal.emit(asio::cancellation_type::terminal);
  Run();
  EXPECT_EQ(read, (Result{error::operation_aborted, 0}));
  EXPECT_TRUE(inside);
}

// An operation is work of its handler's executor too.
TEST_P(MemoryPipeTest, HandlersContextDoesNotRunOut) {
  auto [a, b] = Make();
  asio::io_context other;
  Pending read;
  b.async_read_some(asio::buffer(buffer_),
                    asio::bind_executor(other, Record(read)));
  other.poll();
  EXPECT_FALSE(other.stopped());
  Write(a, "x");
  EXPECT_FALSE(read) << "belongs to the other context";
  EXPECT_EQ(other.run(), 1u);
  EXPECT_EQ(read, (Result{{}, 1}));
}

// Each end on its own thread, with little room, so that both wait for the other
// all the time.
TEST_P(MemoryPipeTest, EndsOnTwoThreads) {
  asio::io_context other;
  auto [a, b] =
      MakeMemoryPipe(io_.get_executor(), other.get_executor(),
                     {.capacity = 7, .low_mark = 3, .transfer = GetParam()});
  std::string sent(20000, '\0');
  for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i % 127);
  std::string echoed(sent.size(), '\0');
  const auto client = [&, &pipe = a]() -> asio::awaitable<void> {
    for (size_t at = 0; at < sent.size(); at += 1000) {
      co_await asio::async_write(pipe, asio::buffer(&sent[at], 1000),
                                 asio::use_awaitable);
    }
    pipe.shutdown_send();
  };
  const auto receiver = [&, &pipe = a]() -> asio::awaitable<void> {
    co_await asio::async_read(pipe, asio::buffer(echoed), asio::use_awaitable);
  };
  const auto server = [&pipe = b]() -> asio::awaitable<void> {
    std::array<char, 100> chunk;
    try {
      while (true) {
        const size_t bytes = co_await pipe.async_read_some(asio::buffer(chunk),
                                                           asio::use_awaitable);
        co_await asio::async_write(pipe, asio::buffer(chunk, bytes),
                                   asio::use_awaitable);
      }
    } catch (const boost::system::system_error& end) {
      EXPECT_EQ(end.code(), error::eof);
    }
    pipe.close();
  };
  asio::co_spawn(io_, client, asio::detached);
  asio::co_spawn(io_, receiver, asio::detached);
  asio::co_spawn(other, server, asio::detached);
  std::thread thread([&] { other.run(); });
  io_.run();
  thread.join();
  EXPECT_TRUE(echoed == sent);
}

}  // namespace
}  // namespace coffer_testing
