#include "coffer/sdk/stream/tls/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/error.hpp>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "coffer/sdk/stream/tls/ssl.h"

namespace coffer {
namespace {

using absl::StatusCode;

struct Reason {
  int value;
  StatusCode code;
  const char* text;
};

// What we found wrong, by BoringSSL's reason code.
constexpr Reason kFindings[] = {
    {SSL_R_HTTP_REQUEST, StatusCode::kFailedPrecondition,
     "the peer spoke plain HTTP, not TLS"},
    {SSL_R_HTTPS_PROXY_REQUEST, StatusCode::kFailedPrecondition,
     "the peer spoke plain HTTP (a proxy request), not TLS"},
    {SSL_R_WRONG_VERSION_NUMBER, StatusCode::kFailedPrecondition,
     "the peer's bytes are no TLS record: it speaks plain text, or another "
     "protocol"},
    {SSL_R_UNSUPPORTED_PROTOCOL, StatusCode::kFailedPrecondition,
     "no common TLS version: 1.2 and 1.3 are served, the peer has neither"},
    {SSL_R_NO_SHARED_CIPHER, StatusCode::kFailedPrecondition,
     "no common cipher suite"},
    {SSL_R_NO_SHARED_GROUP, StatusCode::kFailedPrecondition,
     "no common key exchange group"},
    {SSL_R_NO_APPLICATION_PROTOCOL, StatusCode::kFailedPrecondition,
     "no common application protocol: the peer's ALPN list is without \"kv\""},
    {SSL_R_INVALID_ALPN_PROTOCOL, StatusCode::kFailedPrecondition,
     "the peer chose an application protocol that was not offered (ALPN)"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, StatusCode::kUnauthenticated,
     "the client sent no certificate, and one is required"},
    {SSL_R_CERTIFICATE_VERIFY_FAILED, StatusCode::kUnauthenticated,
     "certificate verify failed"},
};

// What the peer found wrong, by the number of its alert (RFC 8446, 6.2).
constexpr Reason kAlerts[] = {
    {SSL_AD_HANDSHAKE_FAILURE, StatusCode::kFailedPrecondition,
     "it found no common parameters"},
    {SSL_AD_BAD_CERTIFICATE, StatusCode::kUnauthenticated,
     "our certificate is not valid for it"},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, StatusCode::kUnauthenticated,
     "our certificate is of a kind or for a purpose that it does not take"},
    {SSL_AD_CERTIFICATE_REVOKED, StatusCode::kUnauthenticated,
     "our certificate is revoked"},
    {SSL_AD_CERTIFICATE_EXPIRED, StatusCode::kUnauthenticated,
     "our certificate has expired"},
    {SSL_AD_CERTIFICATE_UNKNOWN, StatusCode::kUnauthenticated,
     "it does not accept our certificate"},
    {SSL_AD_UNKNOWN_CA, StatusCode::kUnauthenticated,
     "it does not trust the authority that signed our certificate"},
    {SSL_AD_ACCESS_DENIED, StatusCode::kUnauthenticated, "access denied"},
    {SSL_AD_DECRYPT_ERROR, StatusCode::kUnauthenticated,
     "a signature of ours does not verify"},
    {SSL_AD_PROTOCOL_VERSION, StatusCode::kFailedPrecondition,
     "no common TLS version: 1.2 and 1.3 were offered"},
    {SSL_AD_INSUFFICIENT_SECURITY, StatusCode::kFailedPrecondition,
     "it demands stronger cipher suites"},
    {SSL_AD_UNRECOGNIZED_NAME, StatusCode::kFailedPrecondition,
     "it does not know the server name that was asked for"},
    {SSL_AD_CERTIFICATE_REQUIRED, StatusCode::kUnauthenticated,
     "it requires a client certificate, and none was sent"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, StatusCode::kFailedPrecondition,
     "it does not know the application protocol that was offered (ALPN "
     "\"kv\")"},
};

template <size_t n>
const Reason* Find(const Reason (&table)[n], int value) {
  for (const Reason& reason : table) {
    if (reason.value == value) return &reason;
  }
  return nullptr;
}

// "BAD_DECRYPT" -> "bad decrypt".
std::string LibraryText(uint32_t packed) {
  const char* text = ERR_reason_error_string(packed);
  if (text == nullptr) return absl::StrCat("TLS error ", packed);
  return absl::StrReplaceAll(absl::AsciiStrToLower(text), {{"_", " "}});
}

absl::Status AlertStatus(int alert, uint32_t packed, absl::string_view what) {
  const Reason* reason = Find(kAlerts, alert);
  if (reason == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, ": the peer refused: ", LibraryText(packed)));
  }
  return absl::Status(reason->code,
                      absl::StrCat(what, ": the peer refused: ", reason->text,
                                   " (TLS alert ", alert, ")"));
}

absl::Status LibraryStatus(uint32_t packed, absl::string_view what) {
  if (ERR_GET_LIB(packed) == ERR_LIB_SSL) {
    const int value = ERR_GET_REASON(packed);
    if (value >= SSL_AD_REASON_OFFSET) {
      return AlertStatus(value - SSL_AD_REASON_OFFSET, packed, what);
    }
    if (const Reason* reason = Find(kFindings, value); reason != nullptr) {
      return absl::Status(reason->code, absl::StrCat(what, ": ", reason->text));
    }
  }
  return absl::FailedPreconditionError(
      absl::StrCat(what, ": ", LibraryText(packed)));
}

}  // namespace

absl::Status TlsErrorToStatus(const boost::system::error_code& error,
                              absl::string_view what) {
  namespace asio = boost::asio;
  if (!error) return absl::OkStatus();
  if (error == asio::error::operation_aborted) {
    return absl::CancelledError(absl::StrCat(what, ": cancelled"));
  }
  if (error.category() == asio::error::get_ssl_category()) {
    return LibraryStatus(static_cast<uint32_t>(error.value()), what);
  }
  if (error == asio::error::eof) {
    return absl::UnavailableError(
        absl::StrCat(what, ": the peer closed the connection"));
  }
  if (error == asio::ssl::error::stream_truncated) {
    return absl::UnavailableError(
        absl::StrCat(what,
                     ": the connection was cut: it ended without TLS's "
                     "closing message"));
  }
  return absl::UnavailableError(absl::StrCat(what, ": ", error.message()));
}

}  // namespace coffer
