#include "coffer/sdk/stream/tls/tls_peer.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <utility>
#include <vector>

#include "coffer/sdk/stream/tls/internal/certificate_text.h"

namespace coffer {

std::optional<std::string> VerifiedPeerName(const SSL* ssl) {
  // Unverified peers have a verify result too: the mode decides.
  if (SSL_in_init(ssl) || (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0 ||
      SSL_get_verify_result(ssl) != X509_V_OK) {
    return std::nullopt;
  }
  bssl::UniquePtr<X509> certificate(SSL_get_peer_certificate(ssl));
  if (certificate == nullptr) return std::nullopt;
  std::string common_name = internal::CommonName(certificate.get());
  if (!common_name.empty()) return common_name;
  std::vector<std::string> names =
      internal::AlternativeNames(certificate.get());
  if (names.empty()) return std::nullopt;
  return std::move(names.front());
}

}  // namespace coffer
