#include "coffer/tools/certs/certificate_maker.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace coffer::internal {
namespace {

struct GeneralNamesFree {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using GeneralNames = std::unique_ptr<GENERAL_NAMES, GeneralNamesFree>;

struct UsagesFree {
  void operator()(EXTENDED_KEY_USAGE* usages) const {
    EXTENDED_KEY_USAGE_free(usages);
  }
};
using Usages = std::unique_ptr<EXTENDED_KEY_USAGE, UsagesFree>;

// Bits of the key usage extension (RFC 5280, 4.2.1.3).
constexpr int kDigitalSignature = 0;
constexpr int kKeyCertSign = 5;
constexpr int kCrlSign = 6;

constexpr long kVersion3 = 2;  // NOLINT(google-runtime-int): X509_set_version's

absl::Status Failed(absl::string_view what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(
      "cannot make a certificate: ", what, ": ",
      reason == nullptr ? "the TLS library gave no reason" : reason));
}

bssl::UniquePtr<EVP_PKEY> MakeKey() {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (ec == nullptr || key == nullptr || EC_KEY_generate_key(ec.get()) != 1 ||
      EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) != 1) {
    return nullptr;
  }
  return key;
}

bool SetSerialNumber(X509* certificate) {
  // 127 random bits: unique without a register, and positive.
  uint8_t bytes[16];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) return false;
  bytes[0] &= 0x7f;
  bssl::UniquePtr<BIGNUM> number(BN_bin2bn(bytes, sizeof(bytes), nullptr));
  return number != nullptr &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) !=
             nullptr;
}

bool SetCommonName(X509* certificate, const std::string& name) {
  return name.empty() ||
         X509_NAME_add_entry_by_NID(
             X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8,
             reinterpret_cast<const uint8_t*>(name.data()),
             static_cast<int>(name.size()), -1, 0) == 1;
}

bool SetValidity(X509* certificate, const CertificateSpec& spec) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate),
                       absl::ToTimeT(spec.not_before)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate),
                       absl::ToTimeT(spec.not_after)) != nullptr;
}

bool AddExtension(X509* certificate, int nid, void* value, bool critical) {
  return X509_add1_ext_i2d(certificate, nid, value, critical ? 1 : 0,
                           X509V3_ADD_DEFAULT) == 1;
}

bool AddBasicConstraints(X509* certificate, bool authority) {
  bssl::UniquePtr<BASIC_CONSTRAINTS> constraints(BASIC_CONSTRAINTS_new());
  if (constraints == nullptr) return false;
  constraints->ca = authority ? 0xff : 0;
  return AddExtension(certificate, NID_basic_constraints, constraints.get(),
                      /*critical=*/true);
}

bool AddKeyUsage(X509* certificate, bool authority) {
  bssl::UniquePtr<ASN1_BIT_STRING> bits(ASN1_BIT_STRING_new());
  if (bits == nullptr) return false;
  const bool set =
      authority
          ? ASN1_BIT_STRING_set_bit(bits.get(), kKeyCertSign, 1) == 1 &&
                ASN1_BIT_STRING_set_bit(bits.get(), kCrlSign, 1) == 1
          : ASN1_BIT_STRING_set_bit(bits.get(), kDigitalSignature, 1) == 1;
  return set && AddExtension(certificate, NID_key_usage, bits.get(),
                             /*critical=*/true);
}

bool AddExtendedKeyUsage(X509* certificate, CertificatePurpose purpose) {
  if (purpose == CertificatePurpose::kAuthority) return true;
  Usages usages(EXTENDED_KEY_USAGE_new());
  // Static objects of the library; they are not owned.
  ASN1_OBJECT* usage =
      OBJ_nid2obj(purpose == CertificatePurpose::kServer ? NID_server_auth
                                                         : NID_client_auth);
  return usages != nullptr && sk_ASN1_OBJECT_push(usages.get(), usage) != 0 &&
         AddExtension(certificate, NID_ext_key_usage, usages.get(),
                      /*critical=*/false);
}

bssl::UniquePtr<GENERAL_NAME> MakeGeneralName(const std::string& name) {
  bssl::UniquePtr<GENERAL_NAME> general(GENERAL_NAME_new());
  if (general == nullptr) return nullptr;
  uint8_t address[16];
  size_t address_bytes = 0;
  if (inet_pton(AF_INET, name.c_str(), address) == 1) address_bytes = 4;
  if (inet_pton(AF_INET6, name.c_str(), address) == 1) address_bytes = 16;
  const bool is_address = address_bytes != 0;
  // An IA5String and an OCTET STRING are the same C type.
  bssl::UniquePtr<ASN1_STRING> value(ASN1_STRING_type_new(
      is_address ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING));
  if (value == nullptr ||
      ASN1_STRING_set(
          value.get(),
          is_address ? static_cast<const void*>(address) : name.data(),
          static_cast<int>(is_address ? address_bytes : name.size())) != 1) {
    return nullptr;
  }
  GENERAL_NAME_set0_value(general.get(), is_address ? GEN_IPADD : GEN_DNS,
                          value.release());
  return general;
}

bool AddAlternativeNames(X509* certificate,
                         const std::vector<std::string>& names) {
  if (names.empty()) return true;
  GeneralNames general_names(GENERAL_NAMES_new());
  if (general_names == nullptr) return false;
  for (const std::string& name : names) {
    bssl::UniquePtr<GENERAL_NAME> general = MakeGeneralName(name);
    if (general == nullptr ||
        sk_GENERAL_NAME_push(general_names.get(), general.get()) == 0) {
      return false;
    }
    general.release();
  }
  return AddExtension(certificate, NID_subject_alt_name, general_names.get(),
                      /*critical=*/false);
}

