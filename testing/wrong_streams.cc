// StreamConformance over streams that are wrong on purpose, each in one way:
// MemoryPipes behind a wrapper that breaks one rule. Run by wrong_streams_test,
// which says which test of the suite has to fail; on its own it fails.

#include <array>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/write.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/stream_conformance.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

enum class Wrong {
  kNothing,             // the right one
  kInline,              // completes in the initiating function if it can
  kTwice,               // invokes a handler twice
  kDropsHandler,        // never invokes it
  kForgetsHandler,      // runs it on its own executor, with its own memory,
                        // and without its cancellation
  kKeepsHandler,        // counts no work, and forgets it when it is destroyed
  kEmptyWaits,          // an empty read waits for bytes
  kPiecesBackwards,     // writes the last buffer of a sequence first
  kCorruptsFar,         // changes a byte far from the beginning
  kNeverFull,           // takes whatever is written
  kCancelledWriteGoes,  // a part of a cancelled write is sent
  kCancelledReadTakes,  // a cancelled read takes a byte
  kIgnoresCancel,       // cancel() does nothing
  kEndIsSuccess,        // reads success and no bytes at the end
  kEarlyEnd,            // a close discards what the peer has not read yet
  kResetIsClose,        // a reset looks like a close to the peer
  kHidesOverlap,        // a second read is told a lie
  kCopiesEarly,         // takes what is written before it completes
  kStartsAtOnce,        // starts what is deferred
};

std::string Gathered(const std::vector<asio::const_buffer>& pieces) {
  std::string bytes(asio::buffer_size(pieces), '\0');
  asio::buffer_copy(asio::buffer(bytes), pieces);
  return bytes;
}

template <Wrong kWrong>
class WrongStream {
 public:
  using executor_type = MemoryPipe::executor_type;
  using lowest_layer_type = WrongStream;
  using Signature = void(error_code, size_t);

  explicit WrongStream(MemoryPipe pipe) : pipe_(std::move(pipe)) {}

  executor_type get_executor() { return pipe_.get_executor(); }
  lowest_layer_type& lowest_layer() { return *this; }

