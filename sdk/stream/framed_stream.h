// FramedStream: messages over any byte transport.
//
// It turns an AsyncStream (anything that meets Asio's AsyncReadStream and
// AsyncWriteStream: TCP, TLS, a Unix socket, a test double) into a source of
// `In` and a sink of `Out`, both protobuf messages, framed as docs/wire.md
// says:
//
//   FramedStream<tcp::socket, CommandResponse, CommandRequest> stream(
//       std::move(socket));
//   error = co_await stream.Send(request, as_tuple(use_awaitable));
//   auto [error, response] = co_await stream.Next(as_tuple(use_awaitable));
//
// Source: Next waits for a message and hands it out; WaitReadable and TryNext
// are its two halves, for a loop that drains all that has arrived. Sink: Feed
// encodes into the write buffer, Flush writes all that was fed with as few
// writes as the transport allows, Send is both, Ready waits for room, Close
// flushes and ends sending.
//
// Completion: any completion token; exactly once, never inside the initiating
// call, on the handler's associated executor (by default the transport's).
//
// Cancellation: per operation, every type. A cancelled operation completes with
// operation_aborted and gives up waiting; buffers and transport operations
// belong to the stream, so nothing received or fed is lost, and the next
// operation goes on where that one stopped. The transport's own read or write
// may stay in flight until then, or until the stream is destroyed.
//
// Concurrency: one operation of the source and one of the sink at a time; a
// second one is a programming error and asserted. Not thread-safe: initiate,
// cancel and destroy on the transport's executor.
//
// Lifetime: movable (operations stay with the stream they were started on; a
// moved-from stream can only be assigned to or destroyed). The destructor
// closes the transport; pending operations complete with operation_aborted.
//
// Errors: boost::system::error_code; read_status() tells more. Reading ends
// with asio::error::eof (a clean end between frames), a FrameErrc (the input
// was malformed, or ended inside a frame) or the transport's error, after the
// frames before it were handed out, and stays ended. A failed write is final
// too.

#ifndef COFFER_SDK_STREAM_FRAMED_STREAM_H_
#define COFFER_SDK_STREAM_FRAMED_STREAM_H_

#include <boost/asio/async_result.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/sdk/frame/field_count.h"
#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/frame/message_parser.h"
#include "coffer/sdk/stream/framed_stream_options.h"
#include "coffer/sdk/stream/internal/read_half.h"
#include "coffer/sdk/stream/internal/write_half.h"
#include "coffer/sdk/stream/stream_traits.h"

namespace coffer {

// What TryNext found. kEnd: read_error() says why no message will follow.
enum class NextResult { kMessage, kNothingYet, kEnd };

template <class AsyncStream, class In, class Out>
class FramedStream {
 public:
  using executor_type = typename AsyncStream::executor_type;
  using next_layer_type = AsyncStream;
  using error_code = boost::system::error_code;

  explicit FramedStream(AsyncStream transport, FramedStreamOptions options = {})
      : state_(std::make_shared<State>(std::move(transport), options)) {}

  FramedStream(FramedStream&&) noexcept = default;
  FramedStream& operator=(FramedStream&& other) noexcept {
    if (this == &other) return *this;
    Abandon();
    state_ = std::move(other.state_);
    return *this;
  }
  ~FramedStream() { Abandon(); }

  executor_type get_executor() { return state_->transport.get_executor(); }
  AsyncStream& next_layer() { return state_->transport; }

  // --- Source

  // Waits until TryNext has something to say. void(error_code): success when a
  // whole frame has arrived, else why none will.
  template <class Token>
  auto WaitReadable(Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [state = state_](auto handler) {
          state->read.Wait(std::move(handler), state);
        },
        token);
  }

  // Hands out the next message that has arrived already, never waiting. On kEnd
  // and kNothingYet `message` is unspecified.
  NextResult TryNext(In* message) { return state_->TryNext(message); }

  // Waits for the next message. void(error_code, In).
  template <class Token>
  auto Next(Token&& token) {
    return boost::asio::async_compose<Token, void(error_code, In)>(
        NextOperation{state_}, token, state_->transport);
  }

