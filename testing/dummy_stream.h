// DummyStream: the simplest stream double. It reads a preset input and then
// end of file, and keeps what was written:
//
//   DummyStream stream(io.get_executor(), "what the peer sends");
//   ... run the code under test ...
//   EXPECT_EQ(stream.written(), "what the peer should get");
//
// By default one read gives all that there is and fits, and one write takes
// all: code that works with that may rest on it. So run it with pieces as well:
//
//   DummyStream stream(executor, input, {.read_bytes_max = 1});
//
// A DummyStream::Loopback reads back what is written to it. Where both sides
// talk, use a MemoryPipe (memory_pipe.h), whose header states the contract that
// this class keeps too: completion, concurrency, cancellation, close and moves.
//
// Writes never wait; they fail after shutdown_send() with broken_pipe.
//
// Threads: thread-safe as a socket is, that is one thread (or strand) at a
// time.

#ifndef COFFER_TESTING_DUMMY_STREAM_H_
#define COFFER_TESTING_DUMMY_STREAM_H_

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <memory>
#include <source_location>
#include <string>

#include "coffer/testing/internal/fake_stream.h"
#include "coffer/testing/transfer_mode.h"

namespace coffer_testing {

struct DummyStreamOptions {
  static constexpr size_t kUnlimited = internal::kUnboundedBytes;

  // What one read or write moves at most; at least 1, which is the strictest
  // test: a network too may give a message in any number of pieces.
  size_t read_bytes_max = kUnlimited;
  size_t write_bytes_max = kUnlimited;
  TransferMode transfer = TransferMode::kLate;
  // A handler destroyed uninvoked with its execution context fails the test.
  bool fail_if_abandoned = true;
};

class DummyStream : public internal::FakeStream {
 public:
  using next_layer_type = DummyStream;
  using lowest_layer_type = DummyStream;

  explicit DummyStream(
      boost::asio::any_io_executor executor, std::string input = "",
      DummyStreamOptions options = {},
      std::source_location where = std::source_location::current());

  // Reads what was written, in order. Empty: reads wait until something is
  // written, or until shutdown_send(), after which they get eof.
  static DummyStream Loopback(
      boost::asio::any_io_executor executor, DummyStreamOptions options = {},
      std::source_location where = std::source_location::current());

  lowest_layer_type& lowest_layer() { return *this; }
  const lowest_layer_type& lowest_layer() const { return *this; }

  // All that was ever written, also when the stream is closed.
  std::string written() const { return out().recorded(); }

  // Bytes that a read would still get.
  size_t buffered() const { return in().unread_bytes(); }

 private:
  DummyStream(boost::asio::any_io_executor executor,
              std::shared_ptr<internal::ByteChannel> loopback,
              DummyStreamOptions options, std::source_location where);
};

}  // namespace coffer_testing

#endif  // COFFER_TESTING_DUMMY_STREAM_H_