  template <class Buffers, asio::completion_token_for<Signature> Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    if constexpr (kWrong == Wrong::kStartsAtOnce) {
      auto started = std::make_shared<Started>();
      pipe_.async_read_some(buffers, [started](error_code error, size_t bytes) {
        started->result = {error, bytes};
        if (started->then) started->then(error, bytes);
      });
      return asio::async_initiate<Token, Signature>(
          [this, started](auto handler) {
            auto then = Shared(std::move(handler));
            if (!started->result) {
              started->then = then;
            } else {
              asio::post(get_executor(), [then, result = *started->result] {
                then(result.first, result.second);
              });
            }
          },
          token);
    } else if constexpr (kWrongReads) {
      return asio::async_initiate<Token, Signature>(
          [this](auto handler, const Buffers& into) {
            // Not of what was moved from.
            const auto slot = asio::get_associated_cancellation_slot(handler);
            Read({asio::buffer_sequence_begin(into),
                  asio::buffer_sequence_end(into)},
                 slot, Shared(std::move(handler)));
          },
          token, buffers);
    } else {
      return pipe_.async_read_some(buffers, std::forward<Token>(token));
    }
  }

  template <class Buffers, asio::completion_token_for<Signature> Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    if constexpr (kWrongWrites) {
      return asio::async_initiate<Token, Signature>(
          [this](auto handler, const Buffers& from) {
            // Not of what was moved from.
            const auto slot = asio::get_associated_cancellation_slot(handler);
            Write({asio::buffer_sequence_begin(from),
                   asio::buffer_sequence_end(from)},
                  slot, Shared(std::move(handler)));
          },
          token, buffers);
    } else {
      return pipe_.async_write_some(buffers, std::forward<Token>(token));
    }
  }

  void shutdown(asio::socket_base::shutdown_type what, error_code& error) {
    pipe_.shutdown(what, error);
  }
  void close() { kWrong == Wrong::kEarlyEnd ? pipe_.reset() : pipe_.close(); }
  void reset() {
    kWrong == Wrong::kResetIsClose ? pipe_.close() : pipe_.reset();
  }
  void cancel() {
    if (kWrong != Wrong::kIgnoresCancel) pipe_.cancel();
    if (!parked_) return;
    asio::post(get_executor(), [parked = std::exchange(parked_, nullptr)] {
      parked(asio::error::operation_aborted, 0);
    });
  }

 private:
  using Handler = std::function<Signature>;
  using Into = std::vector<asio::mutable_buffer>;
  using From = std::vector<asio::const_buffer>;
  using Slot = asio::cancellation_slot;

  struct Started {
    std::optional<std::pair<error_code, size_t>> result;
    Handler then;
  };

  static constexpr bool kWrongReads =
      kWrong == Wrong::kTwice || kWrong == Wrong::kForgetsHandler ||
      kWrong == Wrong::kKeepsHandler || kWrong == Wrong::kEmptyWaits ||
      kWrong == Wrong::kCorruptsFar || kWrong == Wrong::kCancelledReadTakes ||
      kWrong == Wrong::kEndIsSuccess || kWrong == Wrong::kHidesOverlap;
  static constexpr bool kWrongWrites =
      kWrong == Wrong::kInline || kWrong == Wrong::kDropsHandler ||
      kWrong == Wrong::kPiecesBackwards ||
      kWrong == Wrong::kCancelledWriteGoes || kWrong == Wrong::kCopiesEarly;

  // Without what is associated with it.
  template <class AnyHandler>
  static Handler Shared(AnyHandler handler) {
    auto shared = std::make_shared<AnyHandler>(std::move(handler));
    return [shared](error_code error, size_t bytes) {
      std::move (*shared)(error, bytes);
    };
  }

  void Read(Into into, Slot slot, Handler handler) {
    const auto pass_on = [&](auto then) {
      pipe_.async_read_some(into, asio::bind_cancellation_slot(slot, then));
    };
    if constexpr (kWrong == Wrong::kTwice) {
      pass_on([handler, on = get_executor()](error_code error, size_t bytes) {
        handler(error, bytes);
        asio::post(on, [handler, error, bytes] { handler(error, bytes); });
      });
    } else if constexpr (kWrong == Wrong::kForgetsHandler) {
      pipe_.async_read_some(into, handler);
    } else if constexpr (kWrong == Wrong::kKeepsHandler) {
      parked_ = handler;
    } else if constexpr (kWrong == Wrong::kEmptyWaits) {
      if (asio::buffer_size(into) == 0) into = {asio::buffer(scratch_)};
      pass_on(handler);
    } else if constexpr (kWrong == Wrong::kCorruptsFar) {
      pass_on([this, into, handler](error_code error, size_t bytes) {
        constexpr size_t kFar = 65536;
        if (bytes_read_ <= kFar && kFar < bytes_read_ + bytes) {
          ++static_cast<char*>(into[0].data())[kFar - bytes_read_];
        }
        bytes_read_ += bytes;
        handler(error, bytes);
      });
    } else if constexpr (kWrong == Wrong::kCancelledReadTakes) {
      const auto then = [this, handler](error_code error, size_t bytes) {
        if (error == asio::error::operation_aborted) after_cancel_ = true;
        handler(error, bytes);
      };
      if (!std::exchange(after_cancel_, false)) return pass_on(then);
      pipe_.async_read_some(asio::buffer(scratch_),
                            [this, into, then](error_code, size_t) {
                              pipe_.async_read_some(into, then);
                            });
    } else if constexpr (kWrong == Wrong::kEndIsSuccess) {
      pass_on([handler](error_code error, size_t bytes) {
        handler(error == asio::error::eof ? error_code() : error, bytes);
      });
    } else if constexpr (kWrong == Wrong::kHidesOverlap) {
      if (pipe_.pending_reads() == 0) return pass_on(handler);
      asio::post(get_executor(), [handler] { handler({}, 0); });
    }
  }

  void Write(From from, Slot slot, Handler handler) {
    const size_t all = asio::buffer_size(from);
    // Of its own bytes, and never in pieces.
    const auto write_own = [&](std::string own) {
      const auto bytes = std::make_shared<std::string>(std::move(own));
      asio::async_write(pipe_, asio::buffer(*bytes),
                        [handler, all, bytes](error_code error, size_t) {
                          handler(error, error ? 0 : all);
                        });
    };
    if constexpr (kWrong == Wrong::kInline) {
      pipe_.async_write_some(from, [](error_code, size_t) {});
      handler({}, all);
    } else if constexpr (kWrong == Wrong::kDropsHandler) {
      pipe_.async_write_some(from, [](error_code, size_t) {});
    } else if constexpr (kWrong == Wrong::kPiecesBackwards) {
      write_own(Gathered({from.rbegin(), from.rend()}));
    } else if constexpr (kWrong == Wrong::kCopiesEarly) {
      write_own(Gathered(from));
    } else if constexpr (kWrong == Wrong::kCancelledWriteGoes) {
      if (std::exchange(after_cancel_, false)) {
        return write_own("z" + Gathered(from));
      }
      pipe_.async_write_some(
          from, asio::bind_cancellation_slot(
                    slot, [this, handler](error_code error, size_t bytes) {
                      after_cancel_ = error == asio::error::operation_aborted;
                      handler(error, bytes);
                    }));
    }
  }

  MemoryPipe pipe_;
  Handler parked_;
  std::array<char, 1> scratch_;
  size_t bytes_read_ = 0;
  bool after_cancel_ = false;
};

