// The TLS record that ends sending, for whoever writes it to the transport
// himself: Asio's TLS stream has no operation that sends it and returns.

#ifndef COFFER_SDK_STREAM_TLS_INTERNAL_CLOSE_NOTIFY_H_
#define COFFER_SDK_STREAM_TLS_INTERNAL_CLOSE_NOTIFY_H_

#include <openssl/base.h>

#include <string>

namespace coffer::internal {

// Ends sending on `ssl` and returns the encrypted close_notify alert. Empty if
// sending has ended before or the handshake is not done. Everything written to
// `ssl` earlier must have reached the transport.
std::string TakeCloseNotify(SSL* ssl);

}  // namespace coffer::internal

#endif  // COFFER_SDK_STREAM_TLS_INTERNAL_CLOSE_NOTIFY_H_
