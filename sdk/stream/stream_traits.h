// StreamTraits: what a framed stream asks of its transport beyond Asio's
// AsyncReadStream and AsyncWriteStream: how to end sending, and how to close at
// once. The primary template suits sockets and whatever has their `shutdown`
// and `lowest_layer().close`; another transport specialises it (TLS does, in
// sdk/stream/tls/tls_stream_traits.h).

#ifndef COFFER_SDK_STREAM_STREAM_TRAITS_H_
#define COFFER_SDK_STREAM_STREAM_TRAITS_H_

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

namespace coffer {

using ShutdownHandler =
    boost::asio::any_completion_handler<void(boost::system::error_code)>;

template <class AsyncStream>
struct StreamTraits {
  // Tells the peer that nothing more will be sent; receiving goes on. `handler`
  // is invoked once, not before this returns.
  static void AsyncShutdownSend(AsyncStream& stream, ShutdownHandler handler) {
    boost::system::error_code error;
    stream.shutdown(boost::asio::socket_base::shutdown_send, error);
    boost::asio::post(stream.get_executor(),
                      boost::asio::append(std::move(handler), error));
  }

  // Ends both directions now; pending operations complete with
  // operation_aborted.
  static void Close(AsyncStream& stream) {
    boost::system::error_code ignored;
    stream.lowest_layer().close(ignored);
  }
};

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_STREAM_TRAITS_H_
