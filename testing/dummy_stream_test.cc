#include "coffer/testing/dummy_stream.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>

#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/internal/op_recorder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
namespace error = boost::asio::error;
using internal::Pending;
using internal::Record;
using internal::Result;

class DummyStreamTest : public ::testing::TestWithParam<TransferMode> {
 protected:
  DummyStreamOptions options() const { return {.transfer = GetParam()}; }

  void Run() {
    io_.restart();
    io_.poll();
  }

  Result Read(DummyStream& stream, size_t size = 64) {
    Pending done;
    stream.async_read_some(asio::buffer(buffer_, size), Record(done));
    EXPECT_FALSE(done) << "invoked inside the call";
    Run();
    return done.value_or(Result{error::would_block});
  }

  Result Write(DummyStream& stream, const std::string& bytes) {
    Pending done;
    stream.async_write_some(asio::buffer(bytes), Record(done));
    EXPECT_FALSE(done) << "invoked inside the call";
    Run();
    return done.value_or(Result{error::would_block});
  }

  std::string read_bytes(size_t size) const { return {buffer_.data(), size}; }

  asio::io_context io_;
  std::array<char, 64> buffer_{};
};

INSTANTIATE_TEST_SUITE_P(Modes, DummyStreamTest,
                         ::testing::Values(TransferMode::kLate,
                                           TransferMode::kEarly),
                         [](const auto& mode) -> std::string {
                           return mode.param == TransferMode::kLate ? "Late"
                                                                    : "Early";
                         });

TEST_P(DummyStreamTest, ReadsTheInputThenEof) {
  DummyStream stream(io_.get_executor(), "abcde", options());
  EXPECT_EQ(stream.buffered(), 5u);
  EXPECT_EQ(Read(stream, 2), (Result{{}, 2}));
  EXPECT_EQ(read_bytes(2), "ab");
  EXPECT_EQ(stream.buffered(), 3u);
  EXPECT_EQ(Read(stream), (Result{{}, 3}));
  EXPECT_EQ(read_bytes(3), "cde");
  EXPECT_EQ(Read(stream), (Result{error::eof, 0}));
  EXPECT_EQ(Read(stream), (Result{error::eof, 0}));
}

TEST_P(DummyStreamTest, NoInputIsEof) {
  DummyStream stream(io_.get_executor());
  EXPECT_EQ(Read(stream), (Result{error::eof, 0}));
}

TEST_P(DummyStreamTest, RecordsWhatIsWrittenAfterTheInputToo) {
  DummyStream stream(io_.get_executor(), "", options());
  Read(stream);
  EXPECT_EQ(Write(stream, "abc"), (Result{{}, 3}));
  EXPECT_EQ(Write(stream, std::string("\0d", 2)), (Result{{}, 2}));
  EXPECT_EQ(stream.written(), std::string("abc\0d", 5));
  EXPECT_EQ(stream.buffered(), 0u) << "not read back";
}

TEST_P(DummyStreamTest, WritesPiecesInOrder) {
  DummyStream stream(io_.get_executor(), "", options());
  const std::array<asio::const_buffer, 3> pieces = {
      asio::buffer("ab", 2), asio::const_buffer(), asio::buffer("c", 1)};
  Pending done;
  asio::async_write(stream, pieces, Record(done));
  Run();
  EXPECT_EQ(done, (Result{{}, 3}));
  EXPECT_EQ(stream.written(), "abc");
}

TEST_P(DummyStreamTest, WrittenBytesAreTakenWhenTheModeSays) {
  DummyStream stream(io_.get_executor(), "", options());
  std::string bytes = "old";
  Pending done;
  stream.async_write_some(asio::buffer(bytes), Record(done));
  bytes = "new";
  Run();
  EXPECT_EQ(stream.written(),
            GetParam() == TransferMode::kLate ? "new" : "old");
}

TEST_P(DummyStreamTest, ShutdownSendEndsWritingOnly) {
  DummyStream stream(io_.get_executor(), "abc", options());
  Write(stream, "x");
  stream.shutdown_send();
  EXPECT_EQ(Write(stream, "y"), (Result{error::broken_pipe, 0}));
  EXPECT_EQ(Read(stream), (Result{{}, 3}));
  EXPECT_EQ(stream.written(), "x");
}

TEST_P(DummyStreamTest, ClosedStreamStillShowsWhatWasWritten) {
  DummyStream stream(io_.get_executor(), "abc", options());
  Write(stream, "x");
  stream.lowest_layer().close();
  EXPECT_FALSE(stream.is_open());
  EXPECT_EQ(Read(stream).error, error::bad_descriptor);
  EXPECT_EQ(Write(stream, "y").error, error::bad_descriptor);
  EXPECT_EQ(stream.written(), "x");
}

TEST_P(DummyStreamTest, MovedStreamKeepsInputAndOutput) {
  DummyStream stream(io_.get_executor(), "abc", options());
  Write(stream, "x");
  DummyStream moved = std::move(stream);
  EXPECT_EQ(Read(moved), (Result{{}, 3}));
  EXPECT_EQ(moved.written(), "x");
}

TEST_P(DummyStreamTest, LoopbackReadsWhatWasWritten) {
  DummyStream stream = DummyStream::Loopback(io_.get_executor(), options());
  EXPECT_EQ(Write(stream, "abcde"), (Result{{}, 5}));
  EXPECT_EQ(stream.buffered(), 5u);
  EXPECT_EQ(Read(stream, 3), (Result{{}, 3}));
  EXPECT_EQ(read_bytes(3), "abc");
  EXPECT_EQ(Read(stream), (Result{{}, 2}));
  EXPECT_EQ(read_bytes(2), "de");
  EXPECT_EQ(stream.written(), "abcde");
}

