// Certificates for tests of TLS, made in memory once per process: no files, no
// expiry to trip over, fresh keys each time.
//
//   auto server = coffer::MakeTlsServerContext(TestTlsServerOptions());
//   auto client = coffer::MakeTlsClientContext(TestTlsClientOptions());

#ifndef COFFER_TESTING_TLS_TEST_CERTIFICATES_H_
#define COFFER_TESTING_TLS_TEST_CERTIFICATES_H_

#include "coffer/sdk/stream/tls/tls_options.h"
#include "coffer/tools/certs/certificate_maker.h"

namespace coffer_testing {

using coffer::internal::CertificatePem;

// P-256 keys, valid from 2000 to 2099 where nothing else is said.
struct TestCertificates {
  CertificatePem ca;              // CN "Coffer test CA"
  CertificatePem server;          // for localhost, 127.0.0.1 and ::1, by `ca`
  CertificatePem client;          // CN "test client", by `ca`
  CertificatePem expired_server;  // as `server`; expired in 2001
  CertificatePem other_ca;        // CN "Other test CA", unrelated
  CertificatePem other_client;    // CN "other client", by `other_ca`
};

// Made on first use; any thread.
const TestCertificates& GetTestCertificates();

// `certificate` as its owner configures it: chain and key.
coffer::Pem CertificateOf(const CertificatePem& certificate);
coffer::Pem KeyOf(const CertificatePem& certificate);

// A server with `server` that asks no client for a certificate; and one that
// requires a certificate by `ca`.
coffer::TlsServerOptions TestTlsServerOptions();
coffer::TlsServerOptions TestMutualTlsServerOptions();

// A client that trusts `ca`; and one that also has the certificate `client`.
coffer::TlsClientOptions TestTlsClientOptions();
coffer::TlsClientOptions TestMutualTlsClientOptions();

}  // namespace coffer_testing

#endif  // COFFER_TESTING_TLS_TEST_CERTIFICATES_H_
