// StreamConformance: what every connected pair of streams keeps, real or
// double, as a typed test suite. The doubles here pass it, and so do TCP on the
// loopback and TLS over a MemoryPipe: that is how we know that the doubles
// behave as what they stand for. To hold a stream of your own to it, one that
// buffers a byte at least and not everything:
//
//   struct MyTraits {
//     using Stream = ...;
//     static std::pair<Stream, Stream> Connect(asio::io_context& io);
//     static void Close(Stream&);         // both directions, at once
//     static void ShutdownSend(Stream&);  // unless kIsLayer
//     static void Cancel(Stream&);        // everything pending
//     // That is what the peer of a closed stream reads.
//     static bool IsEnd(error_code);
//     // A protocol over another stream, as TLS: it does not half-close,
//     // cancels reads only, by `terminal`, and outlives its operations.
//     static constexpr bool kIsLayer = false;
//     // Sent each way at once.
//     static constexpr size_t kBulkBytes = 300000;
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Mine, StreamConformance, MyTraits);

#ifndef COFFER_TESTING_STREAM_CONFORMANCE_H_
#define COFFER_TESTING_STREAM_CONFORMANCE_H_

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_allocator.hpp>
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
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coffer/testing/internal/counting_allocator.h"
#include "gtest/gtest.h"

namespace coffer_testing {

template <class Traits>
class StreamConformance : public ::testing::Test {
 protected:
  using Error = boost::system::error_code;

  // How an operation ended; empty until its handler is invoked.
  struct Outcome {
    Error error;
    size_t bytes;
    bool operator==(const Outcome&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Outcome& o) {
      return out << o.error.message() << ", " << o.bytes << " bytes";
    }
  };
  using Ended = std::optional<Outcome>;

  static auto Into(Ended& ended) {
    return [&ended](Error error, size_t bytes) {
      EXPECT_FALSE(ended) << "handler invoked twice";
      ended = Outcome{error, bytes};
    };
  }

  // Runs until `ended` is set.
  void RunUntil(const Ended& ended) {
    io_.restart();
    while (!ended && io_.run_one() > 0) {
    }
    ASSERT_TRUE(ended) << "nothing to do, but not completed";
  }

  void WriteAll(typename Traits::Stream& stream, const std::string& bytes) {
    Ended ended;
    boost::asio::async_write(stream, boost::asio::buffer(bytes), Into(ended));
    RunUntil(ended);
    EXPECT_EQ(ended, (Outcome{{}, bytes.size()}));
  }

  std::string ReadExactly(typename Traits::Stream& stream, size_t size) {
    std::string bytes(size, '\0');
    Ended ended;
    boost::asio::async_read(stream, boost::asio::buffer(bytes), Into(ended));
    RunUntil(ended);
    EXPECT_EQ(ended, (Outcome{{}, size}));
    return bytes;
  }

  Outcome ReadSome(typename Traits::Stream& stream) {
    std::array<char, 16> buffer;
    Ended ended;
    stream.async_read_some(boost::asio::buffer(buffer), Into(ended));
    RunUntil(ended);
    return *ended;
  }

  Outcome WriteSome(typename Traits::Stream& stream) {
    Ended ended;
    stream.async_write_some(boost::asio::buffer("x", 1), Into(ended));
    RunUntil(ended);
    return *ended;
  }

  // Bytes written into `a_` until a write waits; `pending` is that write, from
  // `chunk`, to be cancelled by `signal`.
  size_t Fill(const std::string& chunk, Ended& pending,
              boost::asio::cancellation_signal& signal) {
    size_t written = 0;
    while (true) {
      pending.reset();
      a_.async_write_some(
          boost::asio::buffer(chunk),
          boost::asio::bind_cancellation_slot(signal.slot(), Into(pending)));
      io_.restart();
      io_.poll();
      if (!pending) return written;
      EXPECT_FALSE(pending->error) << pending->error.message();
      written += pending->bytes;
    }
  }

