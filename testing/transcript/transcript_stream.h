// TranscriptStream: any stream, with a transcript of what it does: a decorator,
// as FaultStream is one, for a double, a socket, or TLS, and as well the layer
// below TLS.
//
//   TranscriptStream stream(std::move(pipe), transcript.Client("client"));
//
// Each operation is noted when it completes, with the bytes that it moved and
// its error; until then it is among those that are pending. It changes nothing
// else: what the stream below keeps of the contract, it keeps.
//
// Ownership: holds the stream below. Threads: as that.

#ifndef COFFER_TESTING_TRANSCRIPT_TRANSCRIPT_STREAM_H_
#define COFFER_TESTING_TRANSCRIPT_TRANSCRIPT_STREAM_H_

#include <algorithm>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associator.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "coffer/sdk/stream/stream_traits.h"
#include "coffer/testing/transcript/transcript.h"

namespace coffer_testing {

namespace internal {

// An operation, as the handler of that of the stream below. It holds the user's
// handler without its type, so that it is compiled once for each stream.
template <class Buffer>
class NotedOp {
 public:
  using Handler = boost::asio::any_completion_handler<void(
      boost::system::error_code, size_t)>;

  static constexpr TranscriptWhat kWhat =
      std::is_same_v<Buffer, boost::asio::mutable_buffer>
          ? TranscriptWhat::kRead
          : TranscriptWhat::kWrite;

  NotedOp(TranscriptName name, std::vector<Buffer> buffers, Handler handler)
      : mark_(std::move(name)),
        buffers_(std::move(buffers)),
        handler_(std::move(handler)) {}

  const Handler& handler() const { return handler_; }

  void operator()(boost::system::error_code error, size_t bytes) {
    std::string moved(std::min(bytes, boost::asio::buffer_size(buffers_)),
                      '\0');
    boost::asio::buffer_copy(boost::asio::buffer(moved), buffers_);
    const TranscriptName name = std::move(mark_).End();
    name.log->Add(name.stream, kWhat, std::move(moved), error);
    std::move(handler_)(error, bytes);
  }

 private:
  // The operation is pending as long as this is.
  class Mark {
   public:
    explicit Mark(TranscriptName name) : name_(std::move(name)) {
      name_.log->Begin(name_.stream, kWhat);
    }
    Mark(Mark&&) noexcept = default;
    Mark& operator=(Mark&&) = delete;
    ~Mark() {
      if (name_.log != nullptr) name_.log->End(name_.stream, kWhat);
    }

    TranscriptName End() && {
      name_.log->End(name_.stream, kWhat);
      return std::move(name_);
    }

   private:
    TranscriptName name_;  // without a log: moved from
  };

  Mark mark_;
  std::vector<Buffer> buffers_;
  Handler handler_;
};

}  // namespace internal

template <class Next>
class TranscriptStream {
 public:
  using executor_type = typename Next::executor_type;
  using next_layer_type = Next;
  // Closing has to pass here, so this is the lowest.
  using lowest_layer_type = TranscriptStream;
  using IoSignature = void(boost::system::error_code, size_t);

  TranscriptStream(Next next, TranscriptName name)
      : next_(std::move(next)), name_(std::move(name)) {}

  executor_type get_executor() noexcept { return next_.get_executor(); }
  next_layer_type& next_layer() { return next_; }
  const next_layer_type& next_layer() const { return next_; }
  lowest_layer_type& lowest_layer() { return *this; }
  const lowest_layer_type& lowest_layer() const { return *this; }

  template <class MutableBufferSequence,
            boost::asio::completion_token_for<IoSignature> Token>
  auto async_read_some(const MutableBufferSequence& buffers, Token&& token) {
    using Buffer = boost::asio::mutable_buffer;
    return boost::asio::async_initiate<Token, IoSignature>(
        [this](auto handler, std::vector<Buffer> list) {
          next_.async_read_some(
              list, internal::NotedOp<Buffer>(name_, list, std::move(handler)));
        },
        token,
        std::vector<Buffer>(boost::asio::buffer_sequence_begin(buffers),
                            boost::asio::buffer_sequence_end(buffers)));
  }

  template <class ConstBufferSequence,
            boost::asio::completion_token_for<IoSignature> Token>
  auto async_write_some(const ConstBufferSequence& buffers, Token&& token) {
    using Buffer = boost::asio::const_buffer;
    return boost::asio::async_initiate<Token, IoSignature>(
        [this](auto handler, std::vector<Buffer> list) {
          next_.async_write_some(
              list, internal::NotedOp<Buffer>(name_, list, std::move(handler)));
        },
        token,
        std::vector<Buffer>(boost::asio::buffer_sequence_begin(buffers),
                            boost::asio::buffer_sequence_end(buffers)));
  }

  void shutdown(boost::asio::socket_base::shutdown_type what,
                boost::system::error_code& error) requires
      requires(Next& next) {
    next.shutdown(what, error);
  }
  {
    next_.shutdown(what, error);
    NoteShutdown(error);
  }

  void close() {
    Note(TranscriptWhat::kClose, {});
    coffer::StreamTraits<Next>::Close(next_);
  }
  void close(boost::system::error_code& error) {
    close();
    error = {};
  }

  void cancel() {
    boost::system::error_code ignored;
    cancel(ignored);
  }
  void cancel(boost::system::error_code& error) {
    next_.lowest_layer().cancel(error);
  }

  // For StreamTraits.
  void NoteShutdown(const boost::system::error_code& error) {
    Note(TranscriptWhat::kShutdown, error);
  }

 private:
  void Note(TranscriptWhat what, const boost::system::error_code& error) {
    name_.log->Add(name_.stream, what, "", error);
  }

  Next next_;
  TranscriptName name_;
};

}  // namespace coffer_testing

namespace coffer {

template <class Next>
struct StreamTraits<coffer_testing::TranscriptStream<Next>> {
  using Stream = coffer_testing::TranscriptStream<Next>;

  static void AsyncShutdownSend(Stream& stream, ShutdownHandler handler) {
    stream.NoteShutdown({});
    StreamTraits<Next>::AsyncShutdownSend(stream.next_layer(),
                                          std::move(handler));
  }
  static void Close(Stream& stream) { stream.close(); }
};

}  // namespace coffer

namespace boost::asio {

template <template <class, class> class Associator, class Buffer, class Default>
struct associator<Associator, coffer_testing::internal::NotedOp<Buffer>,
                  Default>
    : Associator<typename coffer_testing::internal::NotedOp<Buffer>::Handler,
                 Default> {
  using Handler = typename coffer_testing::internal::NotedOp<Buffer>::Handler;

  static typename Associator<Handler, Default>::type get(
      const coffer_testing::internal::NotedOp<Buffer>& op,
      const Default& otherwise = Default()) noexcept {
    return Associator<Handler, Default>::get(op.handler(), otherwise);
  }
};

}  // namespace boost::asio

#endif  // COFFER_TESTING_TRANSCRIPT_TRANSCRIPT_STREAM_H_
