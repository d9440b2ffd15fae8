// ErasedStreamOf: the ErasedStream of a stream by its traits; all of
// StreamConformance that is compiled for each of them.

#ifndef COFFER_TESTING_INTERNAL_ERASED_STREAM_OF_H_
#define COFFER_TESTING_INTERNAL_ERASED_STREAM_OF_H_

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "coffer/testing/internal/erased_handler.h"
#include "coffer/testing/internal/erased_stream.h"
#include "coffer/testing/internal/watched_op.h"

namespace coffer_testing::internal {

template <class Traits>
class ErasedStreamOf final : public ErasedStream {
 public:
  using Stream = typename Traits::Stream;

  static constexpr bool kHasReset = requires(Stream & stream) {
    Traits::Reset(stream);
  };

  explicit ErasedStreamOf(Stream stream) : stream_(std::move(stream)) {}

  executor_type get_executor() override { return stream_.get_executor(); }
  void Read(const std::vector<MutableBuffer>& buffers,
            ErasedHandler handler) override {
    stream_.async_read_some(buffers, std::move(handler));
  }
  void Write(const std::vector<ConstBuffer>& buffers,
             ErasedHandler handler) override {
    stream_.async_write_some(buffers, std::move(handler));
  }
  void Close() override { Traits::Close(stream_); }
  void Cancel() override { Traits::Cancel(stream_); }
  void ShutdownSend() override {
    if constexpr (!Traits::kIsLayer) Traits::ShutdownSend(stream_);
  }
  void Reset() override {
    if constexpr (kHasReset) Traits::Reset(stream_);
  }

  void ReadPlainly(MutableBuffer buffer, Ended& ended, Where where) override {
    stream_.async_read_some(boost::asio::buffer(buffer), WatchOp(ended, where));
  }
  void WritePlainly(ConstBuffer buffer, Ended& ended, Where where) override {
    stream_.async_write_some(boost::asio::buffer(buffer),
                             WatchOp(ended, where));
  }

  std::future<size_t> ReadFuture(MutableBuffer buffer) override {
    return stream_.async_read_some(boost::asio::buffer(buffer),
                                   boost::asio::use_future);
  }
  std::function<void(ErasedHandler)> ReadDeferred(
      MutableBuffer buffer) override {
    auto deferred = stream_.async_read_some(boost::asio::buffer(buffer),
                                            boost::asio::deferred);
    auto shared = std::make_shared<decltype(deferred)>(std::move(deferred));
    return [shared](ErasedHandler handler) {
      std::move (*shared)(std::move(handler));
    };
  }
  Awaitable<size_t> ReadAwaitable(MutableBuffer buffer) override {
    return stream_.async_read_some(boost::asio::buffer(buffer),
                                   boost::asio::use_awaitable);
  }
  Awaitable<std::tuple<Error, size_t>> ReadAwaitableTuple(
      MutableBuffer buffer) override {
    return stream_.async_read_some(
        boost::asio::buffer(buffer),
        boost::asio::as_tuple(boost::asio::use_awaitable));
  }

 private:
  Stream stream_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_ERASED_STREAM_OF_H_
