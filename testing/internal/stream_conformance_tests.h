// StreamConformance, the tests; stream_conformance.h registers them.

#ifndef COFFER_TESTING_INTERNAL_STREAM_CONFORMANCE_TESTS_H_
#define COFFER_TESTING_INTERNAL_STREAM_CONFORMANCE_TESTS_H_

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "coffer/testing/internal/counting_allocator.h"
#include "coffer/testing/internal/stream_conformance_fixture.h"
#include "coffer/testing/internal/watched_op.h"
#include "coffer/testing/transfer_mode.h"
#include "gtest/gtest.h"

namespace coffer_testing {

TYPED_TEST_SUITE_P(StreamConformance);

TYPED_TEST_P(StreamConformance, HandlersAreNotInvokedInsideTheCall) {
  this->WriteAll(this->b_, "x");
  internal::Ended read, write;
  this->a_.async_read_some(boost::asio::buffer(this->buffer_),
                           this->Into(read));
  this->ExpectPending(read, "inside the call");
  this->a_.async_write_some(boost::asio::buffer("y", 1), this->Into(write));
  this->ExpectPending(write, "inside the call");
  this->Expect(read, {}, 1);
  this->Expect(write, {}, 1);
}

TYPED_TEST_P(StreamConformance, HandlersAreInvokedExactlyOnce) {
  internal::Ended read, write;
  this->b_.async_read_some(boost::asio::buffer(this->buffer_),
                           this->Into(read));
  this->a_.async_write_some(boost::asio::buffer("x", 1), this->Into(write));
  this->Expect(read, {}, 1);
  this->Expect(write, {}, 1);
  this->Poll();  // for a second time
}

TYPED_TEST_P(StreamConformance, HandlersRunOnTheirExecutor) {
  auto strand = boost::asio::make_strand(this->io_);
  int ended = 0, inside = 0;
  auto handler = boost::asio::bind_executor(
      strand, [&](boost::system::error_code, size_t) {
        ++ended;
        inside += strand.running_in_this_thread() ? 1 : 0;
      });
  this->a_.async_write_some(boost::asio::buffer("x", 1), handler);
  this->b_.async_read_some(boost::asio::buffer(this->buffer_), handler);
  while (ended < 2 && this->RunOne()) {
  }
  EXPECT_EQ(inside, 2) << "handlers on the executor that is theirs";
}

TYPED_TEST_P(StreamConformance, HandlersAllocatorGetsItsMemoryBackFirst) {
  internal::AllocationCount count;
  size_t live_in_handler = 1;
  internal::Ended ended;
  this->b_.async_read_some(
      boost::asio::buffer(this->buffer_),
      boost::asio::bind_allocator(
          internal::CountingAllocator<void>(&count),
          [&, into = this->Into(ended)](boost::system::error_code error,
                                        size_t bytes) mutable {
            live_in_handler = count.live;
            into(error, bytes);
          }));
  EXPECT_GT(count.total, 0u) << "allocations by the handler's allocator";
  this->WriteAll(this->a_, "x");
  this->Expect(ended, {}, 1);
  EXPECT_EQ(live_in_handler, 0u) << "allocations that are not given back";
}

TYPED_TEST_P(StreamConformance, PendingOperationIsWork) {
  internal::Ended ended;
  this->a_.async_read_some(boost::asio::buffer(this->buffer_),
                           this->Into(ended));
  this->Poll();
  this->ExpectPending(ended, "without a byte to read");
  EXPECT_FALSE(this->io_.stopped()) << "a pending operation is no work";
  TypeParam::Cancel(this->a_);
  this->RunUntil(ended);
}

TYPED_TEST_P(StreamConformance, EmptyBuffersCompleteAtOnce) {
  internal::Ended read, write;
  this->a_.async_read_some(boost::asio::mutable_buffer(), this->Into(read));
  this->a_.async_write_some(boost::asio::const_buffer(), this->Into(write));
  this->ExpectPending(read, "inside the call");
  this->ExpectPending(write, "inside the call");
  this->Expect(read, {}, 0);
  this->Expect(write, {}, 0);
}

TYPED_TEST_P(StreamConformance, BufferSequencesOfManyPieces) {
  const std::vector<boost::asio::const_buffer> pieces = {
      boost::asio::buffer("ab", 2), boost::asio::const_buffer(),
      boost::asio::buffer("c", 1), boost::asio::buffer("defg", 4)};
  internal::Ended write, read;
  boost::asio::async_write(this->a_, pieces, this->Into(write));
  std::string x(3, '.'), y(1, '.'), z(3, '.');
  const std::array<boost::asio::mutable_buffer, 4> into = {
      boost::asio::buffer(x), boost::asio::buffer(y),
      boost::asio::mutable_buffer(), boost::asio::buffer(z)};
  boost::asio::async_read(this->b_, into, this->Into(read));
  this->Expect(write, {}, 7);
  this->Expect(read, {}, 7);
  EXPECT_EQ(x + "|" + y + "|" + z, "abc|d|efg");
}

TYPED_TEST_P(StreamConformance, BothDirectionsAtOnce) {
  const auto pattern = [](size_t size, size_t period) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i % period);
    return bytes;
  };
  const std::string forth = pattern(TypeParam::kBulkBytes, 251);
  const std::string back = pattern(TypeParam::kBulkBytes * 2 / 3, 241);
  std::string got_forth(forth.size(), '\0'), got_back(back.size(), '\0');
  std::array<internal::Ended, 4> ended;
  using boost::asio::buffer;
  boost::asio::async_write(this->a_, buffer(forth), this->Into(ended[0]));
  boost::asio::async_read(this->a_, buffer(got_back), this->Into(ended[1]));
  boost::asio::async_write(this->b_, buffer(back), this->Into(ended[2]));
  boost::asio::async_read(this->b_, buffer(got_forth), this->Into(ended[3]));
  for (const auto& one : ended) this->Expect(one, {});
  EXPECT_TRUE(got_forth == forth) << "what was sent is not what was got";
  EXPECT_TRUE(got_back == back) << "what was sent is not what was got";
}