template <Wrong kWrong>
struct WrongTraits {
  using Stream = WrongStream<kWrong>;
  static constexpr bool kIsLayer = false;
  static constexpr size_t kBulkBytes = 100000;
  static constexpr bool kReportsOverlap = true;
  static constexpr bool kInMemory = true;
  static constexpr TransferMode kTransfer = TransferMode::kLate;

  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    MemoryPipeOptions options;
    if (kWrong == Wrong::kNeverFull) {
      options.capacity = MemoryPipeOptions::kUnbounded;
    }
    auto ends = MakeMemoryPipe(io.get_executor(), options);
    return {Stream(std::move(ends.first)), Stream(std::move(ends.second))};
  }
  static void Close(Stream& stream) { stream.close(); }
  static void Reset(Stream& stream) { stream.reset(); }
  static void Cancel(Stream& stream) { stream.cancel(); }
  static void ShutdownSend(Stream& stream) {
    error_code ignored;
    stream.shutdown(asio::socket_base::shutdown_send, ignored);
  }
  static bool IsEnd(error_code error) { return error == asio::error::eof; }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Right, StreamConformance,
                               WrongTraits<Wrong::kNothing>);
INSTANTIATE_TYPED_TEST_SUITE_P(Inline, StreamConformance,
                               WrongTraits<Wrong::kInline>);
INSTANTIATE_TYPED_TEST_SUITE_P(Twice, StreamConformance,
                               WrongTraits<Wrong::kTwice>);
INSTANTIATE_TYPED_TEST_SUITE_P(DropsHandler, StreamConformance,
                               WrongTraits<Wrong::kDropsHandler>);
INSTANTIATE_TYPED_TEST_SUITE_P(ForgetsHandler, StreamConformance,
                               WrongTraits<Wrong::kForgetsHandler>);
INSTANTIATE_TYPED_TEST_SUITE_P(KeepsHandler, StreamConformance,
                               WrongTraits<Wrong::kKeepsHandler>);
INSTANTIATE_TYPED_TEST_SUITE_P(EmptyWaits, StreamConformance,
                               WrongTraits<Wrong::kEmptyWaits>);
INSTANTIATE_TYPED_TEST_SUITE_P(PiecesBackwards, StreamConformance,
                               WrongTraits<Wrong::kPiecesBackwards>);
INSTANTIATE_TYPED_TEST_SUITE_P(CorruptsFar, StreamConformance,
                               WrongTraits<Wrong::kCorruptsFar>);
INSTANTIATE_TYPED_TEST_SUITE_P(NeverFull, StreamConformance,
                               WrongTraits<Wrong::kNeverFull>);
INSTANTIATE_TYPED_TEST_SUITE_P(CancelledWriteGoes, StreamConformance,
                               WrongTraits<Wrong::kCancelledWriteGoes>);
INSTANTIATE_TYPED_TEST_SUITE_P(CancelledReadTakes, StreamConformance,
                               WrongTraits<Wrong::kCancelledReadTakes>);
INSTANTIATE_TYPED_TEST_SUITE_P(IgnoresCancel, StreamConformance,
                               WrongTraits<Wrong::kIgnoresCancel>);
INSTANTIATE_TYPED_TEST_SUITE_P(EndIsSuccess, StreamConformance,
                               WrongTraits<Wrong::kEndIsSuccess>);
INSTANTIATE_TYPED_TEST_SUITE_P(EarlyEnd, StreamConformance,
                               WrongTraits<Wrong::kEarlyEnd>);
INSTANTIATE_TYPED_TEST_SUITE_P(ResetIsClose, StreamConformance,
                               WrongTraits<Wrong::kResetIsClose>);
INSTANTIATE_TYPED_TEST_SUITE_P(HidesOverlap, StreamConformance,
                               WrongTraits<Wrong::kHidesOverlap>);
INSTANTIATE_TYPED_TEST_SUITE_P(CopiesEarly, StreamConformance,
                               WrongTraits<Wrong::kCopiesEarly>);
INSTANTIATE_TYPED_TEST_SUITE_P(StartsAtOnce, StreamConformance,
                               WrongTraits<Wrong::kStartsAtOnce>);

}  // namespace
}  // namespace coffer_testing
