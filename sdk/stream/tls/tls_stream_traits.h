// StreamTraits of TLS: the end of sending is TLS's close_notify (RFC
// 8446, 6.1), after which receiving goes on. Asio's async_shutdown is not that:
// it also waits for the peer's close_notify, and ends in an error if data
// arrives before it.

#ifndef COFFER_SDK_STREAM_TLS_TLS_STREAM_TRAITS_H_
#define COFFER_SDK_STREAM_TLS_TLS_STREAM_TRAITS_H_

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <string>
#include <utility>

#include "coffer/sdk/stream/stream_traits.h"
#include "coffer/sdk/stream/tls/internal/close_notify.h"
#include "coffer/sdk/stream/tls/ssl.h"

namespace coffer {

template <class Next>
struct StreamTraits<boost::asio::ssl::stream<Next>> {
  // Writes close_notify below TLS; no write may be in flight, a read may.
  // Nothing is written, and that is no error, if it has been sent before or if
  // the handshake is not done.
  static void AsyncShutdownSend(TlsStream<Next>& stream,
                                ShutdownHandler handler) {
    namespace asio = boost::asio;
    auto record = std::make_unique<std::string>(
        internal::TakeCloseNotify(stream.native_handle()));
    const auto buffer = asio::buffer(*record);
    const auto executor =
        asio::get_associated_executor(handler, stream.get_executor());
    const auto slot = asio::get_associated_cancellation_slot(handler);
    auto written = [kept = std::move(record), done = std::move(handler)](
                       boost::system::error_code error, std::size_t) mutable {
      kept.reset();
      std::move(done)(error);
    };
    asio::async_write(
        stream.next_layer(), buffer,
        asio::bind_cancellation_slot(
            slot, asio::bind_executor(executor, std::move(written))));
  }

  // Ends both directions now, without a close_notify.
  static void Close(TlsStream<Next>& stream) {
    boost::system::error_code ignored;
    stream.lowest_layer().close(ignored);
  }
};

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_TLS_TLS_STREAM_TRAITS_H_
