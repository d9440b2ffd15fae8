// StreamConformance, the fixture: two streams and a context, and what the tests
// of the suite do with them. What fails names the line that started the
// operation.

#ifndef COFFER_TESTING_INTERNAL_STREAM_CONFORMANCE_FIXTURE_H_
#define COFFER_TESTING_INTERNAL_STREAM_CONFORMANCE_FIXTURE_H_

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <source_location>
#include <string>
#include <utility>

#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/internal/watched_op.h"
#include "gtest/gtest.h"

namespace coffer_testing {

template <class Traits>
class StreamConformance : public ::testing::Test {
 protected:
  using Error = boost::system::error_code;
  using Where = std::source_location;
  using Outcome = internal::Outcome;
  using Ended = internal::Ended;
  using Stream = typename Traits::Stream;
  using Signal = boost::asio::cancellation_signal;

  static constexpr bool kHasReset = requires(Stream & stream) {
    Traits::Reset(stream);
  };
  static constexpr bool kReportsOverlap = requires { Traits::kReportsOverlap; };
  static constexpr bool kHasTransfer = requires { Traits::kTransfer; };
  static constexpr bool kInMemory = requires { Traits::kInMemory; };

  static auto Into(Ended& ended, Where where = Where::current()) {
    return internal::WatchOp(ended, where);
  }

  // One handler; false if none came, and none will.
  bool RunOne() {
    if (io_.stopped()) io_.restart();
    if (io_.poll_one() > 0) return true;
    if (io_.stopped() || kInMemory) return false;
    return io_.run_one_for(std::chrono::seconds(10)) > 0;
  }

  // What is ready now.
  void Poll() {
    io_.restart();
    io_.poll();
  }

  // Runs until the operation has ended.
  void RunUntil(const Ended& ended) {
    while (!ended.outcome && RunOne()) {
    }
    if (!ended.outcome) {
      ADD_FAILURE_AT(ended.where.file_name(),
                     static_cast<int>(ended.where.line()))
          << "the operation that was started here does not complete";
    }
  }

  // And as it should have: with `error`, and `bytes` unless those are any.
  static constexpr size_t kAnyBytes = SIZE_MAX;
  void Expect(const Ended& ended, Error error, size_t bytes = kAnyBytes) {
    RunUntil(ended);
    if (!ended.outcome) return;
    if (bytes == kAnyBytes) bytes = ended.outcome->bytes;
    const Outcome expected = {error, bytes};
    if (*ended.outcome == expected) return;
    ADD_FAILURE_AT(ended.where.file_name(),
                   static_cast<int>(ended.where.line()))
        << "the operation that was started here ended with \"" << *ended.outcome
        << "\", not with \"" << expected << "\"";
  }

  // Not ended yet: it waits, or is queued.
  static void ExpectPending(const Ended& ended, const char* when) {
    if (!ended.outcome) return;
    ADD_FAILURE_AT(ended.where.file_name(),
                   static_cast<int>(ended.where.line()))
        << "the operation that was started here has completed " << when;
  }

  void WriteAll(Stream& stream, const std::string& bytes,
                Where where = Where::current()) {
    Kept& op = Keep(bytes);
    boost::asio::async_write(stream, boost::asio::buffer(op.bytes),
                             Into(op.ended, where));
    Expect(op.ended, {}, bytes.size());
  }

  std::string ReadExactly(Stream& stream, size_t size,
                          Where where = Where::current()) {
    Kept& op = Keep(std::string(size, '\0'));
    boost::asio::async_read(stream, boost::asio::buffer(op.bytes),
                            Into(op.ended, where));
    Expect(op.ended, {}, size);
    return op.bytes;
  }

  Error ReadSome(Stream& stream, Where where = Where::current()) {
    Kept& op = Keep(std::string(16, '\0'));
    stream.async_read_some(boost::asio::buffer(op.bytes),
                           Into(op.ended, where));
    RunUntil(op.ended);
    return op.ended.outcome ? op.ended.outcome->error : Error();
  }

  Error WriteSome(Stream& stream, Where where = Where::current()) {
    Kept& op = Keep("x");
    stream.async_write_some(boost::asio::buffer(op.bytes),
                            Into(op.ended, where));
    RunUntil(op.ended);
    return op.ended.outcome ? op.ended.outcome->error : Error();
  }

  // Bytes written into `a_` until a write waits; `pending` is that write, from
  // `chunk`, to be cancelled by `signal`.
  size_t Fill(const std::string& chunk, Ended& pending, Signal& signal,
              Where where = Where::current()) {
    constexpr size_t kEnough = 64 << 20;
    size_t written = 0;
    while (written < kEnough) {
      pending.outcome.reset();
      a_.async_write_some(boost::asio::buffer(chunk),
                          boost::asio::bind_cancellation_slot(
                              signal.slot(), Into(pending, where)));
      Poll();
      if (!pending.outcome) return written;
      Expect(pending, {});
      written += pending.outcome->bytes;
    }
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "no write waits, though nobody has read " << written << " bytes";
    return written;
  }

  // What is said of the operation that `start` starts while another of its kind
  // is pending.
  template <class Start>
  void ExpectOverlapReported(Start start, Ended& second) {
    std::string message;
    {
      internal::CapturedFailures captured;
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
    Expect(second, boost::asio::error::already_started, 0);
  }

  boost::asio::io_context io_;
  std::pair<Stream, Stream> pair_ = Traits::Connect(io_);
  Stream& a_ = pair_.first;
  Stream& b_ = pair_.second;
  std::array<char, 64> buffer_;

 private:
  // Of an operation that does not complete in time: it may do so later.
  struct Kept {
    std::string bytes;
    Ended ended = {};
  };
  Kept& Keep(std::string bytes) {
    return kept_.emplace_back(Kept{std::move(bytes)});
  }

  std::deque<Kept> kept_;
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_INTERNAL_STREAM_CONFORMANCE_FIXTURE_H_
