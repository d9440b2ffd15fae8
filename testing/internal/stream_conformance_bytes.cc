// StreamConformance: how bytes move.

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "coffer/testing/internal/stream_conformance_fixture.h"
#include "coffer/testing/internal/watched_op.h"
#include "coffer/testing/transfer_mode.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {

namespace asio = boost::asio;
using asio::buffer;

void StreamConformanceTest::TestEmptyBuffersCompleteAtOnce() {
  Ended read, write;
  StartRead(a_, asio::mutable_buffer(), read);
  StartWrite(a_, asio::const_buffer(), write);
  ExpectPending(read, "inside the call");
  ExpectPending(write, "inside the call");
  Expect(read, {}, 0);
  Expect(write, {}, 0);
}

void StreamConformanceTest::TestBufferSequencesOfManyPieces() {
  const std::vector<asio::const_buffer> pieces = {
      buffer("ab", 2), asio::const_buffer(), buffer("c", 1), buffer("defg", 4)};
  Ended write, read;
  StartWriteAll(a_, pieces, write);
  std::string x(3, '.'), y(1, '.'), z(3, '.');
  const std::vector<asio::mutable_buffer> into = {
      buffer(x), buffer(y), asio::mutable_buffer(), buffer(z)};
  StartReadAll(b_, into, read);
  Expect(write, {}, 7);
  Expect(read, {}, 7);
  EXPECT_EQ(x + "|" + y + "|" + z, "abc|d|efg");
}

void StreamConformanceTest::TestBothDirectionsAtOnce() {
  const auto pattern = [](size_t size, size_t period) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i % period);
    return bytes;
  };
  const std::string forth = pattern(streams_.bulk_bytes, 251);
  const std::string back = pattern(streams_.bulk_bytes * 2 / 3, 241);
  std::string got_forth(forth.size(), '\0'), got_back(back.size(), '\0');
  std::array<Ended, 4> ended;
  StartWriteAll(a_, {buffer(forth)}, ended[0]);
  StartReadAll(a_, {buffer(got_back)}, ended[1]);
  StartWriteAll(b_, {buffer(back)}, ended[2]);
  StartReadAll(b_, {buffer(got_forth)}, ended[3]);
  for (const auto& one : ended) Expect(one, {});
  EXPECT_TRUE(got_forth == forth) << "what was sent is not what was got";
  EXPECT_TRUE(got_back == back) << "what was sent is not what was got";
}

void StreamConformanceTest::TestFullStreamMakesWritesWait() {
  const std::string chunk(100000, 'z');
  Signal signal;
  Ended pending;
  const size_t written = Fill(chunk, pending, signal);
  if (HasFailure()) return;
  EXPECT_EQ(ReadExactly(b_, written), std::string(written, 'z'));
  Expect(pending, {});
  if (HasFailure()) return;
  EXPECT_GT(pending.outcome->bytes, 0u);
  ReadExactly(b_, pending.outcome->bytes);
}

void StreamConformanceTest::TestBytesMoveWhenTheTransferModeSays() {
  if (!streams_.transfer) {
    GTEST_SKIP() << "the stream says nothing of when bytes move";
  }
  const bool late = *streams_.transfer == TransferMode::kLate;
  std::string sent = "a", got = ".";
  Ended write, read;
  StartWrite(a_, buffer(sent), write);
  sent = "b";
  Expect(write, {}, 1);
  // Until what was written has come.
  Poll();
  StartRead(b_, buffer(got), read);
  EXPECT_EQ(got == ".", late) << "a read's bytes: \"" << got << "\"";
  Expect(read, {}, 1);
  EXPECT_EQ(got, late ? "b" : "a") << "of a buffer that has changed";
}

void StreamConformanceTest::TestHalfCloseLeavesTheOtherDirection() {
  if (streams_.is_layer) GTEST_SKIP() << "a layer ends both directions";
  WriteAll(a_, "?");
  a_.ShutdownSend();
  EXPECT_EQ(ReadExactly(b_, 1), "?");
  EXPECT_EQ(ReadSome(b_), asio::error::eof);
  // Asio's sockets do not promise to say it again: a read after that can wait
  // for an event of the reactor that has been.
  if (streams_.transfer) {
    EXPECT_EQ(ReadSome(b_), asio::error::eof);
  }
  WriteAll(b_, "!");
  EXPECT_EQ(ReadExactly(a_, 1), "!");
  EXPECT_EQ(WriteSome(a_), asio::error::broken_pipe);
}

}  // namespace coffer_testing::internal
