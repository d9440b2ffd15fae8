// AsyncTlsHandshake: the handshake of one TLS connection, client or server,
// with a deadline and with errors that say what is wrong:
//
//   TLS handshake: certificate verify failed: unable to get local issuer
//     certificate (subject CN=localhost, issuer CN=Some CA)
//   TLS handshake: certificate verify failed: hostname mismatch: certificate is
//     not valid for db1 (it is for localhost, 127.0.0.1)
//   TLS handshake: the client sent no certificate, and one is required
//   TLS handshake: not finished within 5000 ms

#ifndef COFFER_SDK_STREAM_TLS_TLS_HANDSHAKE_H_
#define COFFER_SDK_STREAM_TLS_TLS_HANDSHAKE_H_

#include <boost/asio/async_result.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/stream/tls/internal/handshake_op.h"
#include "coffer/sdk/stream/tls/ssl.h"

namespace coffer {

enum class TlsRole { kClient, kServer };

struct TlsHandshakeOptions {
  TlsRole role = TlsRole::kClient;

  // A client's: the DNS name or IP address that the server's certificate must
  // be valid for. Required unless its context verifies nothing.
  std::string server_name;

  // From the call on, however slowly the peer moves; zero for no limit.
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
};

// Completes once, never inside this call, on the executor associated with
// `token`'s handler (by default the stream's), with an absl::Status:
//   Ok                  the stream is ready for reading and writing
//   Unauthenticated     certificates, the peer's or ours; see above
//   FailedPrecondition  the peer speaks plain text, or no common version, suite
//                       or application protocol
//   InvalidArgument     `server_name` cannot be verified; nothing was sent
//   Unavailable         the connection ended in the middle
//   DeadlineExceeded    `timeout` passed; the lowest layer has been closed
//   Cancelled           by the handler's cancellation slot; every type is taken
// After any error the stream is good for nothing but closing.
//
// A client whose certificate a TLS 1.3 server refuses learns it from its first
// read, not here; TlsErrorToStatus (tls_error.h) has the words.
//
// `stream` and `clock` must outlive the operation. Threads: as for any Asio
// object, the handler's executor must not run two handlers at a time.
template <class Next,
          boost::asio::completion_token_for<void(absl::Status)> Token>
auto AsyncTlsHandshake(TlsStream<Next>& stream, TlsHandshakeOptions options,
                       Clock& clock, Token&& token) {
  return boost::asio::async_initiate<Token, void(absl::Status)>(
      [](auto handler, TlsStream<Next>* tls, TlsHandshakeOptions how,
         Clock* time) {
        using Op = internal::HandshakeOp<Next, decltype(handler)>;
        std::make_shared<Op>(std::move(handler), *tls, *time, how.timeout)
            ->Start(how.role == TlsRole::kClient, how.server_name);
      },
      token, &stream, std::move(options), &clock);
}

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_TLS_TLS_HANDSHAKE_H_
