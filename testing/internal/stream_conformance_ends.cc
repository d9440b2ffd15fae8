// StreamConformance: cancellation, and the ways for a stream to end.

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <cstddef>
#include <string>
#include <utility>

#include "coffer/testing/internal/stream_conformance_fixture.h"
#include "coffer/testing/internal/watched_op.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {

namespace asio = boost::asio;
using asio::buffer;

void StreamConformanceTest::TestCancelledWriteHadNoEffect() {
  if (streams_.is_layer) GTEST_SKIP() << "not promised of a layer";
  const std::string chunk(100000, 'z');
  Signal signal;
  Ended pending;
  const size_t written = Fill(chunk, pending, signal);
  if (HasFailure()) return;
  signal.emit(asio::cancellation_type::total);
  ExpectPending(pending, "inside emit()");
  Expect(pending, asio::error::operation_aborted, 0);
  Ended marker;
  StartWriteAll(a_, {buffer("!", 1)}, marker);
  EXPECT_TRUE(ReadExactly(b_, written + 1) == std::string(written, 'z') + "!")
      << "what the write that was cancelled would have sent has come";
  Expect(marker, {}, 1);
}

void StreamConformanceTest::TestCancelledReadLosesNoByte() {
  for (const auto type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial,
        asio::cancellation_type::total}) {
    if (streams_.is_layer && type != asio::cancellation_type::terminal) {
      continue;
    }
    Signal signal;
    Ended ended;
    StartRead(b_, buffer(buffer_), signal, ended);
    Poll();
    signal.emit(type);
    ExpectPending(ended, "inside emit()");
    Expect(ended, asio::error::operation_aborted, 0);
    Ended write;
    StartWriteAll(a_, {buffer("abc", 3)}, write);
    EXPECT_EQ(ReadExactly(b_, 3), "abc");
    Expect(write, {}, 3);
    if (HasFailure()) return;
  }
}

void StreamConformanceTest::TestCancelAbortsWhatIsPending() {
  Ended ended;
  StartRead(b_, buffer(buffer_), ended);
  Poll();
  b_.Cancel();
  ExpectPending(ended, "inside Cancel");
  Expect(ended, asio::error::operation_aborted);
}

void StreamConformanceTest::TestCloseAbortsOwnAndEndsThePeer() {
  WriteAll(a_, "l");
  Ended ended;
  StartRead(a_, buffer(buffer_), ended);
  Poll();
  a_.Close();
  ExpectPending(ended, "inside Close");
  Expect(ended, asio::error::operation_aborted);
  EXPECT_EQ(ReadSome(a_), asio::error::bad_descriptor);
  EXPECT_EQ(WriteSome(a_), asio::error::bad_descriptor);
  EXPECT_EQ(ReadExactly(b_, 1), "l");
  const auto end = ReadSome(b_);
  EXPECT_TRUE(streams_.is_end(end)) << end.message();
}

void StreamConformanceTest::TestResetIsToldFromAClose() {
  if (!streams_.has_reset) GTEST_SKIP() << "the stream has no reset";
  Ended own, peers;
  StartRead(a_, buffer(buffer_), own);
  std::array<char, 8> other;
  StartRead(b_, buffer(other), peers);
  Poll();
  a_.Reset();
  ExpectPending(own, "inside Reset");
  ExpectPending(peers, "inside Reset");
  Expect(own, asio::error::operation_aborted, 0);
  Expect(peers, asio::error::connection_reset, 0);
  const auto write = WriteSome(b_);
  EXPECT_TRUE(write == asio::error::connection_reset ||
              write == asio::error::broken_pipe)
      << write.message();
}

void StreamConformanceTest::TestDestroyedStreamAbortsItsOperations() {
  if (streams_.is_layer) GTEST_SKIP() << "not promised of a layer";
  auto ends = streams_.connect(io_);
  Ended ended;
  StartRead(*ends.first, buffer(buffer_), ended);
  Poll();
  ends.first.reset();
  ExpectPending(ended, "inside the destructor");
  Expect(ended, asio::error::operation_aborted);
}

}  // namespace coffer_testing::internal
