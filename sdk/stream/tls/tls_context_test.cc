#include "coffer/sdk/stream/tls/tls_context.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/testing/tls/test_certificates.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using coffer_testing::CertificateOf;
using coffer_testing::GetTestCertificates;
using coffer_testing::KeyOf;
using coffer_testing::TestTlsClientOptions;
using coffer_testing::TestTlsServerOptions;

std::string WriteTemp(const std::string& name, const std::string& content) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/", name);
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

void ExpectServerError(const TlsServerOptions& options, absl::StatusCode code,
                       const std::string& text) {
  const absl::Status status = MakeTlsServerContext(options).status();
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), text)) << status;
}

// The test key, under a pass phrase.
std::string EncryptedKey() {
  const std::string& plain = GetTestCertificates().server.private_key;
  bssl::UniquePtr<BIO> in(
      BIO_new_mem_buf(plain.data(), static_cast<int>(plain.size())));
  bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  bssl::UniquePtr<BIO> out(BIO_new(BIO_s_mem()));
  char pass_phrase[] = "secret";
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(
                out.get(), key.get(), EVP_aes_256_cbc(), pass_phrase,
                sizeof(pass_phrase) - 1, nullptr, nullptr),
            1);
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  EXPECT_EQ(BIO_mem_contents(out.get(), &data, &bytes), 1);
  return std::string(reinterpret_cast<const char*>(data), bytes);
}

TEST(MakeTlsServerContext, TextMakesContext) {
  EXPECT_TRUE(MakeTlsServerContext(TestTlsServerOptions()).ok());
}

TEST(MakeTlsServerContext, OneFileWithKeyAndChainMakesContext) {
  const auto& certificates = GetTestCertificates();
  const std::string path = WriteTemp(
      "all.pem", absl::StrCat("a comment\n", certificates.server.private_key,
                              certificates.server.certificate,
                              certificates.ca.certificate));
  TlsServerOptions options;
  options.certificate_chain = Pem::File(path);
  options.private_key = Pem::File(path);
  auto context = MakeTlsServerContext(options);
  ASSERT_TRUE(context.ok()) << context.status();
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs((*context)->native_handle(), &chain);
  EXPECT_EQ(sk_X509_num(chain), 1u) << "the CA belongs to the chain";
}

TEST(MakeTlsServerContext, MissingFileIsNamedWithReason) {
  TlsServerOptions options = TestTlsServerOptions();
  options.private_key = Pem::File("/nowhere/server.key");
  ExpectServerError(
      options, absl::StatusCode::kNotFound,
      "cannot read private key /nowhere/server.key: No such file");
  options = TestTlsServerOptions();
  options.certificate_chain = Pem::File("/nowhere/server.pem");
  ExpectServerError(
      options, absl::StatusCode::kNotFound,
      "cannot read certificate chain /nowhere/server.pem: No such file");
  options = TestTlsServerOptions();
  options.client_ca = Pem::File("/nowhere/ca.pem");
  ExpectServerError(options, absl::StatusCode::kNotFound,
                    "cannot read client CA /nowhere/ca.pem: No such file");
}

TEST(MakeTlsServerContext, FolderInsteadOfFileIsNamed) {
  TlsServerOptions options = TestTlsServerOptions();
  options.private_key = Pem::File("/etc");
  const absl::Status status = MakeTlsServerContext(options).status();
  EXPECT_TRUE(absl::StrContains(status.message(),
                                "cannot read private key /etc: Is a directory"))
      << status;
}

TEST(MakeTlsServerContext, EndlessFileIsRefused) {
  TlsServerOptions options = TestTlsServerOptions();
  options.certificate_chain = Pem::File("/dev/zero");
  ExpectServerError(options, absl::StatusCode::kInvalidArgument,
                    "/dev/zero: more than 16777216 bytes");
}

TEST(MakeTlsServerContext, NothingGivenIsNamed) {
  TlsServerOptions options = TestTlsServerOptions();
  options.private_key = Pem();
  ExpectServerError(options, absl::StatusCode::kInvalidArgument,
                    "no private key is given");
  options = TestTlsServerOptions();
  options.certificate_chain = Pem();
  ExpectServerError(options, absl::StatusCode::kInvalidArgument,
                    "no certificate chain is given");
}

TEST(MakeTlsServerContext, FileAndTextTogetherAreRefused) {
  TlsServerOptions options = TestTlsServerOptions();
  options.private_key.file = "/x/server.key";
  ExpectServerError(options, absl::StatusCode::kInvalidArgument,
                    "private key is given both as the file /x/server.key");
}

