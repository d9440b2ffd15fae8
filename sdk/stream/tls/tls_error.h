// From an error code of a TLS stream to a status with words that help: what the
// peer refused, or what of the peer we refused. Used for handshakes, and for
// the first reads after one: in TLS 1.3 a client's handshake is done before the
// server has looked at its certificate, so that a refusal arrives with a read.

#ifndef COFFER_SDK_STREAM_TLS_TLS_ERROR_H_
#define COFFER_SDK_STREAM_TLS_TLS_ERROR_H_

#include <boost/system/error_code.hpp>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace coffer {

// `what` begins the message: "TLS read: ...".
// Ok: no error. Cancelled: operation_aborted. Unauthenticated: certificates,
// ours or the peer's. FailedPrecondition: the two sides cannot speak TLS with
// each other (plain text, no common version, suite or application protocol,
// malformed records). Unavailable: the connection was closed, reset or cut
// short.
absl::Status TlsErrorToStatus(const boost::system::error_code& error,
                              absl::string_view what);

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_TLS_TLS_ERROR_H_