  boost::asio::io_context io_;
  std::pair<typename Traits::Stream, typename Traits::Stream> pair_ =
      Traits::Connect(io_);
  typename Traits::Stream& a_ = pair_.first;
  typename Traits::Stream& b_ = pair_.second;
  std::array<char, 64> buffer_;
};

TYPED_TEST_SUITE_P(StreamConformance);

TYPED_TEST_P(StreamConformance, HandlersAreNotInvokedInsideTheCall) {
  this->WriteAll(this->b_, "x");
  typename TestFixture::Ended read, write;
  this->a_.async_read_some(boost::asio::buffer(this->buffer_),
                           this->Into(read));
  EXPECT_FALSE(read);
  this->a_.async_write_some(boost::asio::buffer("y", 1), this->Into(write));
  EXPECT_FALSE(write);
  this->RunUntil(read);
  this->RunUntil(write);
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
  this->io_.restart();
  while (ended < 2 && this->io_.run_one() > 0) {
  }
  EXPECT_EQ(inside, 2);
}

TYPED_TEST_P(StreamConformance, HandlersAllocatorGetsItsMemoryBackFirst) {
  internal::AllocationCount count;
  size_t live_in_handler = 1;
  typename TestFixture::Ended ended;
  this->b_.async_read_some(
      boost::asio::buffer(this->buffer_),
      boost::asio::bind_allocator(
          internal::CountingAllocator<void>(&count),
          [&](boost::system::error_code error, size_t bytes) {
            live_in_handler = count.live;
            ended = {error, bytes};
          }));
  EXPECT_GT(count.total, 0u);
  this->WriteAll(this->a_, "x");
  this->RunUntil(ended);
  EXPECT_EQ(live_in_handler, 0u);
}

TYPED_TEST_P(StreamConformance, PendingOperationIsWork) {
  typename TestFixture::Ended ended;
  this->a_.async_read_some(boost::asio::buffer(this->buffer_),
                           this->Into(ended));
  this->io_.restart();
  this->io_.poll();
  EXPECT_FALSE(ended);
  EXPECT_FALSE(this->io_.stopped());
  TypeParam::Cancel(this->a_);
  this->RunUntil(ended);
}

TYPED_TEST_P(StreamConformance, EmptyBuffersCompleteAtOnce) {
  typename TestFixture::Ended read, write;
  this->a_.async_read_some(boost::asio::mutable_buffer(), this->Into(read));
  this->a_.async_write_some(boost::asio::const_buffer(), this->Into(write));
  EXPECT_FALSE(read || write);
  this->RunUntil(read);
  this->RunUntil(write);
  EXPECT_EQ(read, (typename TestFixture::Outcome{{}, 0}));
  EXPECT_EQ(write, (typename TestFixture::Outcome{{}, 0}));
}

TYPED_TEST_P(StreamConformance, BufferSequencesOfManyPieces) {
  const std::vector<boost::asio::const_buffer> pieces = {
      boost::asio::buffer("ab", 2), boost::asio::const_buffer(),
      boost::asio::buffer("c", 1), boost::asio::buffer("defg", 4)};
  typename TestFixture::Ended write, read;
  boost::asio::async_write(this->a_, pieces, this->Into(write));
  std::string x(3, '.'), y(1, '.'), z(3, '.');
  const std::array<boost::asio::mutable_buffer, 4> into = {
      boost::asio::buffer(x), boost::asio::buffer(y),
      boost::asio::mutable_buffer(), boost::asio::buffer(z)};
  boost::asio::async_read(this->b_, into, this->Into(read));
  this->RunUntil(write);
  this->RunUntil(read);
  EXPECT_EQ(read, (typename TestFixture::Outcome{{}, 7}));
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
  std::array<typename TestFixture::Ended, 4> ended;
  using boost::asio::buffer;
  boost::asio::async_write(this->a_, buffer(forth), this->Into(ended[0]));
  boost::asio::async_read(this->a_, buffer(got_back), this->Into(ended[1]));
  boost::asio::async_write(this->b_, buffer(back), this->Into(ended[2]));
  boost::asio::async_read(this->b_, buffer(got_forth), this->Into(ended[3]));
  for (const auto& one : ended) this->RunUntil(one);
  EXPECT_TRUE(got_forth == forth);
  EXPECT_TRUE(got_back == back);
}

TYPED_TEST_P(StreamConformance, FullStreamMakesWritesWait) {
  const std::string chunk(100000, 'z');
  boost::asio::cancellation_signal signal;
  typename TestFixture::Ended pending;
  const size_t written = this->Fill(chunk, pending, signal);
  ASSERT_FALSE(pending);
  EXPECT_EQ(this->ReadExactly(this->b_, written), std::string(written, 'z'));
  this->RunUntil(pending);
  EXPECT_FALSE(pending->error);
  EXPECT_GT(pending->bytes, 0u);
  this->ReadExactly(this->b_, pending->bytes);
}

TYPED_TEST_P(StreamConformance, CancelledWriteHadNoEffect) {
  if (TypeParam::kIsLayer) GTEST_SKIP();
  const std::string chunk(100000, 'z');
  boost::asio::cancellation_signal signal;
  typename TestFixture::Ended pending;
  const size_t written = this->Fill(chunk, pending, signal);
  ASSERT_FALSE(pending);
  signal.emit(boost::asio::cancellation_type::total);
  EXPECT_FALSE(pending);
  this->RunUntil(pending);
  EXPECT_EQ(pending, (typename TestFixture::Outcome{
                         boost::asio::error::operation_aborted, 0}));
  typename TestFixture::Ended marker;
  boost::asio::async_write(this->a_, boost::asio::buffer("!", 1),
                           this->Into(marker));
  EXPECT_EQ(this->ReadExactly(this->b_, written + 1),
            std::string(written, 'z') + "!");
  this->RunUntil(marker);
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
    typename TestFixture::Ended ended;
    this->b_.async_read_some(
        boost::asio::buffer(this->buffer_),
        boost::asio::bind_cancellation_slot(signal.slot(), this->Into(ended)));
    this->io_.restart();
    this->io_.poll();
    signal.emit(type);
    EXPECT_FALSE(ended) << "completed inside emit()";
    this->RunUntil(ended);
    EXPECT_EQ(ended, (typename TestFixture::Outcome{
                         boost::asio::error::operation_aborted, 0}));
    typename TestFixture::Ended write;
    boost::asio::async_write(this->a_, boost::asio::buffer("abc", 3),
                             this->Into(write));
    EXPECT_EQ(this->ReadExactly(this->b_, 3), "abc");
    this->RunUntil(write);
  }
}

