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
//
//     // Left out if they are not so; what they are about is skipped then.
//     static void Reset(Stream&);  // the peer's pending read gets
//                                  // connection_reset
//     // A second operation of a kind fails the test, and completes with
//     // already_started.
//     static constexpr bool kReportsOverlap = true;
//     // When bytes move: at the completion of an operation, or at its start.
//     static constexpr TransferMode kTransfer = TransferMode::kLate;
//     // All that happens is a handler of `io`: a hang is found at once.
//     static constexpr bool kInMemory = true;
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Mine, StreamConformance, MyTraits);
//
// An operation that does not complete, completes twice or otherwise than it
// should, or whose handler is destroyed uninvoked, fails the test at the line
// that started it.

#ifndef COFFER_TESTING_STREAM_CONFORMANCE_H_
#define COFFER_TESTING_STREAM_CONFORMANCE_H_

#include "coffer/testing/internal/examined_streams.h"
#include "coffer/testing/internal/stream_conformance_fixture.h"
#include "gtest/gtest.h"

namespace coffer_testing {

// The tests are compiled once, for streams of any type.
template <class Traits>
class StreamConformance : public internal::StreamConformanceTest {
 protected:
  StreamConformance() : StreamConformanceTest(internal::Examined<Traits>()) {}
};

TYPED_TEST_SUITE_P(StreamConformance);

TYPED_TEST_P(StreamConformance, HandlersAreNotInvokedInsideTheCall) {
  this->TestHandlersAreNotInvokedInsideTheCall();
}
TYPED_TEST_P(StreamConformance, HandlersAreInvokedExactlyOnce) {
  this->TestHandlersAreInvokedExactlyOnce();
}
TYPED_TEST_P(StreamConformance, HandlersRunOnTheirExecutor) {
  this->TestHandlersRunOnTheirExecutor();
}
TYPED_TEST_P(StreamConformance, HandlersAllocatorGetsItsMemoryBackFirst) {
  this->TestHandlersAllocatorGetsItsMemoryBackFirst();
}
TYPED_TEST_P(StreamConformance, PendingOperationIsWork) {
  this->TestPendingOperationIsWork();
}
TYPED_TEST_P(StreamConformance, EmptyBuffersCompleteAtOnce) {
  this->TestEmptyBuffersCompleteAtOnce();
}
TYPED_TEST_P(StreamConformance, BufferSequencesOfManyPieces) {
  this->TestBufferSequencesOfManyPieces();
}
TYPED_TEST_P(StreamConformance, BothDirectionsAtOnce) {
  this->TestBothDirectionsAtOnce();
}
TYPED_TEST_P(StreamConformance, FullStreamMakesWritesWait) {
  this->TestFullStreamMakesWritesWait();
}
TYPED_TEST_P(StreamConformance, CancelledWriteHadNoEffect) {
  this->TestCancelledWriteHadNoEffect();
}
TYPED_TEST_P(StreamConformance, CancelledReadLosesNoByte) {
  this->TestCancelledReadLosesNoByte();
}
TYPED_TEST_P(StreamConformance, CancelAbortsWhatIsPending) {
  this->TestCancelAbortsWhatIsPending();
}
TYPED_TEST_P(StreamConformance, CloseAbortsOwnAndEndsThePeer) {
  this->TestCloseAbortsOwnAndEndsThePeer();
}
TYPED_TEST_P(StreamConformance, ResetIsToldFromAClose) {
  this->TestResetIsToldFromAClose();
}
TYPED_TEST_P(StreamConformance, OverlapIsReported) {
  this->TestOverlapIsReported();
}
TYPED_TEST_P(StreamConformance, BytesMoveWhenTheTransferModeSays) {
  this->TestBytesMoveWhenTheTransferModeSays();
}
TYPED_TEST_P(StreamConformance, DestroyedStreamAbortsItsOperations) {
  this->TestDestroyedStreamAbortsItsOperations();
}
TYPED_TEST_P(StreamConformance, HalfCloseLeavesTheOtherDirection) {
  this->TestHalfCloseLeavesTheOtherDirection();
}
TYPED_TEST_P(StreamConformance, AnyCompletionToken) {
  this->TestAnyCompletionToken();
}

REGISTER_TYPED_TEST_SUITE_P(
    StreamConformance, HandlersAreNotInvokedInsideTheCall,
    HandlersAreInvokedExactlyOnce, HandlersRunOnTheirExecutor,
    HandlersAllocatorGetsItsMemoryBackFirst, PendingOperationIsWork,
    EmptyBuffersCompleteAtOnce, BufferSequencesOfManyPieces,
    BothDirectionsAtOnce, FullStreamMakesWritesWait, CancelledWriteHadNoEffect,
    CancelledReadLosesNoByte, CancelAbortsWhatIsPending,
    CloseAbortsOwnAndEndsThePeer, ResetIsToldFromAClose, OverlapIsReported,
    BytesMoveWhenTheTransferModeSays, DestroyedStreamAbortsItsOperations,
    HalfCloseLeavesTheOtherDirection, AnyCompletionToken);

}  // namespace coffer_testing

#endif  // COFFER_TESTING_STREAM_CONFORMANCE_H_