TYPED_TEST_P(StreamConformance, FullStreamMakesWritesWait) {
  const std::string chunk(100000, 'z');
  boost::asio::cancellation_signal signal;
  internal::Ended pending;
  const size_t written = this->Fill(chunk, pending, signal);
  if (this->HasFailure()) return;
  EXPECT_EQ(this->ReadExactly(this->b_, written), std::string(written, 'z'));
  this->Expect(pending, {});
  if (this->HasFailure()) return;
  EXPECT_GT(pending.outcome->bytes, 0u);
  this->ReadExactly(this->b_, pending.outcome->bytes);
}

TYPED_TEST_P(StreamConformance, CancelledWriteHadNoEffect) {
  if (TypeParam::kIsLayer) GTEST_SKIP();
  const std::string chunk(100000, 'z');
  boost::asio::cancellation_signal signal;
  internal::Ended pending;
  const size_t written = this->Fill(chunk, pending, signal);
  if (this->HasFailure()) return;
  signal.emit(boost::asio::cancellation_type::total);
  this->ExpectPending(pending, "inside emit()");
  this->Expect(pending, boost::asio::error::operation_aborted, 0);
  internal::Ended marker;
  boost::asio::async_write(this->a_, boost::asio::buffer("!", 1),
                           this->Into(marker));
  EXPECT_TRUE(this->ReadExactly(this->b_, written + 1) ==
              std::string(written, 'z') + "!")
      << "what the write that was cancelled would have sent has come";
  this->Expect(marker, {}, 1);
}