TYPED_TEST_P(StreamConformance, CancelAbortsWhatIsPending) {
  typename TestFixture::Ended ended;
  this->b_.async_read_some(boost::asio::buffer(this->buffer_),
                           this->Into(ended));
  this->io_.restart();
  this->io_.poll();
  TypeParam::Cancel(this->b_);
  EXPECT_FALSE(ended);
  this->RunUntil(ended);
  EXPECT_EQ(ended->error, boost::asio::error::operation_aborted);
}

TYPED_TEST_P(StreamConformance, CloseAbortsOwnAndEndsThePeer) {
  this->WriteAll(this->a_, "l");
  typename TestFixture::Ended ended;
  this->a_.async_read_some(boost::asio::buffer(this->buffer_),
                           this->Into(ended));
  this->io_.restart();
  this->io_.poll();
  TypeParam::Close(this->a_);
  EXPECT_FALSE(ended);
  this->RunUntil(ended);
  EXPECT_EQ(ended->error, boost::asio::error::operation_aborted);
  EXPECT_EQ(this->ReadSome(this->a_).error, boost::asio::error::bad_descriptor);
  EXPECT_EQ(this->WriteSome(this->a_).error,
            boost::asio::error::bad_descriptor);
  EXPECT_EQ(this->ReadExactly(this->b_, 1), "l");
  EXPECT_TRUE(TypeParam::IsEnd(this->ReadSome(this->b_).error));
}

