// AnyStream: a stream of any kind, TCP, TLS, Unix socket or test double, as one
// type: for code that is not to be a template of its transport.
//
//   AnyStream stream(tcp::socket(...));
//   ClientStream<AnyStream> client(std::move(stream));
//
// It is an Asio AsyncReadStream and AsyncWriteStream. What it holds does the
// work and keeps its own contract: completion, cancellation of the kinds that
// it grants, errors. Each operation costs a virtual call and one allocation,
// from the handler's allocator.
//
// An operation passes the first kAnyStreamBuffersMax of its buffers that are
// not empty; a transfer of less than all of a sequence is for the caller to go
// on with, as always with these operations.
//
// Movable while nothing is pending, for what it holds stays where it is; one
// that was moved from may be assigned to and destroyed. Threads: as the stream
// that it holds.

#ifndef COFFER_SDK_STREAM_ANY_STREAM_H_
#define COFFER_SDK_STREAM_ANY_STREAM_H_

#include <array>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "coffer/sdk/stream/stream_traits.h"

namespace coffer {

inline constexpr std::size_t kAnyStreamBuffersMax = 16;

namespace internal {

// A buffer sequence of limited length, on the stack.
template <class Buffer>
class BufferList {
 public:
  using value_type = Buffer;
  using const_iterator = const Buffer*;

  template <class Sequence>
  explicit BufferList(const Sequence& buffers) {
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto next = boost::asio::buffer_sequence_begin(buffers);
         next != end && size_ < kAnyStreamBuffersMax; ++next) {
      const Buffer buffer(*next);
      if (buffer.size() > 0) buffers_[size_++] = buffer;
    }
  }

  const_iterator begin() const { return buffers_.data(); }
  const_iterator end() const { return buffers_.data() + size_; }

 private:
  std::array<Buffer, kAnyStreamBuffersMax> buffers_;
  std::size_t size_ = 0;
};

// What AnyStream holds, without its type.
class AnyStreamBody {
 public:
  using IoHandler = boost::asio::any_completion_handler<void(
      boost::system::error_code, std::size_t)>;
  using ReadBuffers = BufferList<boost::asio::mutable_buffer>;
  using WriteBuffers = BufferList<boost::asio::const_buffer>;

  virtual ~AnyStreamBody() = default;
  virtual boost::asio::any_io_executor executor() = 0;
  virtual void Read(const ReadBuffers& buffers, IoHandler handler) = 0;
  virtual void Write(const WriteBuffers& buffers, IoHandler handler) = 0;
  virtual void ShutdownSend(ShutdownHandler handler) = 0;
  virtual void Cancel() = 0;
  virtual void Close() = 0;
};

template <class Stream>
class AnyStreamBodyOf final : public AnyStreamBody {
 public:
  explicit AnyStreamBodyOf(Stream stream) : stream_(std::move(stream)) {}

  boost::asio::any_io_executor executor() override {
    return stream_.get_executor();
  }
  void Read(const ReadBuffers& buffers, IoHandler handler) override {
    stream_.async_read_some(buffers, std::move(handler));
  }
  void Write(const WriteBuffers& buffers, IoHandler handler) override {
    stream_.async_write_some(buffers, std::move(handler));
  }
  void ShutdownSend(ShutdownHandler handler) override {
    StreamTraits<Stream>::AsyncShutdownSend(stream_, std::move(handler));
  }
  void Cancel() override {
    boost::system::error_code ignored;
    stream_.lowest_layer().cancel(ignored);
  }
  void Close() override { StreamTraits<Stream>::Close(stream_); }

 private:
  Stream stream_;
};

}  // namespace internal

class AnyStream {
 public:
  using executor_type = boost::asio::any_io_executor;
  using lowest_layer_type = AnyStream;
  using IoSignature = void(boost::system::error_code, std::size_t);

  template <class Stream>
  requires(!std::is_same_v<std::decay_t<Stream>, AnyStream>) explicit AnyStream(
      Stream stream)
      : body_(std::make_unique<internal::AnyStreamBodyOf<Stream>>(
            std::move(stream))) {}

  AnyStream(AnyStream&&) noexcept = default;
  AnyStream& operator=(AnyStream&&) noexcept = default;

  executor_type get_executor() const { return body_->executor(); }
  lowest_layer_type& lowest_layer() { return *this; }
  const lowest_layer_type& lowest_layer() const { return *this; }

  template <class MutableBufferSequence,
            boost::asio::completion_token_for<IoSignature> Token>
  auto async_read_some(const MutableBufferSequence& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, IoSignature>(
        [body = body_.get()](auto handler, const auto& list) {
          body->Read(list,
                     internal::AnyStreamBody::IoHandler(std::move(handler)));
        },
        token, internal::AnyStreamBody::ReadBuffers(buffers));
  }

  template <class ConstBufferSequence,
            boost::asio::completion_token_for<IoSignature> Token>
  auto async_write_some(const ConstBufferSequence& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, IoSignature>(
        [body = body_.get()](auto handler, const auto& list) {
          body->Write(list,
                      internal::AnyStreamBody::IoHandler(std::move(handler)));
        },
        token, internal::AnyStreamBody::WriteBuffers(buffers));
  }

  // All that is pending completes with operation_aborted.
  void cancel() { body_->Cancel(); }
  void cancel(boost::system::error_code& error) {
    cancel();
    error = {};
  }

  // Both directions, at once, without the end of TLS.
  void close() { body_->Close(); }
  void close(boost::system::error_code& error) {
    close();
    error = {};
  }

 private:
  friend struct StreamTraits<AnyStream>;

  // Null: moved from.
  std::unique_ptr<internal::AnyStreamBody> body_;
};

// Ends sending as the stream does that it holds.
template <>
struct StreamTraits<AnyStream> {
  static void AsyncShutdownSend(AnyStream& stream, ShutdownHandler handler) {
    stream.body_->ShutdownSend(std::move(handler));
  }
  static void Close(AnyStream& stream) { stream.close(); }
};

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_ANY_STREAM_H_
