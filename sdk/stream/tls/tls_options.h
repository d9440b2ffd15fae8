// What a TLS server and a TLS client are configured with: certificates, keys
// and trusted authorities, each as PEM in a file or in memory. Plain values,
// without any type of the TLS library. MakeTlsServerContext and
// MakeTlsClientContext (tls_context.h) read them once; later changes of a file
// are not seen.

#ifndef COFFER_SDK_STREAM_TLS_TLS_OPTIONS_H_
#define COFFER_SDK_STREAM_TLS_TLS_OPTIONS_H_

#include <optional>
#include <string>
#include <utility>

namespace coffer {

// PEM (RFC 7468) in a file, or as text; not both. Blocks of other kinds in it
// are skipped, so a certificate and its key may share one file.
struct Pem {
  static Pem File(std::string path) { return {std::move(path), {}}; }
  static Pem Text(std::string text) { return {{}, std::move(text)}; }

  bool empty() const { return file.empty() && text.empty(); }

  std::string file;
  std::string text;
};

struct TlsServerOptions {
  // Both required. The server's own certificate comes first, then the
  // intermediate ones in order; the key is not encrypted.
  Pem certificate_chain;
  Pem private_key;

  // The authorities that sign client certificates. Without them no client is
  // asked for a certificate.
  Pem client_ca;

  // Whether a client without a certificate is refused. Unset: yes if client_ca
  // is given. True without client_ca is an error.
  std::optional<bool> require_client_certificate;
};

struct TlsClientOptions {
  // The authorities that sign server certificates. Empty: the system's (the
  // file that the environment variable SSL_CERT_FILE names, if it is set).
  Pem ca;

  // The client's own certificate, if the server asks for one. Both or neither.
  Pem certificate_chain;
  Pem private_key;

  // The DNS name or IP address that the server's certificate must be valid for;
  // a DNS name is also sent to the server (SNI). Empty: the host that was
  // dialed. It is not part of the context: whoever dials passes it to the
  // handshake.
  std::string server_name;

  // False accepts any server, and with it anyone in between. For tests only.
  bool verify = true;
};

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_TLS_TLS_OPTIONS_H_
