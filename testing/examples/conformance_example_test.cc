// How to hold a stream class of your own to what every stream keeps: here one
// that counts the bytes it reads. (A storage engine of your own:
// examples/downstream/counting_storage_test.cc.)

#include <boost/asio/associator.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <utility>

#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/stream_conformance.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using coffer_testing::MemoryPipe;

// The handler of a read, which counts before the user's is called.
template <class Handler>
struct CountingHandler {
  void operator()(error_code error, size_t bytes) {
    *count += bytes;
    std::move(handler)(error, bytes);
  }

  std::shared_ptr<size_t> count;
  Handler handler;
};

class CountingStream {
 public:
  using executor_type = MemoryPipe::executor_type;
  using Signature = void(error_code, size_t);

  explicit CountingStream(MemoryPipe pipe) : pipe_(std::move(pipe)) {}

  executor_type get_executor() { return pipe_.get_executor(); }
  MemoryPipe& pipe() { return pipe_; }
  size_t bytes_read() const { return *count_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, Signature>(
        [this](auto handler, const Buffers& into) {
          pipe_.async_read_some(into, CountingHandler<decltype(handler)>{
                                          count_, std::move(handler)});
        },
        token, buffers);
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return pipe_.async_write_some(buffers, std::forward<Token>(token));
  }

 private:
  MemoryPipe pipe_;
  const std::shared_ptr<size_t> count_ = std::make_shared<size_t>(0);
};

}  // namespace

// Executor, allocator and cancellation are those of the user's handler. Without
// this, the suite says so.
template <template <class, class> class Associator, class Handler,
          class Default>
struct boost::asio::associator<Associator, CountingHandler<Handler>, Default>
    : Associator<Handler, Default> {
  static auto get(const CountingHandler<Handler>& counting,
                  const Default& otherwise = Default()) noexcept {
    return Associator<Handler, Default>::get(counting.handler, otherwise);
  }
};

namespace {

struct CountingTraits {
  using Stream = CountingStream;
  static constexpr bool kIsLayer = false;
  static constexpr size_t kBulkBytes = 300000;

  static std::pair<Stream, Stream> Connect(asio::io_context& io) {
    auto ends = coffer_testing::MakeMemoryPipe(io.get_executor());
    return {Stream(std::move(ends.first)), Stream(std::move(ends.second))};
  }
  static void Close(Stream& stream) { stream.pipe().close(); }
  static void ShutdownSend(Stream& stream) { stream.pipe().shutdown_send(); }
  static void Cancel(Stream& stream) { stream.pipe().cancel(); }
  static void Reset(Stream& stream) { stream.pipe().reset(); }
  static bool IsEnd(error_code error) { return error == asio::error::eof; }
};

}  // namespace

namespace coffer_testing {
INSTANTIATE_TYPED_TEST_SUITE_P(Counting, StreamConformance, CountingTraits);
}  // namespace coffer_testing
