#include "coffer/testing/tls/test_certificates.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer_testing {
namespace {

using coffer::Pem;
using coffer::internal::CertificatePurpose;
using coffer::internal::CertificateSpec;
using coffer::internal::MakeCertificate;

absl::Time StartOfYear(int year) {
  return absl::FromCivil(absl::CivilYear(year), absl::UTCTimeZone());
}

CertificatePem Make(CertificatePurpose purpose, const std::string& common_name,
                    const CertificatePem* issuer, int expires_in_year = 2099) {
  CertificateSpec spec;
  spec.purpose = purpose;
  spec.common_name = common_name;
  if (purpose == CertificatePurpose::kServer) {
    spec.names = {"localhost", "127.0.0.1", "::1"};
  }
  spec.not_before = StartOfYear(2000);
  spec.not_after = StartOfYear(expires_in_year);
  auto made = MakeCertificate(spec, issuer);
  COFFER_ASSERT(made.ok());
  return *std::move(made);
}

TestCertificates MakeAll() {
  TestCertificates all;
  all.ca = Make(CertificatePurpose::kAuthority, "Coffer test CA", nullptr);
  all.server = Make(CertificatePurpose::kServer, "test server", &all.ca);
  all.client = Make(CertificatePurpose::kClient, "test client", &all.ca);
  all.expired_server = Make(CertificatePurpose::kServer, "expired test server",
                            &all.ca, /*expires_in_year=*/2001);
  all.other_ca = Make(CertificatePurpose::kAuthority, "Other test CA", nullptr);
  all.other_client =
      Make(CertificatePurpose::kClient, "other client", &all.other_ca);
  return all;
}

}  // namespace

const TestCertificates& GetTestCertificates() {
  static const auto* const certificates = new TestCertificates(MakeAll());
  return *certificates;
}

Pem CertificateOf(const CertificatePem& certificate) {
  return Pem::Text(certificate.certificate);
}

Pem KeyOf(const CertificatePem& certificate) {
  return Pem::Text(certificate.private_key);
}

coffer::TlsServerOptions TestTlsServerOptions() {
  coffer::TlsServerOptions options;
  options.certificate_chain = CertificateOf(GetTestCertificates().server);
  options.private_key = KeyOf(GetTestCertificates().server);
  return options;
}

coffer::TlsServerOptions TestMutualTlsServerOptions() {
  coffer::TlsServerOptions options = TestTlsServerOptions();
  options.client_ca = CertificateOf(GetTestCertificates().ca);
  options.require_client_certificate = true;
  return options;
}

coffer::TlsClientOptions TestTlsClientOptions() {
  coffer::TlsClientOptions options;
  options.ca = CertificateOf(GetTestCertificates().ca);
  return options;
}

coffer::TlsClientOptions TestMutualTlsClientOptions() {
  coffer::TlsClientOptions options = TestTlsClientOptions();
  options.certificate_chain = CertificateOf(GetTestCertificates().client);
  options.private_key = KeyOf(GetTestCertificates().client);
  return options;
}

}  // namespace coffer_testing
