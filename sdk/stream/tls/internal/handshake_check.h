// The part of a TLS handshake that is not I/O: what to verify, and why it
// failed. Used by AsyncTlsHandshake; independent of the transport.

#ifndef COFFER_SDK_STREAM_TLS_INTERNAL_HANDSHAKE_CHECK_H_
#define COFFER_SDK_STREAM_TLS_INTERNAL_HANDSHAKE_CHECK_H_

#include <openssl/ssl.h>

#include <boost/system/error_code.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace coffer::internal {

// For one handshake. Its address is known to the SSL object between Prepare and
// Finish, so it neither moves nor is destroyed while the handshake runs.
class HandshakeCheck {
 public:
  HandshakeCheck() = default;
  HandshakeCheck(const HandshakeCheck&) = delete;
  HandshakeCheck& operator=(const HandshakeCheck&) = delete;

  // Makes a client verify that the certificate is valid for `server_name`, a
  // DNS name or an IP address, and send it to the server if it is a DNS name
  // (SNI, RFC 6066). InvalidArgument: not a name that can be verified, or empty
  // though the server is to be verified.
  absl::Status PrepareClient(SSL* ssl, absl::string_view server_name);

  void PrepareServer(SSL* ssl);

  // The status of the handshake that completed with `error`.
  absl::Status Finish(const boost::system::error_code& error);

 private:
  static int OnVerify(int ok, X509_STORE_CTX* verification);
  void Attach(SSL* ssl);
  absl::Status SetServerName(absl::string_view name);
  std::string Explain(X509_STORE_CTX* verification) const;

  SSL* ssl_ = nullptr;
  std::string server_name_;
  std::string verify_failure_;  // the first one
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_STREAM_TLS_INTERNAL_HANDSHAKE_CHECK_H_
