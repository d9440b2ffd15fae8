// StreamConformance: what streams do with handlers and completion tokens.

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <future>
#include <string>
#include <utility>

#include "coffer/testing/internal/counting_allocator.h"
#include "coffer/testing/internal/erased_handler.h"
#include "coffer/testing/internal/stream_conformance_fixture.h"
#include "coffer/testing/internal/watched_op.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {

namespace asio = boost::asio;
using asio::buffer;

void StreamConformanceTest::TestHandlersAreNotInvokedInsideTheCall() {
  WriteAll(b_, "x");
  Ended read, write;
  StartRead(a_, buffer(buffer_), read);
  ExpectPending(read, "inside the call");
  StartWrite(a_, buffer("y", 1), write);
  ExpectPending(write, "inside the call");
  Expect(read, {}, 1);
  Expect(write, {}, 1);
}

void StreamConformanceTest::TestHandlersAreInvokedExactlyOnce() {
  Ended read, write;
  b_.ReadPlainly(buffer(buffer_), read);
  a_.WritePlainly(buffer("x", 1), write);
  ExpectPending(read, "inside the call");
  ExpectPending(write, "inside the call");
  Expect(read, {}, 1);
  Expect(write, {}, 1);
  Poll();  // for a second time
}

void StreamConformanceTest::TestHandlersRunOnTheirExecutor() {
  auto strand = asio::make_strand(io_);
  int ended = 0, inside = 0;
  auto handler =
      asio::bind_executor(strand, [&](boost::system::error_code, size_t) {
        ++ended;
        inside += strand.running_in_this_thread() ? 1 : 0;
      });
  a_.async_write_some(buffer("x", 1), handler);
  b_.async_read_some(buffer(buffer_), handler);
  while (ended < 2 && RunOne()) {
  }
  EXPECT_EQ(inside, 2) << "handlers on the executor that is theirs";
}

void StreamConformanceTest::TestHandlersAllocatorGetsItsMemoryBackFirst() {
  AllocationCount count;
  size_t live_in_handler = 1;
  Ended ended;
  auto into = [&, note = Into(ended)](boost::system::error_code error,
                                      size_t bytes) mutable {
    live_in_handler = count.live;
    note(error, bytes);
  };
  b_.Read({buffer(buffer_)},
          ErasedHandler(std::move(into), &count, Where::current()));
  EXPECT_GT(count.total, 0u) << "allocations by the handler's allocator";
  WriteAll(a_, "x");
  Expect(ended, {}, 1);
  EXPECT_EQ(live_in_handler, 0u) << "allocations that are not given back";
}

void StreamConformanceTest::TestPendingOperationIsWork() {
  Ended ended;
  StartRead(a_, buffer(buffer_), ended);
  Poll();
  ExpectPending(ended, "without a byte to read");
  EXPECT_FALSE(io_.stopped()) << "a pending operation is no work";
  a_.Cancel();
  RunUntil(ended);
}

void StreamConformanceTest::TestOverlapIsReported() {
  if (!streams_.reports_overlap) {
    GTEST_SKIP() << "the stream does not report overlap";
  }
  Ended read, second_read, write, second_write;
  StartRead(b_, buffer(buffer_), read);
  std::array<char, 8> other;
  ExpectOverlapReported([&] { StartRead(b_, buffer(other), second_read); },
                        second_read);
  WriteAll(a_, "x");
  Expect(read, {}, 1);

  const std::string chunk(100000, 'z');
  Signal signal;
  const size_t written = Fill(chunk, write, signal);
  if (HasFailure()) return;
  ExpectOverlapReported([&] { StartWrite(a_, buffer("!", 1), second_write); },
                        second_write);
  ReadExactly(b_, written);
  Expect(write, {});
}

void StreamConformanceTest::TestAnyCompletionToken() {
  Ended write;
  StartWriteAll(a_, {buffer("12345", 5)}, write);
  std::string read;
  const asio::mutable_buffer one = buffer(buffer_, 1);
  const auto take = [this, &read](size_t bytes) {
    read.append(buffer_.data(), bytes);
  };
  auto future = b_.ReadFuture(one);
  while (future.wait_for(std::chrono::seconds(0)) !=
         std::future_status::ready) {
    ASSERT_TRUE(RunOne());
  }
  take(future.get());

  // Starts when it is launched, behind another one.
  const auto later = b_.ReadDeferred(one);
  Ended first, deferred, done;
  StartRead(b_, one, first);
  Expect(first, {}, 1);
  take(1);
  later(ErasedHandler(Into(deferred), nullptr, Where::current()));
  Expect(deferred, {}, 1);
  take(1);

  auto coroutine = [&]() -> asio::awaitable<void> {
    take(co_await b_.ReadAwaitable(one));
    const auto [error, bytes] = co_await b_.ReadAwaitableTuple(one);
    EXPECT_FALSE(error);
    take(bytes);
    done.outcome = {error, bytes};
  };
  asio::co_spawn(io_, coroutine, asio::detached);
  RunUntil(done);
  EXPECT_EQ(read, "12345");
  Expect(write, {}, 5);
}

}  // namespace coffer_testing::internal
