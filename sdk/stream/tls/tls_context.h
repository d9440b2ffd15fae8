// Makes the TLS contexts of servers and clients. A context is made once, shared
// by any number of connections on any threads, and never changed afterwards: to
// take up a new certificate, make another one and hand it to new connections;
// those that are open keep the one they started with.
//
// Both speak TLS 1.2 and 1.3 and prefer 1.3. In TLS 1.2 only forward-secret
// suites with an AEAD are allowed. The application protocol is "kv" (ALPN,
// RFC 7301): clients offer it; servers take it, also take clients that offer
// none, and refuse clients that offer only others.

#ifndef COFFER_SDK_STREAM_TLS_TLS_CONTEXT_H_
#define COFFER_SDK_STREAM_TLS_TLS_CONTEXT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "coffer/sdk/stream/tls/ssl.h"
#include "coffer/sdk/stream/tls/tls_options.h"

namespace coffer {

inline constexpr char kTlsAlpnProtocol[] = "kv";

using TlsContext = boost::asio::ssl::context;

// Reads the files that `options` names, so call it where blocking is fine.
// Errors say which file or text, and why. A file that cannot be read gives the
// code of its errno (NotFound, PermissionDenied...), everything else
// InvalidArgument.
absl::StatusOr<std::shared_ptr<TlsContext>> MakeTlsServerContext(
    const TlsServerOptions& options);

// As above. FailedPrecondition: no authorities were given and the system has no
// trust store either.
absl::StatusOr<std::shared_ptr<TlsContext>> MakeTlsClientContext(
    const TlsClientOptions& options);

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_TLS_TLS_CONTEXT_H_
