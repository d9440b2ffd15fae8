// The one header through which Coffer includes Asio's TLS. It stops the build
// when the <openssl/...> headers found are not BoringSSL's: a target that
// forgot to depend on BoringSSL would silently compile against the system's
// OpenSSL and fail in stranger ways at run time.
//
// BoringSSL never renegotiates unless told to and has no TLS compression, so
// neither has to be switched off.

#ifndef COFFER_SDK_STREAM_TLS_SSL_H_
#define COFFER_SDK_STREAM_TLS_SSL_H_

#include <openssl/crypto.h>

#ifndef OPENSSL_IS_BORINGSSL
#error "Coffer's TLS needs BoringSSL: depend on @boringssl//:ssl"
#endif

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/ssl/stream_base.hpp>

namespace coffer {

// TLS over the stream Next: a TCP socket, a Unix socket, a test double. At the
// end of input it reads boost::asio::error::eof after the peer's close_notify,
// and boost::asio::ssl::error::stream_truncated without one.
template <class Next>
using TlsStream = boost::asio::ssl::stream<Next>;

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_TLS_SSL_H_
