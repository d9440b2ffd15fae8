// Who the other side of a TLS connection is, as far as its certificate proves
// it: for logs, and for authentication by client certificate.

#ifndef COFFER_SDK_STREAM_TLS_TLS_PEER_H_
#define COFFER_SDK_STREAM_TLS_TLS_PEER_H_

#include <openssl/base.h>

#include <optional>
#include <string>

namespace coffer {

// The name in the peer's verified certificate: the subject's common name, or if
// there is none its first alternative name. Any bytes but NUL may be in it;
// escape it before it goes into a log. Nothing before the handshake is done, if
// the peer sent no certificate, or if it was not verified.
std::optional<std::string> VerifiedPeerName(const SSL* ssl);

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_TLS_TLS_PEER_H_
