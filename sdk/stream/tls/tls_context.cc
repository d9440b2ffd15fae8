#include "coffer/sdk/stream/tls/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/stream/tls/internal/pem_reader.h"

namespace coffer {
namespace {

// The ALPN list of one protocol: a byte of length before the name.
constexpr uint8_t kAlpnList[] = {2, 'k', 'v'};
static_assert(sizeof(kTlsAlpnProtocol) == 3 && kTlsAlpnProtocol[0] == 'k' &&
              kTlsAlpnProtocol[1] == 'v');

// TLS 1.3 has no others than AEAD suites, which cannot be chosen.
constexpr char kTls12Ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

constexpr char kCertificateRole[] = "certificate chain";
constexpr char kKeyRole[] = "private key";

// Where distributions keep the bundle of trusted authorities.
constexpr const char* kSystemTrustStores[] = {
    "/etc/ssl/certs/ca-certificates.crt",  // Debian
    "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora
    "/etc/ssl/cert.pem",                   // Alpine
};

// Called only for a client that sent a list.
int SelectAlpn(SSL*, const uint8_t** out, uint8_t* out_bytes,
               const uint8_t* offered, unsigned offered_bytes, void*) {
  const int result =
      SSL_select_next_proto(const_cast<uint8_t**>(out), out_bytes, kAlpnList,
                            sizeof(kAlpnList), offered, offered_bytes);
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK
                                          : SSL_TLSEXT_ERR_ALERT_FATAL;
}

absl::Status LibraryError(absl::string_view what) {
  return absl::InternalError(
      absl::StrCat(what, ": ", internal::TakeSslError()));
}

absl::StatusOr<std::shared_ptr<TlsContext>> MakeContext() {
  ERR_clear_error();
  SSL_CTX* handle = SSL_CTX_new(TLS_method());
  if (handle == nullptr) return LibraryError("cannot make a TLS context");
  // Takes the handle over.
  auto context = std::make_shared<TlsContext>(handle);
  if (SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(handle, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_strict_cipher_list(handle, kTls12Ciphers) != 1) {
    return LibraryError("cannot set TLS versions and cipher suites");
  }
  return context;
}

absl::Status UseCertificate(SSL_CTX* context, const Pem& chain,
                            const Pem& key) {
  auto certificates = internal::ReadCertificates(kCertificateRole, chain);
  if (!certificates.ok()) return certificates.status();
  auto private_key = internal::ReadPrivateKey(kKeyRole, key);
  if (!private_key.ok()) return private_key.status();
  ERR_clear_error();
  for (size_t i = 0; i < certificates->size(); ++i) {
    X509* certificate = (*certificates)[i].get();
    const int result = i == 0 ? SSL_CTX_use_certificate(context, certificate)
                              : SSL_CTX_add1_chain_cert(context, certificate);
    if (result != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          internal::DescribePem(kCertificateRole, chain), ": certificate ",
          i + 1, " in it cannot be used: ", internal::TakeSslError()));
    }
  }
  if (SSL_CTX_use_PrivateKey(context, private_key->get()) == 1) {
    return absl::OkStatus();
  }
  const uint32_t error = ERR_peek_last_error();
  const std::string reason = internal::TakeSslError();
  const bool mismatch = ERR_GET_LIB(error) == ERR_LIB_X509 &&
                        (ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH ||
                         ERR_GET_REASON(error) == X509_R_KEY_TYPE_MISMATCH);
  return absl::InvalidArgumentError(absl::StrCat(
      internal::DescribePem(kKeyRole, key),
      mismatch ? absl::StrCat(" does not match the first certificate of ",
                              internal::DescribePem(kCertificateRole, chain))
               : absl::StrCat(" cannot be used: ", reason)));
}

// Trusts the authorities in `ca`; a server also names them to its clients, so
// that a client with several certificates knows which to send.
absl::Status TrustAuthorities(SSL_CTX* context, absl::string_view role,
                              const Pem& ca, bool announce) {
  auto authorities = internal::ReadCertificates(role, ca);
  if (!authorities.ok()) return authorities.status();
  ERR_clear_error();
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const auto& authority : *authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1 ||
        (announce && SSL_CTX_add_client_CA(context, authority.get()) != 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat(internal::DescribePem(role, ca),
                       " cannot be used: ", internal::TakeSslError()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Pem> SystemTrustStore() {
  const char* chosen = std::getenv("SSL_CERT_FILE");
  if (chosen != nullptr && *chosen != '\0') return Pem::File(chosen);
  for (const char* path : kSystemTrustStores) {
    if (access(path, R_OK) == 0) return Pem::File(path);
  }
  return absl::FailedPreconditionError(
      absl::StrCat("no trusted authorities: none are given, and the system has "
                   "no readable ",
                   kSystemTrustStores[0], " (package ca-certificates)"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<TlsContext>> MakeTlsServerContext(
    const TlsServerOptions& options) {
  const bool ask = !options.client_ca.empty();
  const bool require = options.require_client_certificate.value_or(ask);
  if (require && !ask) {
    return absl::InvalidArgumentError(
        "client certificates are required, but no client CA is given to verify "
        "them with");
  }
  auto made = MakeContext();
  if (!made.ok()) return made.status();
  SSL_CTX* context = (*made)->native_handle();
  absl::Status status =
      UseCertificate(context, options.certificate_chain, options.private_key);
  if (!status.ok()) return status;
  if (ask) {
    status = TrustAuthorities(context, "client CA", options.client_ca,
                              /*announce=*/true);
    if (!status.ok()) return status;
    SSL_CTX_set_verify(
        context,
        SSL_VERIFY_PEER | (require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        nullptr);
  }
  // Tickets of sessions are bound to it; the name itself does not matter.
  SSL_CTX_set_session_id_context(context, kAlpnList, sizeof(kAlpnList));
  SSL_CTX_set_alpn_select_cb(context, SelectAlpn, nullptr);
  return made;
}

absl::StatusOr<std::shared_ptr<TlsContext>> MakeTlsClientContext(
    const TlsClientOptions& options) {
  auto made = MakeContext();
  if (!made.ok()) return made.status();
  SSL_CTX* context = (*made)->native_handle();
  if (options.verify) {
    Pem ca = options.ca;
    if (ca.empty()) {
      absl::StatusOr<Pem> system = SystemTrustStore();
      if (!system.ok()) return system.status();
      ca = *std::move(system);
    }
    absl::Status status = TrustAuthorities(context, "CA", ca,
                                           /*announce=*/false);
    if (!status.ok()) return status;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (!options.certificate_chain.empty() || !options.private_key.empty()) {
    absl::Status status =
        UseCertificate(context, options.certificate_chain, options.private_key);
    if (!status.ok()) return status;
  }
  // Unlike its neighbours it returns 0 on success.
  if (SSL_CTX_set_alpn_protos(context, kAlpnList, sizeof(kAlpnList)) != 0) {
    return LibraryError("cannot offer the application protocol kv");
  }
  return made;
}

}  // namespace coffer
