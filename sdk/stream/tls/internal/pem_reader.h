// Reads certificates and private keys from PEM, and the files they stand in.
// Every error names the role ("private key"), the file, and the reason.

#ifndef COFFER_SDK_STREAM_TLS_INTERNAL_PEM_READER_H_
#define COFFER_SDK_STREAM_TLS_INTERNAL_PEM_READER_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/stream/tls/tls_options.h"

namespace coffer::internal {

// "certificate chain /etc/x.pem", or "certificate chain (given as text)".
std::string DescribePem(absl::string_view role, const Pem& pem);

// All certificates of `pem`, at least one.
absl::StatusOr<std::vector<bssl::UniquePtr<X509>>> ReadCertificates(
    absl::string_view role, const Pem& pem);

// The first private key of `pem`; an encrypted one is an error.
absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ReadPrivateKey(absl::string_view role,
                                                         const Pem& pem);

// The reason of BoringSSL's last error, then clears its error queue.
std::string TakeSslError();

}  // namespace coffer::internal

#endif  // COFFER_SDK_STREAM_TLS_INTERNAL_PEM_READER_H_