// Subject and authority key identifiers: how verifiers find the issuer when two
// have the same name.
bool AddKeyIdentifiers(X509* certificate, X509* issuer) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned digest_bytes = 0;
  bssl::UniquePtr<ASN1_OCTET_STRING> own(ASN1_OCTET_STRING_new());
  if (own == nullptr ||
      X509_pubkey_digest(certificate, EVP_sha1(), digest, &digest_bytes) != 1 ||
      ASN1_OCTET_STRING_set(own.get(), digest,
                            static_cast<int>(digest_bytes)) != 1 ||
      !AddExtension(certificate, NID_subject_key_identifier, own.get(),
                    /*critical=*/false)) {
    return false;
  }
  bssl::UniquePtr<AUTHORITY_KEYID> authority(AUTHORITY_KEYID_new());
  if (authority == nullptr ||
      X509_pubkey_digest(issuer, EVP_sha1(), digest, &digest_bytes) != 1) {
    return false;
  }
  authority->keyid = ASN1_OCTET_STRING_new();
  return authority->keyid != nullptr &&
         ASN1_OCTET_STRING_set(authority->keyid, digest,
                               static_cast<int>(digest_bytes)) == 1 &&
         AddExtension(certificate, NID_authority_key_identifier,
                      authority.get(), /*critical=*/false);
}

std::string BioText(BIO* bio) {
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  if (BIO_mem_contents(bio, &data, &bytes) != 1) return std::string();
  return std::string(reinterpret_cast<const char*>(data), bytes);
}

absl::StatusOr<CertificatePem> ToPem(X509* certificate, EVP_PKEY* key) {
  bssl::UniquePtr<BIO> certificate_bio(BIO_new(BIO_s_mem()));
  bssl::UniquePtr<BIO> key_bio(BIO_new(BIO_s_mem()));
  if (certificate_bio == nullptr || key_bio == nullptr ||
      PEM_write_bio_X509(certificate_bio.get(), certificate) != 1 ||
      PEM_write_bio_PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr,
                               nullptr) != 1) {
    return Failed("writing PEM");
  }
  return CertificatePem{BioText(certificate_bio.get()), BioText(key_bio.get())};
}

struct Issuer {
  bssl::UniquePtr<X509> certificate;
  bssl::UniquePtr<EVP_PKEY> key;
};

absl::StatusOr<Issuer> ParseIssuer(const CertificatePem& pem) {
  bssl::UniquePtr<BIO> certificate_bio(BIO_new_mem_buf(
      pem.certificate.data(), static_cast<int>(pem.certificate.size())));
  bssl::UniquePtr<BIO> key_bio(BIO_new_mem_buf(
      pem.private_key.data(), static_cast<int>(pem.private_key.size())));
  Issuer issuer;
  issuer.certificate.reset(
      PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr));
  issuer.key.reset(
      PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  if (issuer.certificate == nullptr || issuer.key == nullptr) {
    return Failed("reading the issuer");
  }
  return issuer;
}

}  // namespace

absl::StatusOr<CertificatePem> MakeCertificate(const CertificateSpec& spec,
                                               const CertificatePem* issuer) {
  for (const std::string& name : spec.names) {
    // Verifiers differ in what they take a name with a NUL for.
    if (name.empty() || name.find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(
          "cannot make a certificate: an alternative name is empty or holds a "
          "NUL");
    }
  }
  ERR_clear_error();
  const bool authority = spec.purpose == CertificatePurpose::kAuthority;
  bssl::UniquePtr<EVP_PKEY> key = MakeKey();
  bssl::UniquePtr<X509> certificate(X509_new());
  if (key == nullptr || certificate == nullptr) return Failed("making a key");
  X509* const made = certificate.get();
  if (X509_set_version(made, kVersion3) != 1 || !SetSerialNumber(made) ||
      X509_set_pubkey(made, key.get()) != 1) {
    return Failed("version, serial number, key");
  }
  if (!SetCommonName(made, spec.common_name)) {
    return Failed(absl::StrCat("common name \"", spec.common_name, "\""));
  }
  if (!SetValidity(made, spec)) return Failed("time of validity");

  Issuer parsed;
  if (issuer != nullptr) {
    absl::StatusOr<Issuer> from_pem = ParseIssuer(*issuer);
    if (!from_pem.ok()) return from_pem.status();
    parsed = *std::move(from_pem);
  }
  X509* const signer = issuer == nullptr ? made : parsed.certificate.get();
  if (X509_set_issuer_name(made, X509_get_subject_name(signer)) != 1 ||
      !AddBasicConstraints(made, authority) || !AddKeyUsage(made, authority) ||
      !AddExtendedKeyUsage(made, spec.purpose) ||
      !AddKeyIdentifiers(made, signer)) {
    return Failed("extensions");
  }
  if (!AddAlternativeNames(made, spec.names)) return Failed("names");
  EVP_PKEY* const signing_key =
      issuer == nullptr ? key.get() : parsed.key.get();
  if (X509_sign(made, signing_key, EVP_sha256()) == 0) return Failed("signing");
  return ToPem(made, key.get());
}

}  // namespace coffer::internal