TYPED_TEST_P(StreamConformance, DestroyedStreamAbortsItsOperations) {
  if (TypeParam::kIsLayer) GTEST_SKIP();
  auto ends = TypeParam::Connect(this->io_);
  typename TestFixture::Ended ended;
  {
    auto a = std::move(ends.first);
    a.async_read_some(boost::asio::buffer(this->buffer_), this->Into(ended));
    this->io_.restart();
    this->io_.poll();
  }
  EXPECT_FALSE(ended);
  this->RunUntil(ended);
  EXPECT_EQ(ended->error, boost::asio::error::operation_aborted);
}

TYPED_TEST_P(StreamConformance, HalfCloseLeavesTheOtherDirection) {
  if constexpr (!TypeParam::kIsLayer) {
    this->WriteAll(this->a_, "?");
    TypeParam::ShutdownSend(this->a_);
    EXPECT_EQ(this->ReadExactly(this->b_, 1), "?");
    const auto end = this->ReadSome(this->b_);
    EXPECT_EQ(end.error, boost::asio::error::eof);
    EXPECT_EQ(this->ReadSome(this->b_).error, boost::asio::error::eof);
    this->WriteAll(this->b_, "!");
    EXPECT_EQ(this->ReadExactly(this->a_, 1), "!");
    EXPECT_EQ(this->WriteSome(this->a_).error, boost::asio::error::broken_pipe);
  } else {
    GTEST_SKIP();
  }
}

TYPED_TEST_P(StreamConformance, AnyCompletionToken) {
  using boost::asio::buffer;
  typename TestFixture::Ended write;
  boost::asio::async_write(this->a_, buffer("1234", 4), this->Into(write));
  std::string read;
  const auto take = [this, &read](size_t bytes) {
    read.append(this->buffer_.data(), bytes);
  };
  auto future = this->b_.async_read_some(buffer(this->buffer_, 1),
                                         boost::asio::use_future);
  this->io_.restart();
  while (future.wait_for(std::chrono::seconds(0)) !=
         std::future_status::ready) {
    ASSERT_EQ(this->io_.run_one(), 1u);
  }
  take(future.get());

  auto later =
      this->b_.async_read_some(buffer(this->buffer_, 1), boost::asio::deferred);
  typename TestFixture::Ended deferred, done;
  std::move(later)(this->Into(deferred));
  this->RunUntil(deferred);
  take(deferred->bytes);

  auto coroutine = [&]() -> boost::asio::awaitable<void> {
    take(co_await this->b_.async_read_some(buffer(this->buffer_, 1),
                                           boost::asio::use_awaitable));
    const auto [error, bytes] = co_await this->b_.async_read_some(
        buffer(this->buffer_, 1),
        boost::asio::as_tuple(boost::asio::use_awaitable));
    EXPECT_FALSE(error);
    take(bytes);
    done = {error, 0};
  };
  boost::asio::co_spawn(this->io_, coroutine, boost::asio::detached);
  this->RunUntil(done);
  EXPECT_EQ(read, "1234");
  this->RunUntil(write);
}

REGISTER_TYPED_TEST_SUITE_P(
    StreamConformance, HandlersAreNotInvokedInsideTheCall,
    HandlersRunOnTheirExecutor, HandlersAllocatorGetsItsMemoryBackFirst,
    PendingOperationIsWork, EmptyBuffersCompleteAtOnce,
    BufferSequencesOfManyPieces, BothDirectionsAtOnce,
    FullStreamMakesWritesWait, CancelledWriteHadNoEffect,
    CancelledReadLosesNoByte, CancelAbortsWhatIsPending,
    CloseAbortsOwnAndEndsThePeer, DestroyedStreamAbortsItsOperations,
    HalfCloseLeavesTheOtherDirection, AnyCompletionToken);

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STREAM_CONFORMANCE_H_