TYPED_TEST_P(StreamConformance, CancelledReadLosesNoByte) {
  for (const auto type : {boost::asio::cancellation_type::terminal,
                          boost::asio::cancellation_type::partial,
                          boost::asio::cancellation_type::total}) {
    if (TypeParam::kIsLayer &&
        type != boost::asio::cancellation_type::terminal) {
      continue;
    }
    boost::asio::cancellation_signal signal;
    internal::Ended ended;
    this->b_.async_read_some(
        boost::asio::buffer(this->buffer_),
        boost::asio::bind_cancellation_slot(signal.slot(), this->Into(ended)));
    this->Poll();
    signal.emit(type);
    this->ExpectPending(ended, "inside emit()");
    this->Expect(ended, boost::asio::error::operation_aborted, 0);
    internal::Ended write;
    boost::asio::async_write(this->a_, boost::asio::buffer("abc", 3),
                             this->Into(write));
    EXPECT_EQ(this->ReadExactly(this->b_, 3), "abc");
    this->Expect(write, {}, 3);
    if (this->HasFailure()) return;
  }
}

TYPED_TEST_P(StreamConformance, CancelAbortsWhatIsPending) {
  internal::Ended ended;
  this->b_.async_read_some(boost::asio::buffer(this->buffer_),
                           this->Into(ended));
  this->Poll();
  TypeParam::Cancel(this->b_);
  this->ExpectPending(ended, "inside Cancel");
  this->Expect(ended, boost::asio::error::operation_aborted);
}

TYPED_TEST_P(StreamConformance, CloseAbortsOwnAndEndsThePeer) {
  this->WriteAll(this->a_, "l");
  internal::Ended ended;
  this->a_.async_read_some(boost::asio::buffer(this->buffer_),
                           this->Into(ended));
  this->Poll();
  TypeParam::Close(this->a_);
  this->ExpectPending(ended, "inside Close");
  this->Expect(ended, boost::asio::error::operation_aborted);
  EXPECT_EQ(this->ReadSome(this->a_), boost::asio::error::bad_descriptor);
  EXPECT_EQ(this->WriteSome(this->a_), boost::asio::error::bad_descriptor);
  EXPECT_EQ(this->ReadExactly(this->b_, 1), "l");
  const auto end = this->ReadSome(this->b_);
  EXPECT_TRUE(TypeParam::IsEnd(end)) << end.message();
}

TYPED_TEST_P(StreamConformance, ResetIsToldFromAClose) {
  if constexpr (TestFixture::kHasReset) {
    internal::Ended own, peers;
    this->a_.async_read_some(boost::asio::buffer(this->buffer_),
                             this->Into(own));
    std::array<char, 8> buffer;
    this->b_.async_read_some(boost::asio::buffer(buffer), this->Into(peers));
    this->Poll();
    TypeParam::Reset(this->a_);
    this->ExpectPending(own, "inside Reset");
    this->ExpectPending(peers, "inside Reset");
    this->Expect(own, boost::asio::error::operation_aborted, 0);
    this->Expect(peers, boost::asio::error::connection_reset, 0);
    const auto write = this->WriteSome(this->b_);
    EXPECT_TRUE(write == boost::asio::error::connection_reset ||
                write == boost::asio::error::broken_pipe)
        << write.message();
  } else {
    GTEST_SKIP();
  }
}

TYPED_TEST_P(StreamConformance, OverlapIsReported) {
  if constexpr (TestFixture::kReportsOverlap) {
    internal::Ended read, second_read, write, second_write;
    this->b_.async_read_some(boost::asio::buffer(this->buffer_),
                             this->Into(read));
    std::array<char, 8> buffer;
    this->ExpectOverlapReported(
        [&] {
          this->b_.async_read_some(boost::asio::buffer(buffer),
                                   this->Into(second_read));
        },
        second_read);
    this->WriteAll(this->a_, "x");
    this->Expect(read, {}, 1);

    const std::string chunk(100000, 'z');
    boost::asio::cancellation_signal signal;
    const size_t written = this->Fill(chunk, write, signal);
    if (this->HasFailure()) return;
    this->ExpectOverlapReported(
        [&] {
          this->a_.async_write_some(boost::asio::buffer("!", 1),
                                    this->Into(second_write));
        },
        second_write);
    this->ReadExactly(this->b_, written);
    this->Expect(write, {});
  } else {
    GTEST_SKIP();
  }
}

