// StreamConformanceTest, the fixture of StreamConformance: two streams and a
// context, what the tests do with them, and the tests. What fails names the
// line that started the operation.

#ifndef COFFER_TESTING_INTERNAL_STREAM_CONFORMANCE_FIXTURE_H_
#define COFFER_TESTING_INTERNAL_STREAM_CONFORMANCE_FIXTURE_H_

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "coffer/testing/internal/erased_stream.h"
#include "coffer/testing/internal/examined_streams.h"
#include "coffer/testing/internal/watched_op.h"
#include "gtest/gtest.h"

namespace coffer_testing::internal {

class StreamConformanceTest : public ::testing::Test {
 protected:
  explicit StreamConformanceTest(const ExaminedStreams& streams);
  ~StreamConformanceTest() override;

  // In stream_conformance_handlers.cc.
  void TestHandlersAreNotInvokedInsideTheCall();
  void TestHandlersAreInvokedExactlyOnce();
  void TestHandlersRunOnTheirExecutor();
  void TestHandlersAllocatorGetsItsMemoryBackFirst();
  void TestPendingOperationIsWork();
  void TestOverlapIsReported();
  void TestAnyCompletionToken();
  // In stream_conformance_bytes.cc.
  void TestEmptyBuffersCompleteAtOnce();
  void TestBufferSequencesOfManyPieces();
  void TestBothDirectionsAtOnce();
  void TestFullStreamMakesWritesWait();
  void TestBytesMoveWhenTheTransferModeSays();
  void TestHalfCloseLeavesTheOtherDirection();
  // In stream_conformance_ends.cc.
  void TestCancelledWriteHadNoEffect();
  void TestCancelledReadLosesNoByte();
  void TestCancelAbortsWhatIsPending();
  void TestCloseAbortsOwnAndEndsThePeer();
  void TestResetIsToldFromAClose();
  void TestDestroyedStreamAbortsItsOperations();

 private:
  using Error = boost::system::error_code;
  using Where = std::source_location;
  using Signal = boost::asio::cancellation_signal;

  static auto Into(Ended& ended, Where where = Where::current()) {
    return WatchOp(ended, where);
  }

  // One handler; false if none came, and none will.
  bool RunOne();
  // What is ready now.
  void Poll();
  // Runs until the operation has ended.
  void RunUntil(const Ended& ended);
  // And as it should have: with `error`, and `bytes` unless those are any.
  static constexpr size_t kAnyBytes = SIZE_MAX;
  void Expect(const Ended& ended, Error error, size_t bytes = kAnyBytes);
  // Not ended yet: it waits, or is queued.
  static void ExpectPending(const Ended& ended, const char* when);

  // Start operations that are to end into `ended`: one, and of `signal` if it
  // is given; or a composed one.
  void StartRead(ErasedStream& stream, boost::asio::mutable_buffer buffer,
                 Ended& ended, Where where = Where::current());
  void StartRead(ErasedStream& stream, boost::asio::mutable_buffer buffer,
                 Signal& signal, Ended& ended, Where where = Where::current());
  void StartWrite(ErasedStream& stream, boost::asio::const_buffer buffer,
                  Ended& ended, Where where = Where::current());
  void StartReadAll(ErasedStream& stream,
                    const std::vector<boost::asio::mutable_buffer>& buffers,
                    Ended& ended, Where where = Where::current());
  void StartWriteAll(ErasedStream& stream,
                     const std::vector<boost::asio::const_buffer>& buffers,
                     Ended& ended, Where where = Where::current());

  void WriteAll(ErasedStream& stream, const std::string& bytes,
                Where where = Where::current());
  std::string ReadExactly(ErasedStream& stream, size_t size,
                          Where where = Where::current());
  Error ReadSome(ErasedStream& stream, Where where = Where::current());
  Error WriteSome(ErasedStream& stream, Where where = Where::current());

  // Bytes written into `a_` until a write waits; `pending` is that write, from
  // `chunk`, to be cancelled by `signal`.
  size_t Fill(const std::string& chunk, Ended& pending, Signal& signal,
              Where where = Where::current());

  // What is said of the operation that `start` starts while another of its kind
  // is pending.
  void ExpectOverlapReported(const std::function<void()>& start, Ended& second);

  // Of an operation that does not complete in time: it may do so later.
  struct Kept {
    std::string bytes;
    Ended ended = {};
  };
  Kept& Keep(std::string bytes);

  const ExaminedStreams streams_;
  boost::asio::io_context io_;
  ExaminedStreams::Ends ends_ = streams_.connect(io_);
  ErasedStream& a_ = *ends_.first;
  ErasedStream& b_ = *ends_.second;
  std::array<char, 64> buffer_;
  std::deque<Kept> kept_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_STREAM_CONFORMANCE_FIXTURE_H_
