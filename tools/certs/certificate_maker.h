// Makes X.509 certificates with fresh P-256 keys: an authority, and servers and
// clients signed by it. For tests and trial installations: there is no
// revocation and no intermediate authority. Follows RFC 5280's profile, so that
// strict verifiers take the certificates too.

#ifndef COFFER_TOOLS_CERTS_CERTIFICATE_MAKER_H_
#define COFFER_TOOLS_CERTS_CERTIFICATE_MAKER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace coffer::internal {

enum class CertificatePurpose { kAuthority, kServer, kClient };

struct CertificateSpec {
  CertificatePurpose purpose = CertificatePurpose::kServer;

  // At most 64 bytes of UTF-8 (RFC 5280's bound); may be empty.
  std::string common_name;

  // The subject's alternative names: DNS names, and IP addresses in their text
  // form. A server is verified against these alone.
  std::vector<std::string> names;

  absl::Time not_before;
  absl::Time not_after;
};

// Both as PEM; the key is PKCS #8, unencrypted.
struct CertificatePem {
  std::string certificate;
  std::string private_key;
};

// Signed by `issuer`; self-signed if that is null. InvalidArgument: `spec` or
// `issuer` cannot be used, with the reason.
absl::StatusOr<CertificatePem> MakeCertificate(const CertificateSpec& spec,
                                               const CertificatePem* issuer);

}  // namespace coffer::internal

#endif  // COFFER_TOOLS_CERTS_CERTIFICATE_MAKER_H_
