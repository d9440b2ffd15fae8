// Certificates as text for logs and errors. A peer chose what is in them:
// control characters are escaped, and the length is bounded.

#ifndef COFFER_SDK_STREAM_TLS_INTERNAL_CERTIFICATE_TEXT_H_
#define COFFER_SDK_STREAM_TLS_INTERNAL_CERTIFICATE_TEXT_H_

#include <openssl/x509.h>

#include <string>
#include <vector>

namespace coffer::internal {

// "CN=localhost,O=Example" (RFC 2253); "(empty)" if there is nothing in it.
std::string NameText(const X509_NAME* name);

// The first common name of the subject, unescaped UTF-8; empty if there is none
// or if it holds a NUL.
std::string CommonName(const X509* certificate);

// The subject's alternative names of the kinds DNS name, IP address, URI and
// e-mail address, unescaped, in their order; those with a NUL are left out.
std::vector<std::string> AlternativeNames(const X509* certificate);

// "it is for localhost, 127.0.0.1", or "it names no host".
std::string NamesText(const X509* certificate);

}  // namespace coffer::internal

#endif  // COFFER_SDK_STREAM_TLS_INTERNAL_CERTIFICATE_TEXT_H_