TEST(MakeTlsServerContext, ContentOfTheWrongKindIsNamed) {
  const auto& certificates = GetTestCertificates();
  TlsServerOptions options = TestTlsServerOptions();
  options.private_key = CertificateOf(certificates.server);
  ExpectServerError(options, absl::StatusCode::kInvalidArgument,
                    "private key (given as text): no PEM private key in it");
  options = TestTlsServerOptions();
  const std::string path =
      WriteTemp("swapped.pem", certificates.server.private_key);
  options.certificate_chain = Pem::File(path);
  ExpectServerError(
      options, absl::StatusCode::kInvalidArgument,
      absl::StrCat("certificate chain ", path, ": no PEM certificate in it"));
}

TEST(MakeTlsServerContext, MalformedSecondCertificateIsNumbered) {
  const auto& certificates = GetTestCertificates();
  TlsServerOptions options = TestTlsServerOptions();
  options.certificate_chain =
      Pem::Text(absl::StrCat(certificates.server.certificate,
                             "-----BEGIN CERTIFICATE-----\nAAAA\n"
                             "-----END CERTIFICATE-----\n"));
  ExpectServerError(options, absl::StatusCode::kInvalidArgument,
                    "certificate 2 in it is malformed");
}

TEST(MakeTlsServerContext, CertificateCutAnywhereNeverMakesContext) {
  const auto& certificates = GetTestCertificates();
  const std::string& whole = certificates.server.certificate;
  // Without the last line feed it is still whole.
  for (size_t bytes = 0; bytes + 1 < whole.size(); ++bytes) {
    TlsServerOptions options = TestTlsServerOptions();
    options.certificate_chain = Pem::Text(whole.substr(0, bytes));
    EXPECT_TRUE(absl::IsInvalidArgument(MakeTlsServerContext(options).status()))
        << "cut after " << bytes;
  }
}

TEST(MakeTlsServerContext, KeyOfAnotherCertificateIsRefused) {
  TlsServerOptions options = TestTlsServerOptions();
  options.private_key = KeyOf(GetTestCertificates().client);
  ExpectServerError(options, absl::StatusCode::kInvalidArgument,
                    "private key (given as text) does not match the first "
                    "certificate of certificate chain (given as text)");
}

TEST(MakeTlsServerContext, EncryptedKeyIsRefusedWithoutAsking) {
  TlsServerOptions options = TestTlsServerOptions();
  options.private_key = Pem::Text(EncryptedKey());
  ExpectServerError(options, absl::StatusCode::kInvalidArgument,
                    "it is encrypted");
}

TEST(MakeTlsServerContext, RequiringClientsWithoutCaIsRefused) {
  TlsServerOptions options = TestTlsServerOptions();
  options.require_client_certificate = true;
  ExpectServerError(options, absl::StatusCode::kInvalidArgument,
                    "no client CA is given");
}

TEST(MakeTlsServerContext, ClientCaAloneRequiresCertificates) {
  TlsServerOptions options = TestTlsServerOptions();
  options.client_ca = CertificateOf(GetTestCertificates().ca);
  auto context = MakeTlsServerContext(options);
  ASSERT_TRUE(context.ok()) << context.status();
  EXPECT_EQ(SSL_CTX_get_verify_mode((*context)->native_handle()),
            SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
}

TEST(MakeTlsClientContext, VerifiesByDefault) {
  auto context = MakeTlsClientContext(TestTlsClientOptions());
  ASSERT_TRUE(context.ok()) << context.status();
  EXPECT_EQ(SSL_CTX_get_verify_mode((*context)->native_handle()),
            SSL_VERIFY_PEER);
}

TEST(MakeTlsClientContext, CertificateWithoutKeyIsRefused) {
  TlsClientOptions options = TestTlsClientOptions();
  options.certificate_chain = CertificateOf(GetTestCertificates().client);
  const absl::Status status = MakeTlsClientContext(options).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "no private key is given"))
      << status;
}

TEST(MakeTlsClientContext, SystemTrustStoreIsTheOneTheEnvironmentNames) {
  const std::string path =
      WriteTemp("system.pem", GetTestCertificates().ca.certificate);
  ASSERT_EQ(setenv("SSL_CERT_FILE", path.c_str(), 1), 0);
  auto context = MakeTlsClientContext(TlsClientOptions());
  ASSERT_TRUE(context.ok()) << context.status();
  X509_STORE* store = SSL_CTX_get_cert_store((*context)->native_handle());
  EXPECT_EQ(sk_X509_OBJECT_num(X509_STORE_get0_objects(store)), 1u);

  ASSERT_EQ(setenv("SSL_CERT_FILE", "/nowhere/system.pem", 1), 0);
  const absl::Status status = MakeTlsClientContext(TlsClientOptions()).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "/nowhere/system.pem"))
      << status;
  unsetenv("SSL_CERT_FILE");
}

}  // namespace
}  // namespace coffer