  // As WaitReadable, but gives up with operation_aborted when nothing is there
  // to be read at once.
  template <class Token>
  auto ReadableNow(Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [state = state_](auto handler) {
          state->read.Wait(std::move(handler), state);
          // Behind the completion of a read that found bytes.
          boost::asio::post(state->transport.get_executor(),
                            [state] { state->read.Abort(); });
        },
        token);
  }

  // The pending operation of the source, if any, completes with
  // operation_aborted, as if it had been cancelled.
  void CancelSource() { state_->read.Abort(); }

  // Throws away what the peer still sends. void(error_code): success at the end
  // of input, or after `bytes_max` bytes. Nothing can be read afterwards.
  template <class Token>
  auto Discard(std::size_t bytes_max, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [state = state_, bytes_max](auto handler) {
          state->read.Discard(bytes_max, std::move(handler), state);
        },
        token);
  }

  // Why reading ended: unset while it has not, eof after a clean end.
  error_code read_error() const { return state_->read.error(); }
  // The same with what, where and how much.
  const absl::Status& read_status() const { return state_->read.status(); }
  // Bytes received in all.
  std::uint64_t received_bytes() const { return state_->read.received(); }
  // Received bytes not handed out yet: non-zero while a frame is incomplete.
  std::size_t unread_bytes() const {
    return state_->read.decoder().buffered_bytes();
  }

  // --- Sink

  // Encodes `message` behind what was fed before; nothing is written yet.
  // ResourceExhausted if the message is over the peer's limit or the buffer is
  // above its high mark, and then nothing was added; Unavailable once a write
  // has failed; FailedPrecondition after Close.
  absl::Status Feed(const Out& message) { return state_->write.Feed(message); }

  // The same for a message that is encoded already, in pieces one behind the
  // other. It is never compressed.
  absl::Status FeedPayload(absl::Span<const absl::string_view> pieces) {
    return state_->write.FeedPayload(pieces);
  }

  bool is_ready() const { return !state_->write.full(); }

  // Waits for room: completes at once below the high mark, else writes until
  // the buffer is down to the low one. void(error_code).
  template <class Token>
  auto Ready(Token&& token) {
    return WaitWritten(state_->write.ready_mark(), std::forward<Token>(token));
  }

  // Writes all that was fed before this call. void(error_code).
  template <class Token>
  auto Flush(Token&& token) {
    return WaitWritten(state_->write.all_fed(), std::forward<Token>(token));
  }

  // As CancelSource, for the sink.
  void CancelSink() { state_->write.Abort(); }

  // Feed, then Flush. void(error_code): FrameErrc::kOversizeMessage or
  // no_buffer_space when the message was refused and nothing was added.
  template <class Token>
  auto Send(const Out& message, Token&& token) {
    const error_code refused = state_->FeedForSend(message);
    return boost::asio::async_compose<Token, void(error_code)>(
        SendOperation{state_, refused}, token, state_->transport);
  }

  // Flushes, then ends sending (over TLS: sends close_notify); reading goes on.
  // void(error_code).
  template <class Token>
  auto Close(Token&& token) {
    return boost::asio::async_compose<Token, void(error_code)>(
        CloseOperation{state_}, token, state_->transport);
  }

  // Bytes fed and not yet taken by the transport, and bytes taken in all.
  std::size_t unwritten_bytes() const { return state_->write.buffered(); }
  std::uint64_t written_bytes() const { return state_->write.written(); }

  // --- Negotiation

  // What the peer accepts, from the next Feed on.
  void set_encoder_options(const FrameEncoderOptions& options) {
    state_->write.encoder().set_options(options);
  }
  // What we accept, from the next frame on.
  void set_read_limits(const FrameLimits& limits) {
    state_->read.decoder().set_limits(limits);
  }

 private:
  struct State : std::enable_shared_from_this<State> {
    State(AsyncStream stream, const FramedStreamOptions& options)
        : transport(std::move(stream)),
          fields_max(options.message_fields_max),
          read(transport, options.read_limits),
          write(transport, options.encoder, options.write_high_mark_bytes,
                options.write_low_mark_bytes) {}

    NextResult TryNext(In* message) {
      absl::string_view payload;
      switch (read.Next(&payload)) {
        case FrameDecoder::Step::kNeedMore:
          return NextResult::kNothingYet;
        case FrameDecoder::Step::kError:
          return NextResult::kEnd;
        case FrameDecoder::Step::kFrame:
          break;
      }
      absl::Status parsed =
          CheckFieldCount(payload, *In::descriptor(), fields_max);
      if (parsed.ok()) parsed = ParseMessage(payload, message);
      if (parsed.ok()) return NextResult::kMessage;
      const error_code error = FrameErrorCode(parsed);
      read.Poison(error, std::move(parsed));
      return NextResult::kEnd;
    }

    error_code FeedForSend(const Out& message) {
      if (write.error()) return write.error();
      if (write.full()) return boost::asio::error::no_buffer_space;
      const absl::Status fed = write.Feed(message);
      if (fed.ok()) return {};
      return absl::IsFailedPrecondition(fed)
                 ? error_code(boost::asio::error::shut_down)
                 : make_error_code(FrameErrc::kOversizeMessage);
    }

    AsyncStream transport;
    const std::size_t fields_max;
    internal::ReadHalf<AsyncStream> read;
    internal::WriteHalf<AsyncStream> write;
  };
  using StatePtr = std::shared_ptr<State>;

  struct NextOperation {
    StatePtr state;
    bool waited = false;

    template <class Self>
    void operator()(Self& self, error_code error = {}) {
      In message;
      if (!waited) {
        self.reset_cancellation_state(boost::asio::enable_total_cancellation());
        return Wait(self);
      }
      if (!error) {
        switch (state->TryNext(&message)) {
          case NextResult::kNothingYet:
            return Wait(self);
          case NextResult::kEnd:
            error = state->read.error();
            break;
          case NextResult::kMessage:
            break;
        }
      }
      self.complete(error, std::move(message));
    }

    template <class Self>
    void Wait(Self& self) {
      waited = true;
      // Named, for `self` (and this object in it) is moved into the call.
      const StatePtr keep = state;
      keep->read.Wait(std::move(self), keep);
    }
  };

  struct SendOperation {
    StatePtr state;
    error_code refused;
    bool waited = false;

    template <class Self>
    void operator()(Self& self, error_code error = {}) {
      if (waited) return self.complete(refused ? refused : error);
      waited = true;
      self.reset_cancellation_state(boost::asio::enable_total_cancellation());
      const StatePtr keep = state;
      const std::uint64_t target = refused ? 0 : keep->write.all_fed();
      keep->write.WaitWritten(target, std::move(self), keep);
    }
  };

  struct CloseOperation {
    enum class Stage { kStart, kFlushing, kShuttingDown };
    StatePtr state;
    Stage stage = Stage::kStart;

    template <class Self>
    void operator()(Self& self, error_code error = {}) {
      const StatePtr keep = state;
      if (error || stage == Stage::kShuttingDown) return self.complete(error);
      if (stage == Stage::kStart) {
        stage = Stage::kFlushing;
        self.reset_cancellation_state(boost::asio::enable_total_cancellation());
        keep->write.WaitWritten(keep->write.all_fed(), std::move(self), keep);
      } else {
        stage = Stage::kShuttingDown;
        keep->write.WaitShutdown(std::move(self), keep);
      }
    }
  };

  template <class Token>
  auto WaitWritten(std::uint64_t target, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [state = state_, target](auto handler) {
          state->write.WaitWritten(target, std::move(handler), state);
        },
        token);
  }

  void Abandon() {
    if (state_ == nullptr) return;
    state_->read.Abort();
    state_->write.Abort();
    StreamTraits<AsyncStream>::Close(state_->transport);
    state_.reset();
  }

  StatePtr state_;
};

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_FRAMED_STREAM_H_