TEST_P(DummyStreamTest, EmptyLoopbackReadWaitsForAWrite) {
  DummyStream stream = DummyStream::Loopback(io_.get_executor(), options());
  Pending read;
  stream.async_read_some(asio::buffer(buffer_), Record(read));
  Run();
  EXPECT_FALSE(read);
  EXPECT_EQ(stream.pending_reads(), 1u);
  Write(stream, "x");
  EXPECT_EQ(read, (Result{{}, 1}));
}

TEST_P(DummyStreamTest, LoopbackShutdownIsEofAfterTheRest) {
  DummyStream stream = DummyStream::Loopback(io_.get_executor(), options());
  Write(stream, "abc");
  stream.shutdown_send();
  EXPECT_EQ(Read(stream), (Result{{}, 3}));
  EXPECT_EQ(Read(stream), (Result{error::eof, 0}));
}

TEST_P(DummyStreamTest, LoopbackCloseAbortsThePendingRead) {
  DummyStream stream = DummyStream::Loopback(io_.get_executor(), options());
  Pending read;
  stream.async_read_some(asio::buffer(buffer_), Record(read));
  stream.close();
  Run();
  EXPECT_EQ(read, (Result{error::operation_aborted, 0}));
}

TEST_P(DummyStreamTest, ReadMovesNoMoreThanItsLimit) {
  DummyStreamOptions limited = options();
  limited.read_bytes_max = 2;
  DummyStream stream(io_.get_executor(), "abcde", limited);
  EXPECT_EQ(Read(stream), (Result{{}, 2}));
  EXPECT_EQ(read_bytes(2), "ab");
  EXPECT_EQ(Read(stream, 1), (Result{{}, 1}));
  EXPECT_EQ(read_bytes(1), "c");
  EXPECT_EQ(Read(stream), (Result{{}, 2}));
  EXPECT_EQ(read_bytes(2), "de");
  EXPECT_EQ(Read(stream), (Result{error::eof, 0}));
  EXPECT_EQ(Write(stream, "fghij"), (Result{{}, 5})) << "of reads only";
}

TEST_P(DummyStreamTest, WriteMovesNoMoreThanItsLimit) {
  DummyStreamOptions limited = options();
  limited.write_bytes_max = 2;
  DummyStream stream(io_.get_executor(), "abcde", limited);
  EXPECT_EQ(Write(stream, "xyz"), (Result{{}, 2}));
  EXPECT_EQ(stream.written(), "xy");
  EXPECT_EQ(Write(stream, "z"), (Result{{}, 1}));
  EXPECT_EQ(stream.written(), "xyz");
  EXPECT_EQ(Read(stream), (Result{{}, 5})) << "of writes only";
}

TEST_P(DummyStreamTest, LimitsSpanBuffersAndComposedOperations) {
  DummyStreamOptions limited = options();
  limited.read_bytes_max = 2;
  limited.write_bytes_max = 1;
  DummyStream stream = DummyStream::Loopback(io_.get_executor(), limited);
  Pending written;
  asio::async_write(stream, asio::buffer("abcde", 5), Record(written));
  Run();
  EXPECT_EQ(written, (Result{{}, 5}));

  const std::array<asio::mutable_buffer, 2> pieces = {
      asio::buffer(buffer_.data(), 1), asio::buffer(buffer_.data() + 1, 4)};
  Pending some;
  stream.async_read_some(pieces, Record(some));
  Run();
  EXPECT_EQ(some, (Result{{}, 2}));
  Pending rest;
  asio::async_read(stream, asio::buffer(buffer_.data() + 2, 3), Record(rest));
  Run();
  EXPECT_EQ(rest, (Result{{}, 3}));
  EXPECT_EQ(read_bytes(5), "abcde");
}

// Deliberately wrong programs: one takes a read for a message, one a write for
// all. Each passes its test until the stream moves little at a time.

std::string ReadsOnce(asio::io_context& io, DummyStream& stream) {
  std::array<char, 5> message;
  size_t got = 0;
  stream.async_read_some(asio::buffer(message),
                         [&](auto, size_t bytes) { got = bytes; });
  io.run();
  return std::string(message.data(), got);
}

std::string WritesOnce(asio::io_context& io, DummyStream& stream) {
  stream.async_write_some(asio::buffer("hello", 5), [](auto...) {});
  io.run();
  return stream.written();
}

TEST(DummyStreamExposesTest, AnOperationTakenForAMessage) {
  for (const auto program : {ReadsOnce, WritesOnce}) {
    for (const bool little : {false, true}) {
      DummyStreamOptions options;
      if (little) options.read_bytes_max = options.write_bytes_max = 2;
      asio::io_context io;
      DummyStream stream(io.get_executor(), "hello", options);
      internal::CapturedFailures captured;
      EXPECT_EQ(program(io, stream), "hello");
      const auto failures = captured.Get();
      ASSERT_EQ(failures.size(), little ? 1u : 0u);
      if (little) {
        EXPECT_THAT(failures[0].message,
                    ::testing::HasSubstr("Which is: \"he\""));
      }
    }
  }
}

}  // namespace
}  // namespace coffer_testing
