#include "coffer/testing/internal/stream_conformance_fixture.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

#include "coffer/testing/internal/captured_failures.h"

namespace coffer_testing::internal {

namespace asio = boost::asio;

StreamConformanceTest::StreamConformanceTest(const ExaminedStreams& streams)
    : streams_(streams) {}

StreamConformanceTest::~StreamConformanceTest() = default;

bool StreamConformanceTest::RunOne() {
  if (io_.stopped()) io_.restart();
  if (io_.poll_one() > 0) return true;
  if (io_.stopped() || streams_.in_memory) return false;
  return io_.run_one_for(std::chrono::seconds(10)) > 0;
}

void StreamConformanceTest::Poll() {
  io_.restart();
  io_.poll();
}

void StreamConformanceTest::RunUntil(const Ended& ended) {
  while (!ended.outcome && RunOne()) {
  }
  if (!ended.outcome) {
    ADD_FAILURE_AT(ended.where.file_name(),
                   static_cast<int>(ended.where.line()))
        << "the operation that was started here does not complete";
  }
}

void StreamConformanceTest::Expect(const Ended& ended, Error error,
                                   size_t bytes) {
  RunUntil(ended);
  if (!ended.outcome) return;
  if (bytes == kAnyBytes) bytes = ended.outcome->bytes;
  const Outcome expected = {error, bytes};
  if (*ended.outcome == expected) return;
  ADD_FAILURE_AT(ended.where.file_name(), static_cast<int>(ended.where.line()))
      << "the operation that was started here ended with \"" << *ended.outcome
      << "\", not with \"" << expected << "\"";
}

void StreamConformanceTest::ExpectPending(const Ended& ended,
                                          const char* when) {
  if (!ended.outcome) return;
  ADD_FAILURE_AT(ended.where.file_name(), static_cast<int>(ended.where.line()))
      << "the operation that was started here has completed " << when;
}

void StreamConformanceTest::StartRead(ErasedStream& stream,
                                      asio::mutable_buffer buffer, Ended& ended,
                                      Where where) {
  stream.async_read_some(buffer, Into(ended, where), where);
}

void StreamConformanceTest::StartRead(ErasedStream& stream,
                                      asio::mutable_buffer buffer,
                                      Signal& signal, Ended& ended,
                                      Where where) {
  stream.async_read_some(
      buffer, asio::bind_cancellation_slot(signal.slot(), Into(ended, where)),
      where);
}

void StreamConformanceTest::StartWrite(ErasedStream& stream,
                                       asio::const_buffer buffer, Ended& ended,
                                       Where where) {
  stream.async_write_some(buffer, Into(ended, where), where);
}

void StreamConformanceTest::StartReadAll(
    ErasedStream& stream, const std::vector<asio::mutable_buffer>& buffers,
    Ended& ended, Where where) {
  asio::async_read(stream, buffers, Into(ended, where));
}

void StreamConformanceTest::StartWriteAll(
    ErasedStream& stream, const std::vector<asio::const_buffer>& buffers,
    Ended& ended, Where where) {
  asio::async_write(stream, buffers, Into(ended, where));
}

void StreamConformanceTest::WriteAll(ErasedStream& stream,
                                     const std::string& bytes, Where where) {
  Kept& op = Keep(bytes);
  StartWriteAll(stream, {asio::buffer(op.bytes)}, op.ended, where);
  Expect(op.ended, {}, bytes.size());
}

std::string StreamConformanceTest::ReadExactly(ErasedStream& stream,
                                               size_t size, Where where) {
  Kept& op = Keep(std::string(size, '\0'));
  StartReadAll(stream, {asio::buffer(op.bytes)}, op.ended, where);
  Expect(op.ended, {}, size);
  return op.bytes;
}

boost::system::error_code StreamConformanceTest::ReadSome(ErasedStream& stream,
                                                          Where where) {
  Kept& op = Keep(std::string(16, '\0'));
  StartRead(stream, asio::buffer(op.bytes), op.ended, where);
  RunUntil(op.ended);
  return op.ended.outcome ? op.ended.outcome->error : Error();
}

boost::system::error_code StreamConformanceTest::WriteSome(ErasedStream& stream,
                                                           Where where) {
  Kept& op = Keep("x");
  StartWrite(stream, asio::buffer(op.bytes), op.ended, where);
  RunUntil(op.ended);
  return op.ended.outcome ? op.ended.outcome->error : Error();
}

size_t StreamConformanceTest::Fill(const std::string& chunk, Ended& pending,
                                   Signal& signal, Where where) {
  constexpr size_t kEnough = 64 << 20;
  size_t written = 0;
  while (written < kEnough) {
    pending.outcome.reset();
    a_.async_write_some(
        asio::buffer(chunk),
        asio::bind_cancellation_slot(signal.slot(), Into(pending, where)),
        where);
    Poll();
    if (!pending.outcome) return written;
    Expect(pending, {});
    written += pending.outcome->bytes;
  }
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
      << "no write waits, though nobody has read " << written << " bytes";
  return written;
}

void StreamConformanceTest::ExpectOverlapReported(
    const std::function<void()>& start, Ended& second) {
  std::string message;
  {
    CapturedFailures captured;
    start();
    const auto failures = captured.Get();
    if (!failures.empty()) message = failures[0].message;
  }
  if (message.find("while another is pending") == std::string::npos) {
    ADD_FAILURE_AT(second.where.file_name(),
                   static_cast<int>(second.where.line()))
        << "the operation that was started here overlaps another, which "
           "nobody reports: "
        << message;
  }
  ExpectPending(second, "inside the call");
  Expect(second, asio::error::already_started, 0);
}

StreamConformanceTest::Kept& StreamConformanceTest::Keep(std::string bytes) {
  return kept_.emplace_back(Kept{std::move(bytes)});
}

}  // namespace coffer_testing::internal
