// MemoryPipe: two connected streams in memory, in place of a TCP connection,
// with bounded buffers, so that writers wait for readers as on a network:
//
//   auto [client, server] =
//       MakeMemoryPipe(io.get_executor(), {.capacity = 64});
//
// An end is an Asio AsyncReadStream and AsyncWriteStream for any buffer
// sequence and completion token, and a lowest layer for asio::ssl::stream.
//
// Completion. A handler is invoked exactly once, never inside the initiating
// function, queued on the end's executor and dispatched to its own. Pending
// operations are work: io_context::run does not return. An end destroyed with
// operations pending closes first: they complete with operation_aborted. Where
// the execution context is destroyed first, they are destroyed with it,
// uninvoked, as Asio does; that is a test failure that names the line that
// started the operation, unless the end had been closed or destroyed before, or
// options say otherwise. (Failures also name the
// line that made the stream: a part of a composed operation, such as
// async_write, was started in Asio's own code.)
//
// Concurrency. One read and one write may be pending. Another one is a test
// failure that names both lines, and completes with already_started. Moving an
// end with an operation pending is a failure that names it.
//
// Cancellation. Per-operation (terminal, partial, total) and by cancel(): the
// operation completes with operation_aborted and 0 bytes, and no byte is lost.
// With early transfer it may be too late, as with real I/O.
//
// Empty buffers complete with {ok, 0} at once, whatever the state.
//
// Ends:              here                           the peer
//   shutdown_send()  writes get broken_pipe         drains, then eof
//   close()          pending operation_aborted,     drains, then eof;
//                    later bad_descriptor           writes get broken_pipe
//   reset()          as close()                     unread bytes are gone; all
//                                                   get connection_reset
//   destruction      as close()                     as close()
// With early transfer, an operation that has moved its bytes and only waits for
// its handler keeps its result through all of these, at both ends: close() and
// reset() abort what has moved nothing. With late transfer they abort that too.
//
// Threads: each end is used by one thread (or strand) at a time; the two ends
// may have executors on different threads.

#ifndef COFFER_TESTING_MEMORY_PIPE_H_
#define COFFER_TESTING_MEMORY_PIPE_H_

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <utility>

#include "coffer/testing/internal/fake_stream.h"
#include "coffer/testing/transfer_mode.h"

namespace coffer_testing {

struct MemoryPipeOptions {
  static constexpr size_t kUnbounded = internal::kUnboundedBytes;

  // Bytes in each direction that were written and not yet read; at least 1,
  // which is the strictest test. A write takes what fits, and waits when full.
  size_t capacity = 64 * 1024;
  // A write that waits goes on when no more than this is unread. Below the
  // capacity, which is the default: any read lets it go on.
  std::optional<size_t> low_mark = std::nullopt;
  TransferMode transfer = TransferMode::kLate;
  // A handler destroyed uninvoked with its execution context fails the test.
  bool fail_if_abandoned = true;
};

class MemoryPipe : public internal::FakeStream {
 public:
  using next_layer_type = MemoryPipe;
  using lowest_layer_type = MemoryPipe;

  lowest_layer_type& lowest_layer() { return *this; }
  const lowest_layer_type& lowest_layer() const { return *this; }

  // Bytes that the peer has written and this end not read yet.
  size_t buffered() const { return in().unread_bytes(); }

 private:
  friend std::pair<MemoryPipe, MemoryPipe> MakeMemoryPipe(
      boost::asio::any_io_executor first, boost::asio::any_io_executor second,
      MemoryPipeOptions options, std::source_location where);

  MemoryPipe(executor_type executor, std::shared_ptr<internal::ByteChannel> in,
             std::shared_ptr<internal::ByteChannel> out, bool fail_if_abandoned,
             std::source_location where);
};

// Both ends on one executor.
std::pair<MemoryPipe, MemoryPipe> MakeMemoryPipe(
    boost::asio::any_io_executor executor, MemoryPipeOptions options = {},
    std::source_location where = std::source_location::current());

// Each end on its own.
std::pair<MemoryPipe, MemoryPipe> MakeMemoryPipe(
    boost::asio::any_io_executor first, boost::asio::any_io_executor second,
    MemoryPipeOptions options = {},
    std::source_location where = std::source_location::current());

}  // namespace coffer_testing

#endif  // COFFER_TESTING_MEMORY_PIPE_H_
