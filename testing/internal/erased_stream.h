// ErasedStream: a stream that StreamConformance examines, without its type, so
// that the tests are compiled once. An Asio AsyncReadStream and
// AsyncWriteStream, whose operations reach the stream with an ErasedHandler,
// and with all their buffers, empty ones too. What depends on the type of a
// handler or of a completion token has functions of its own.
//
// Threads, completion, cancellation and errors: as the stream, which is what is
// examined. Ownership: holds it.

#ifndef COFFER_TESTING_INTERNAL_ERASED_STREAM_H_
#define COFFER_TESTING_INTERNAL_ERASED_STREAM_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <functional>
#include <future>
#include <source_location>
#include <tuple>
#include <utility>
#include <vector>

#include "coffer/testing/internal/erased_handler.h"
#include "coffer/testing/internal/watched_op.h"

namespace coffer_testing::internal {

class ErasedStream {
 public:
  using executor_type = boost::asio::any_io_executor;
  using Error = boost::system::error_code;
  using IoSignature = void(Error, size_t);
  using MutableBuffer = boost::asio::mutable_buffer;
  using ConstBuffer = boost::asio::const_buffer;
  using Where = std::source_location;
  template <class T>
  using Awaitable = boost::asio::awaitable<T>;

  ErasedStream() = default;
  ErasedStream(const ErasedStream&) = delete;
  ErasedStream& operator=(const ErasedStream&) = delete;
  virtual ~ErasedStream() = default;

  virtual executor_type get_executor() = 0;
  virtual void Read(const std::vector<MutableBuffer>& buffers,
                    ErasedHandler handler) = 0;
  virtual void Write(const std::vector<ConstBuffer>& buffers,
                     ErasedHandler handler) = 0;
  virtual void Close() = 0;
  virtual void Cancel() = 0;
  virtual void ShutdownSend() = 0;  // does nothing for a layer
  virtual void Reset() = 0;         // does nothing if the traits have none

  // With the handler of WatchOp itself: nothing is associated with it.
  virtual void ReadPlainly(MutableBuffer buffer, Ended& ended,
                           Where where = Where::current()) = 0;
  virtual void WritePlainly(ConstBuffer buffer, Ended& ended,
                            Where where = Where::current()) = 0;

  // With use_future, deferred, use_awaitable and as_tuple of that.
  virtual std::future<size_t> ReadFuture(MutableBuffer buffer) = 0;
  virtual std::function<void(ErasedHandler)> ReadDeferred(
      MutableBuffer buffer) = 0;
  virtual Awaitable<size_t> ReadAwaitable(MutableBuffer buffer) = 0;
  virtual Awaitable<std::tuple<Error, size_t>> ReadAwaitableTuple(
      MutableBuffer buffer) = 0;

  template <class MutableBufferSequence,
            boost::asio::completion_token_for<IoSignature> Token>
  auto async_read_some(const MutableBufferSequence& buffers, Token&& token,
                       Where where = Where::current()) {
    return boost::asio::async_initiate<Token, IoSignature>(
        [this, where](auto handler, const std::vector<MutableBuffer>& list) {
          Read(list, ErasedHandler(std::move(handler), nullptr, where));
        },
        token,
        std::vector<MutableBuffer>(boost::asio::buffer_sequence_begin(buffers),
                                   boost::asio::buffer_sequence_end(buffers)));
  }

  template <class ConstBufferSequence,
            boost::asio::completion_token_for<IoSignature> Token>
  auto async_write_some(const ConstBufferSequence& buffers, Token&& token,
                        Where where = Where::current()) {
    return boost::asio::async_initiate<Token, IoSignature>(
        [this, where](auto handler, const std::vector<ConstBuffer>& list) {
          Write(list, ErasedHandler(std::move(handler), nullptr, where));
        },
        token,
        std::vector<ConstBuffer>(boost::asio::buffer_sequence_begin(buffers),
                                 boost::asio::buffer_sequence_end(buffers)));
  }
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_ERASED_STREAM_H_