TYPED_TEST_P(StreamConformance, BytesMoveWhenTheTransferModeSays) {
  if constexpr (TestFixture::kHasTransfer) {
    constexpr bool kLate = TypeParam::kTransfer == TransferMode::kLate;
    std::string sent = "a", got = ".";
    internal::Ended write, read;
    this->a_.async_write_some(boost::asio::buffer(sent), this->Into(write));
    sent = "b";
    this->Expect(write, {}, 1);
    // Until what was written has come.
    this->Poll();
    this->b_.async_read_some(boost::asio::buffer(got), this->Into(read));
    EXPECT_EQ(got == ".", kLate) << "a read's bytes: \"" << got << "\"";
    this->Expect(read, {}, 1);
    EXPECT_EQ(got, kLate ? "b" : "a") << "of a buffer that has changed";
  } else {
    GTEST_SKIP();
  }
}

TYPED_TEST_P(StreamConformance, DestroyedStreamAbortsItsOperations) {
  if (TypeParam::kIsLayer) GTEST_SKIP();
  auto ends = TypeParam::Connect(this->io_);
  internal::Ended ended;
  {
    auto a = std::move(ends.first);
    a.async_read_some(boost::asio::buffer(this->buffer_), this->Into(ended));
    this->Poll();
  }
  this->ExpectPending(ended, "inside the destructor");
  this->Expect(ended, boost::asio::error::operation_aborted);
}

TYPED_TEST_P(StreamConformance, HalfCloseLeavesTheOtherDirection) {
  if constexpr (!TypeParam::kIsLayer) {
    this->WriteAll(this->a_, "?");
    TypeParam::ShutdownSend(this->a_);
    EXPECT_EQ(this->ReadExactly(this->b_, 1), "?");
    EXPECT_EQ(this->ReadSome(this->b_), boost::asio::error::eof);
    EXPECT_EQ(this->ReadSome(this->b_), boost::asio::error::eof);
    this->WriteAll(this->b_, "!");
    EXPECT_EQ(this->ReadExactly(this->a_, 1), "!");
    EXPECT_EQ(this->WriteSome(this->a_), boost::asio::error::broken_pipe);
  } else {
    GTEST_SKIP();
  }
}

TYPED_TEST_P(StreamConformance, AnyCompletionToken) {
  using boost::asio::buffer;
  internal::Ended write;
  boost::asio::async_write(this->a_, buffer("12345", 5), this->Into(write));
  std::string read;
  const auto take = [this, &read](size_t bytes) {
    read.append(this->buffer_.data(), bytes);
  };
  auto future = this->b_.async_read_some(buffer(this->buffer_, 1),
                                         boost::asio::use_future);
  while (future.wait_for(std::chrono::seconds(0)) !=
         std::future_status::ready) {
    ASSERT_TRUE(this->RunOne());
  }
  take(future.get());

  // Starts when it is launched, behind another one.
  auto later =
      this->b_.async_read_some(buffer(this->buffer_, 1), boost::asio::deferred);
  internal::Ended first, deferred, done;
  this->b_.async_read_some(buffer(this->buffer_, 1), this->Into(first));
  this->Expect(first, {}, 1);
  take(1);
  std::move(later)(this->Into(deferred));
  this->Expect(deferred, {}, 1);
  take(1);

  auto coroutine = [&]() -> boost::asio::awaitable<void> {
    take(co_await this->b_.async_read_some(buffer(this->buffer_, 1),
                                           boost::asio::use_awaitable));
    const auto [error, bytes] = co_await this->b_.async_read_some(
        buffer(this->buffer_, 1),
        boost::asio::as_tuple(boost::asio::use_awaitable));
    EXPECT_FALSE(error);
    take(bytes);
    done.outcome = {error, bytes};
  };
  boost::asio::co_spawn(this->io_, coroutine, boost::asio::detached);
  this->RunUntil(done);
  EXPECT_EQ(read, "12345");
  this->Expect(write, {}, 5);
}

}  // namespace coffer_testing

#endif  // COFFER_TESTING_INTERNAL_STREAM_CONFORMANCE_TESTS_H_
