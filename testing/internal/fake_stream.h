// FakeStream: the Asio side of the stream doubles: AsyncReadStream,
// AsyncWriteStream and what TLS and FramedStream ask of a lowest layer, over
// one ByteChannel to read from and one to write to. DummyStream and MemoryPipe
// are this, wired differently, and document it for their users.

#ifndef COFFER_TESTING_INTERNAL_FAKE_STREAM_H_
#define COFFER_TESTING_INTERNAL_FAKE_STREAM_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include "coffer/testing/internal/byte_channel.h"
#include "coffer/testing/internal/op_registry.h"
#include "coffer/testing/internal/pending_op.h"
#include "coffer/testing/internal/pending_op_impl.h"

namespace coffer_testing::internal {

class FakeStream {
 public:
  using executor_type = boost::asio::any_io_executor;
  using IoSignature = void(boost::system::error_code, size_t);

  // A test failure if an operation is pending: with a real stream it would
  // refer to the object it was started on.
  FakeStream(FakeStream&& other) noexcept;
  FakeStream& operator=(FakeStream&& other) noexcept;
  ~FakeStream();

  executor_type get_executor() const noexcept { return executor_; }

  template <class MutableBufferSequence,
            boost::asio::completion_token_for<IoSignature> Token>
  auto async_read_some(
      const MutableBufferSequence& buffers, Token&& token,
      std::source_location where = std::source_location::current()) {
    OpSpec spec = MakeSpec(OpKind::kRead, where);
    spec.read_into.assign(boost::asio::buffer_sequence_begin(buffers),
                          boost::asio::buffer_sequence_end(buffers));
    return boost::asio::async_initiate<Token, IoSignature>(
        Initiate{executor_, in_}, token, std::move(spec));
  }

  template <class ConstBufferSequence,
            boost::asio::completion_token_for<IoSignature> Token>
  auto async_write_some(
      const ConstBufferSequence& buffers, Token&& token,
      std::source_location where = std::source_location::current()) {
    OpSpec spec = MakeSpec(OpKind::kWrite, where);
    spec.write_from.assign(boost::asio::buffer_sequence_begin(buffers),
                           boost::asio::buffer_sequence_end(buffers));
    return boost::asio::async_initiate<Token, IoSignature>(
        Initiate{executor_, out_}, token, std::move(spec));
  }

  void shutdown(boost::asio::socket_base::shutdown_type what,
                boost::system::error_code& error);
  void shutdown_send();
  void close();
  void close(boost::system::error_code& error);
  void reset();
  void cancel();
  void cancel(boost::system::error_code& error);

  bool is_open() const;
  size_t pending_reads() const;
  size_t pending_writes() const;

 protected:
  // `in` and `out` may be the same.
  FakeStream(executor_type executor, std::shared_ptr<ByteChannel> in,
             std::shared_ptr<ByteChannel> out, bool fail_if_abandoned,
             std::source_location made_at);

  const ByteChannel& in() const { return *in_; }
  const ByteChannel& out() const { return *out_; }

 private:
  // Holds the channel, not the stream: a deferred operation may be launched
  // when the stream is gone, and finds it closed.
  struct Initiate {
    using executor_type = FakeStream::executor_type;

    executor_type get_executor() const noexcept { return executor; }

    template <class Handler>
    void operator()(Handler&& handler, OpSpec spec) const {
      channel->Start(MakePendingOp(std::move(spec), executor,
                                   std::forward<Handler>(handler)));
    }

    executor_type executor;
    std::shared_ptr<ByteChannel> channel;
  };

  OpSpec MakeSpec(OpKind kind, std::source_location where) const;
  void ReportMoved() const;

  executor_type executor_;
  OpRegistry* registry_;
  bool fail_if_abandoned_;
  std::source_location made_at_;
  std::shared_ptr<ByteChannel> in_;
  std::shared_ptr<ByteChannel> out_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_FAKE_STREAM_H_
