// StreamConformance over streams that are wrong on purpose, each in one way:
// MemoryPipes behind a wrapper that breaks one rule. Run by wrong_streams_test,
// which says which test of the suite has to fail; on its own it fails.

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>
#include <cstddef>
#include <memory>
#include <utility>

#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/stream_conformance.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

enum class Wrong {
  kNothing,         // the right one
  kInline,          // completes in the initiating function if it can
  kForgetsHandler,  // runs it on its own executor, with its own memory
  kEndIsSuccess,    // reads success and no bytes at the end
  kEarlyEnd,        // a close discards what the peer has not read yet
};

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
    if constexpr (kWrong == Wrong::kEndIsSuccess) {
      return asio::async_initiate<Token, Signature>(
          [this](auto handler, const Buffers& into) {
            const auto slot = asio::get_associated_cancellation_slot(handler);
            auto shared =
                std::make_shared<decltype(handler)>(std::move(handler));
            pipe_.async_read_some(
                into, asio::bind_cancellation_slot(
                          slot, [shared](error_code error, size_t bytes) {
                            if (error == asio::error::eof) error = {};
                            std::move (*shared)(error, bytes);
                          }));
          },
          token, buffers);
    } else if constexpr (kWrong == Wrong::kForgetsHandler) {
      return asio::async_initiate<Token, Signature>(
          [this](auto handler, const Buffers& into) {
            auto shared =
                std::make_shared<decltype(handler)>(std::move(handler));
            pipe_.async_read_some(into,
                                  [shared](error_code error, size_t bytes) {
                                    std::move (*shared)(error, bytes);
                                  });
          },
          token, buffers);
    } else {
      return pipe_.async_read_some(buffers, std::forward<Token>(token));
    }
  }

  template <class Buffers, asio::completion_token_for<Signature> Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    if constexpr (kWrong == Wrong::kInline) {
      return asio::async_initiate<Token, Signature>(
          [this](auto handler, const Buffers& from) {
            const size_t all = asio::buffer_size(from);
            pipe_.async_write_some(from, [](error_code, size_t) {});
            std::move(handler)(error_code(), all);
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
  void cancel() { pipe_.cancel(); }

 private:
  MemoryPipe pipe_;
};

template <Wrong kWrong>
struct WrongTraits {
  using Stream = WrongStream<kWrong>;
  static constexpr bool kIsLayer = false;
  static constexpr size_t kBulkBytes = 100000;

  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    auto ends = MakeMemoryPipe(io.get_executor());
    return {Stream(std::move(ends.first)), Stream(std::move(ends.second))};
  }
  static void Close(Stream& stream) { stream.close(); }
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
INSTANTIATE_TYPED_TEST_SUITE_P(ForgetsHandler, StreamConformance,
                               WrongTraits<Wrong::kForgetsHandler>);
INSTANTIATE_TYPED_TEST_SUITE_P(EndIsSuccess, StreamConformance,
                               WrongTraits<Wrong::kEndIsSuccess>);
INSTANTIATE_TYPED_TEST_SUITE_P(EarlyEnd, StreamConformance,
                               WrongTraits<Wrong::kEarlyEnd>);

}  // namespace
}  // namespace coffer_testing
