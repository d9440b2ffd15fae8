#include "coffer/sdk/stream/tls/internal/handshake_check.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/sdk/stream/tls/internal/certificate_text.h"
#include "coffer/sdk/stream/tls/ssl.h"
#include "coffer/sdk/stream/tls/tls_error.h"

namespace coffer::internal {
namespace {

namespace asio = boost::asio;

constexpr char kWhat[] = "TLS handshake";

// Where an SSL object keeps its HandshakeCheck. SSL_set_app_data is taken: Asio
// keeps its own verify callback there.
int CheckIndex() {
  static const int index =
      SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  COFFER_ASSERT(index >= 0);
  return index;
}

bool IsVerifyFailure(const boost::system::error_code& error) {
  const auto packed = static_cast<uint32_t>(error.value());
  return error.category() == asio::error::get_ssl_category() &&
         ERR_GET_LIB(packed) == ERR_LIB_SSL &&
         ERR_GET_REASON(packed) == SSL_R_CERTIFICATE_VERIFY_FAILED;
}

bool SetVerifiedAddress(X509_VERIFY_PARAM* param,
                        const asio::ip::address& address) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return X509_VERIFY_PARAM_set1_ip(param, bytes.data(), bytes.size()) == 1;
  }
  const auto bytes = address.to_v6().to_bytes();
  return X509_VERIFY_PARAM_set1_ip(param, bytes.data(), bytes.size()) == 1;
}

}  // namespace

void HandshakeCheck::Attach(SSL* ssl) {
  ssl_ = ssl;
  SSL_set_ex_data(ssl, CheckIndex(), this);
  // The owner of the context may have set a callback; it keeps it.
  if (SSL_get_verify_callback(ssl) == nullptr) {
    SSL_set_verify(ssl, SSL_get_verify_mode(ssl), OnVerify);
  }
}

void HandshakeCheck::PrepareServer(SSL* ssl) { Attach(ssl); }

absl::Status HandshakeCheck::PrepareClient(SSL* ssl,
                                           absl::string_view server_name) {
  ssl_ = ssl;
  if (!server_name.empty()) {
    absl::Status status = SetServerName(server_name);
    if (!status.ok()) return status;
  } else if ((SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0) {
    return absl::InvalidArgumentError(
        "TLS handshake: no server name is given to verify the certificate "
        "against");
  }
  Attach(ssl);
  return absl::OkStatus();
}

absl::Status HandshakeCheck::SetServerName(absl::string_view name) {
  server_name_ = std::string(name);
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl_);
  boost::system::error_code not_an_address;
  const asio::ip::address address =
      asio::ip::make_address(server_name_, not_an_address);
  bool taken = false;
  if (!not_an_address) {
    taken = SetVerifiedAddress(param, address);
  } else {
    // A root label's dot is part of neither certificates nor SNI.
    const std::string host(
        absl::EndsWith(name, ".") ? name.substr(0, name.size() - 1) : name);
    // The common name is no place for a host name any more (RFC 9525).
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    taken = !host.empty() && host.find('\0') == std::string::npos &&
            X509_VERIFY_PARAM_set1_host(param, host.data(), host.size()) == 1 &&
            SSL_set_tlsext_host_name(ssl_, host.c_str()) == 1;
  }
  ERR_clear_error();
  if (taken) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      kWhat, ": \"", absl::CHexEscape(server_name_.substr(0, 64)),
      "\" is neither a host name of at most 255 bytes nor an IP address"));
}

int HandshakeCheck::OnVerify(int ok, X509_STORE_CTX* verification) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(
      verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* check =
      ssl == nullptr
          ? nullptr
          : static_cast<HandshakeCheck*>(SSL_get_ex_data(ssl, CheckIndex()));
  if (ok == 0 && check != nullptr && check->verify_failure_.empty()) {
    check->verify_failure_ = check->Explain(verification);
  }
  return ok;
}

std::string HandshakeCheck::Explain(X509_STORE_CTX* verification) const {
  const int error = X509_STORE_CTX_get_error(verification);
  X509* certificate = X509_STORE_CTX_get_current_cert(verification);
  if (certificate != nullptr && (error == X509_V_ERR_HOSTNAME_MISMATCH ||
                                 error == X509_V_ERR_IP_ADDRESS_MISMATCH)) {
    return absl::StrCat("hostname mismatch: certificate is not valid for ",
                        server_name_, " (", NamesText(certificate), ")");
  }
  std::string text = X509_verify_cert_error_string(error);
  if (certificate != nullptr) {
    absl::StrAppend(&text, " (subject ",
                    NameText(X509_get_subject_name(certificate)), ", issuer ",
                    NameText(X509_get_issuer_name(certificate)), ")");
  }
  return text;
}

absl::Status HandshakeCheck::Finish(const boost::system::error_code& error) {
  SSL_set_ex_data(ssl_, CheckIndex(), nullptr);
  if (!error) {
    // Asio reports an SSL error without a reason as success.
    if (SSL_in_init(ssl_) == 0) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat(kWhat, ": failed, the TLS library gave no reason"));
  }
  if (IsVerifyFailure(error) && !verify_failure_.empty()) {
    return absl::UnauthenticatedError(
        absl::StrCat(kWhat, ": certificate verify failed: ", verify_failure_));
  }
  if (error == asio::error::eof ||
      error == asio::ssl::error::stream_truncated) {
    return absl::UnavailableError(
        absl::StrCat(kWhat, ": the peer closed the connection in the middle"));
  }
  return TlsErrorToStatus(error, kWhat);
}

}  // namespace coffer::internal
