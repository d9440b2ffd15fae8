// Handshakes and what follows them, over a socket and over a pipe in memory.

#include "coffer/sdk/stream/tls/tls_handshake.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "coffer/sdk/stream/tls/tls_error.h"
#include "coffer/sdk/stream/tls/tls_peer.h"
#include "coffer/sdk/stream/tls/tls_test_util.h"
#include "coffer/testing/tls/test_certificates.h"
#include "coffer/tools/certs/certificate_maker.h"
#include "gtest/gtest.h"

namespace coffer::tls_test {
namespace {

namespace asio = boost::asio;

using coffer_testing::CertificateOf;
using coffer_testing::GetTestCertificates;
using coffer_testing::KeyOf;
using coffer_testing::TestMutualTlsClientOptions;
using coffer_testing::TestMutualTlsServerOptions;
using coffer_testing::TestTlsClientOptions;
using coffer_testing::TestTlsServerOptions;

template <class Transport>
class TlsHandshake : public ::testing::Test {};
using Transports = ::testing::Types<Socket, Pipe>;
TYPED_TEST_SUITE(TlsHandshake, Transports);

void ExpectStatus(const absl::Status& status, absl::StatusCode code,
                  absl::string_view text) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), text)) << status;
}

std::string Alpn(const SSL* ssl) {
  const uint8_t* name = nullptr;
  unsigned bytes = 0;
  SSL_get0_alpn_selected(ssl, &name, &bytes);
  return std::string(reinterpret_cast<const char*>(name), bytes);
}

// Limits what a context of the test offers.
ContextPtr WithVersions(ContextPtr context, uint16_t min, uint16_t max) {
  EXPECT_EQ(SSL_CTX_set_min_proto_version(context->native_handle(), min), 1);
  EXPECT_EQ(SSL_CTX_set_max_proto_version(context->native_handle(), max), 1);
  return context;
}

// What a side from before TLS 1.2 offers.
ContextPtr Outdated(ContextPtr context) {
  EXPECT_EQ(SSL_CTX_set_cipher_list(context->native_handle(), "ALL"), 1);
  return WithVersions(std::move(context), TLS1_VERSION, TLS1_1_VERSION);
}

// Sends `text` both ways at once and expects it to arrive.
template <class Transport>
void ExpectEcho(Connection<Transport>& connection, const std::string& text) {
  std::string at_server(text.size(), '\0');
  std::string at_client(text.size(), '\0');
  int done = 0;
  const auto count = [&done](boost::system::error_code error, size_t) {
    EXPECT_FALSE(error) << error.message();
    ++done;
  };
  asio::async_read(connection.server, asio::buffer(at_server), count);
  asio::async_read(connection.client, asio::buffer(at_client), count);
  asio::async_write(connection.server, asio::buffer(text), count);
  asio::async_write(connection.client, asio::buffer(text), count);
  connection.Run();
  EXPECT_EQ(done, 4);
  EXPECT_TRUE(at_server == text) << "bytes differ at the server";
  EXPECT_TRUE(at_client == text) << "bytes differ at the client";
}

template <class Transport>
boost::system::error_code ReadError(Connection<Transport>& connection,
                                    TlsStream<Transport>& stream) {
  boost::system::error_code result;
  char byte;
  stream.async_read_some(
      asio::buffer(&byte, 1),
      [&result](boost::system::error_code error, size_t) { result = error; });
  connection.Run();
  return result;
}

TYPED_TEST(TlsHandshake, BothSidesTalkTls13AndKv) {
  Connection<TypeParam> connection(ServerContext(), ClientContext());
  connection.Handshake();
  ASSERT_TRUE(connection.server_status.ok()) << connection.server_status;
  ASSERT_TRUE(connection.client_status.ok()) << connection.client_status;
  EXPECT_STREQ(SSL_get_version(connection.client_ssl()), "TLSv1.3");
  EXPECT_EQ(Alpn(connection.client_ssl()), "kv");
  EXPECT_EQ(Alpn(connection.server_ssl()), "kv");
  EXPECT_EQ(VerifiedPeerName(connection.client_ssl()), "test server");
  EXPECT_EQ(VerifiedPeerName(connection.server_ssl()), std::nullopt);
  EXPECT_EQ(connection.clock.pending_timers(), 0u);
  ExpectEcho(connection, std::string(300'000, 'x') + "end");
}

TYPED_TEST(TlsHandshake, OlderClientGetsTls12WithForwardSecrecy) {
  Connection<TypeParam> connection(
      ServerContext(),
      WithVersions(ClientContext(), TLS1_2_VERSION, TLS1_2_VERSION));
  connection.Handshake();
  ASSERT_TRUE(connection.server_status.ok()) << connection.server_status;
  ASSERT_TRUE(connection.client_status.ok()) << connection.client_status;
  EXPECT_STREQ(SSL_get_version(connection.client_ssl()), "TLSv1.2");
  const SSL_CIPHER* cipher = SSL_get_current_cipher(connection.client_ssl());
  EXPECT_TRUE(absl::StartsWith(SSL_CIPHER_get_name(cipher), "ECDHE-"))
      << SSL_CIPHER_get_name(cipher);
  EXPECT_TRUE(SSL_CIPHER_is_aead(cipher));
  ExpectEcho(connection, std::string(300'000, 'x') + "end");
}

TYPED_TEST(TlsHandshake, ClientBelowTls12IsRefused) {
  Connection<TypeParam> connection(ServerContext(), Outdated(ClientContext()));
  connection.Handshake();
  ExpectStatus(connection.server_status, absl::StatusCode::kFailedPrecondition,
               "no common TLS version");
  ExpectStatus(connection.client_status, absl::StatusCode::kFailedPrecondition,
               "no common TLS version");
}

TYPED_TEST(TlsHandshake, ServerBelowTls12IsRefused) {
  Connection<TypeParam> connection(Outdated(ServerContext()), ClientContext());
  connection.Handshake();
  EXPECT_TRUE(absl::IsFailedPrecondition(connection.client_status))
      << connection.client_status;
  EXPECT_TRUE(absl::IsFailedPrecondition(connection.server_status))
      << connection.server_status;
}

TYPED_TEST(TlsHandshake, UnknownServerAuthorityIsRefused) {
  TlsClientOptions options;
  options.ca = CertificateOf(GetTestCertificates().other_ca);
  Connection<TypeParam> connection(ServerContext(), ClientContext(options));
  connection.Handshake();
  ExpectStatus(connection.client_status, absl::StatusCode::kUnauthenticated,
               "TLS handshake: certificate verify failed: unable to get local "
               "issuer certificate (subject CN=test server, issuer CN=Coffer "
               "test CA)");
  ExpectStatus(connection.server_status, absl::StatusCode::kUnauthenticated,
               "does not trust the authority");
}

TYPED_TEST(TlsHandshake, WrongServerNameIsRefused) {
  Connection<TypeParam> connection(ServerContext(), ClientContext());
  connection.Handshake(AsClient("db1.example"));
  ExpectStatus(
      connection.client_status, absl::StatusCode::kUnauthenticated,
      "hostname mismatch: certificate is not valid for db1.example (it is for "
      "localhost, 127.0.0.1, ::1)");
  EXPECT_TRUE(absl::IsUnauthenticated(connection.server_status))
      << connection.server_status;
}

TYPED_TEST(TlsHandshake, CommonNameIsNoHostName) {
  TlsServerOptions options = TestTlsServerOptions();
  internal::CertificateSpec spec;
  spec.common_name = "localhost";
  spec.not_before = absl::FromUnixSeconds(0);
  spec.not_after = absl::FromUnixSeconds(4'000'000'000);
  auto certificate = internal::MakeCertificate(spec, &GetTestCertificates().ca);
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  options.certificate_chain = CertificateOf(*certificate);
  options.private_key = KeyOf(*certificate);
  Connection<TypeParam> connection(ServerContext(options), ClientContext());
  connection.Handshake();
  ExpectStatus(connection.client_status, absl::StatusCode::kUnauthenticated,
               "certificate is not valid for localhost (it names no host)");
}

TYPED_TEST(TlsHandshake, ServerSeesTheNameAsked) {
  for (const char* name : {"localhost", "localhost."}) {
    Connection<TypeParam> connection(ServerContext(), ClientContext());
    connection.Handshake(AsClient(name));
    ASSERT_TRUE(connection.client_status.ok()) << connection.client_status;
    EXPECT_STREQ(
        SSL_get_servername(connection.server_ssl(), TLSEXT_NAMETYPE_host_name),
        "localhost");
  }
}

TYPED_TEST(TlsHandshake, AddressesAreVerifiedAndNotSentAsNames) {
  for (const char* address : {"127.0.0.1", "::1", "0:0:0:0:0:0:0:1"}) {
    Connection<TypeParam> connection(ServerContext(), ClientContext());
    connection.Handshake(AsClient(address));
    EXPECT_TRUE(connection.client_status.ok())
        << address << ": " << connection.client_status;
    EXPECT_EQ(
        SSL_get_servername(connection.server_ssl(), TLSEXT_NAMETYPE_host_name),
        nullptr);
  }
}

TYPED_TEST(TlsHandshake, WrongAddressIsRefused) {
  for (const char* address : {"127.0.0.2", "::2"}) {
    Connection<TypeParam> connection(ServerContext(), ClientContext());
    connection.Handshake(AsClient(address));
    ExpectStatus(connection.client_status, absl::StatusCode::kUnauthenticated,
                 absl::StrCat("certificate is not valid for ", address));
  }
}

TYPED_TEST(TlsHandshake, ExpiredServerIsRefused) {
  TlsServerOptions options;
  options.certificate_chain =
      CertificateOf(GetTestCertificates().expired_server);
  options.private_key = KeyOf(GetTestCertificates().expired_server);
  Connection<TypeParam> connection(ServerContext(options), ClientContext());
  connection.Handshake();
  ExpectStatus(connection.client_status, absl::StatusCode::kUnauthenticated,
               "certificate has expired (subject CN=expired test server");
  ExpectStatus(connection.server_status, absl::StatusCode::kUnauthenticated,
               "our certificate has expired");
}

TYPED_TEST(TlsHandshake, ClientCertificateDoesNotServeAServer) {
  TlsServerOptions options;
  options.certificate_chain = CertificateOf(GetTestCertificates().client);
  options.private_key = KeyOf(GetTestCertificates().client);
  Connection<TypeParam> connection(ServerContext(options), ClientContext());
  connection.Handshake();
  EXPECT_TRUE(absl::IsUnauthenticated(connection.client_status))
      << connection.client_status;
}

TYPED_TEST(TlsHandshake, UnverifyingClientTakesAnyServer) {
  TlsClientOptions options;
  options.verify = false;
  TlsServerOptions expired;
  expired.certificate_chain =
      CertificateOf(GetTestCertificates().expired_server);
  expired.private_key = KeyOf(GetTestCertificates().expired_server);
  Connection<TypeParam> connection(ServerContext(expired),
                                   ClientContext(options));
  connection.Handshake(AsClient(""));
  EXPECT_TRUE(connection.client_status.ok()) << connection.client_status;
  EXPECT_EQ(VerifiedPeerName(connection.client_ssl()), std::nullopt);
}

TYPED_TEST(TlsHandshake, UnusableServerNameFailsBeforeAnythingIsSent) {
  for (const std::string& name :
       {std::string(), std::string("."), std::string(256, 'a'),
        std::string("local\0host", 10)}) {
    Connection<TypeParam> connection(ServerContext(), ClientContext());
    connection.Handshake(AsClient(name));
    EXPECT_TRUE(absl::IsInvalidArgument(connection.client_status))
        << connection.client_status;
    EXPECT_TRUE(absl::IsUnavailable(connection.server_status))
        << connection.server_status;
  }
}

TYPED_TEST(TlsHandshake, MutualTlsGivesTheServerTheClientsName) {
  for (const uint16_t version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Connection<TypeParam> connection(
        ServerContext(TestMutualTlsServerOptions()),
        WithVersions(ClientContext(TestMutualTlsClientOptions()), version,
                     version));
    connection.Handshake();
    ASSERT_TRUE(connection.server_status.ok()) << connection.server_status;
    ASSERT_TRUE(connection.client_status.ok()) << connection.client_status;
    EXPECT_EQ(VerifiedPeerName(connection.server_ssl()), "test client");
    ExpectEcho(connection, "mutual");
  }
}

TYPED_TEST(TlsHandshake, OptionalClientCertificateMayBeMissing) {
  TlsServerOptions options = TestMutualTlsServerOptions();
  options.require_client_certificate = false;
  Connection<TypeParam> connection(ServerContext(options), ClientContext());
  connection.Handshake();
  ASSERT_TRUE(connection.server_status.ok()) << connection.server_status;
  EXPECT_EQ(VerifiedPeerName(connection.server_ssl()), std::nullopt);
  ExpectEcho(connection, "anonymous");
}

TYPED_TEST(TlsHandshake, MissingClientCertificateIsRefused) {
  Connection<TypeParam> connection(ServerContext(TestMutualTlsServerOptions()),
                                   ClientContext());
  connection.Handshake();
  ExpectStatus(connection.server_status, absl::StatusCode::kUnauthenticated,
               "the client sent no certificate, and one is required");
  // The client of TLS 1.3 is done before the server looks.
  ASSERT_TRUE(connection.client_status.ok()) << connection.client_status;
  const auto error = ReadError(connection, connection.client);
  ExpectStatus(TlsErrorToStatus(error, "TLS read"),
               absl::StatusCode::kUnauthenticated,
               "TLS read: the peer refused: it requires a client certificate");
}

TYPED_TEST(TlsHandshake, MissingClientCertificateIsRefusedByTls12Too) {
  Connection<TypeParam> connection(
      ServerContext(TestMutualTlsServerOptions()),
      WithVersions(ClientContext(), TLS1_2_VERSION, TLS1_2_VERSION));
  connection.Handshake();
  ExpectStatus(connection.server_status, absl::StatusCode::kUnauthenticated,
               "the client sent no certificate, and one is required");
  EXPECT_FALSE(connection.client_status.ok());
}

TYPED_TEST(TlsHandshake, ClientOfUnknownAuthorityIsRefusedEvenIfOptional) {
  for (const bool required : {true, false}) {
    TlsServerOptions options = TestMutualTlsServerOptions();
    options.require_client_certificate = required;
    TlsClientOptions client = TestTlsClientOptions();
    client.certificate_chain =
        CertificateOf(GetTestCertificates().other_client);
    client.private_key = KeyOf(GetTestCertificates().other_client);
    Connection<TypeParam> connection(ServerContext(options),
                                     ClientContext(client));
    connection.Handshake();
    ExpectStatus(connection.server_status, absl::StatusCode::kUnauthenticated,
                 "unable to get local issuer certificate (subject CN=other "
                 "client, issuer CN=Other test CA)");
    EXPECT_EQ(VerifiedPeerName(connection.server_ssl()), std::nullopt);
    const auto error = ReadError(connection, connection.client);
    ExpectStatus(TlsErrorToStatus(error, "TLS read"),
                 absl::StatusCode::kUnauthenticated,
                 "does not trust the authority");
  }
}

TYPED_TEST(TlsHandshake, ClientWithoutAlpnIsTaken) {
  Connection<TypeParam> connection(ServerContext(), ClientContext());
  ASSERT_EQ(SSL_set_alpn_protos(connection.client_ssl(), nullptr, 0), 0);
  connection.Handshake();
  ASSERT_TRUE(connection.server_status.ok()) << connection.server_status;
  ASSERT_TRUE(connection.client_status.ok()) << connection.client_status;
  EXPECT_EQ(Alpn(connection.server_ssl()), "");
}

TYPED_TEST(TlsHandshake, ClientWithKvAmongOthersGetsKv) {
  Connection<TypeParam> connection(ServerContext(), ClientContext());
  constexpr uint8_t kList[] = {2, 'h', '2', 2, 'k', 'v'};
  ASSERT_EQ(SSL_set_alpn_protos(connection.client_ssl(), kList, sizeof(kList)),
            0);
  connection.Handshake();
  ASSERT_TRUE(connection.server_status.ok()) << connection.server_status;
  EXPECT_EQ(Alpn(connection.client_ssl()), "kv");
}

TYPED_TEST(TlsHandshake, ClientWithOtherAlpnOnlyIsRefused) {
  Connection<TypeParam> connection(ServerContext(), ClientContext());
  constexpr uint8_t kList[] = {2, 'h', '2', 3, 'k', 'v', '2'};
  ASSERT_EQ(SSL_set_alpn_protos(connection.client_ssl(), kList, sizeof(kList)),
            0);
  connection.Handshake();
  ExpectStatus(connection.server_status, absl::StatusCode::kFailedPrecondition,
               "the peer's ALPN list is without \"kv\"");
  ExpectStatus(connection.client_status, absl::StatusCode::kFailedPrecondition,
               "(TLS alert 120)");
}

// What a peer sends that does not speak TLS; it then waits.
template <class Transport>
void ExpectPlainTextRefused(bool at_server, const std::string& sent,
                            absl::string_view expected) {
  Connection<Transport> connection(ServerContext(), ClientContext());
  TlsStream<Transport>& tls = at_server ? connection.server : connection.client;
  Transport& plain = at_server ? connection.client.next_layer()
                               : connection.server.next_layer();
  absl::Status status;
  int done = 0;
  AsyncTlsHandshake(tls, at_server ? AsServer() : AsClient(), connection.clock,
                    [&](absl::Status result) {
                      ++done;
                      status = std::move(result);
                    });
  asio::async_write(plain, asio::buffer(sent),
                    [](boost::system::error_code, size_t) {});
  connection.Run();
  EXPECT_EQ(done, 1);
  ExpectStatus(status, absl::StatusCode::kFailedPrecondition, expected);
}

TYPED_TEST(TlsHandshake, PlainHttpAtServerIsNamed) {
  ExpectPlainTextRefused<TypeParam>(
      true, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "plain HTTP");
  ExpectPlainTextRefused<TypeParam>(
      true, "CONNECT localhost:1 HTTP/1.1\r\n\r\n", "plain HTTP");
}

TYPED_TEST(TlsHandshake, PlainFrameAtServerIsNamed) {
  ExpectPlainTextRefused<TypeParam>(
      true, std::string("\0\0\0\x05\x0a\x03\x0a\x01t", 9), "speaks plain text");
}

TYPED_TEST(TlsHandshake, PlainTextAtClientIsNamed) {
  ExpectPlainTextRefused<TypeParam>(false, "HTTP/1.1 400 Bad Request\r\n\r\n",
                                    "speaks plain text");
  ExpectPlainTextRefused<TypeParam>(
      false, std::string("\0\0\0\x05\x08\x90\x03", 7), "speaks plain text");
}

TYPED_TEST(TlsHandshake, CleanEndReadsAsEof) {
  Connection<TypeParam> connection(ServerContext(), ClientContext());
  connection.Handshake();
  boost::system::error_code server_end = asio::error::would_block;
  boost::system::error_code client_end = asio::error::would_block;
  boost::system::error_code client_read = asio::error::would_block;
  char byte;
  connection.server.async_shutdown(
      [&](boost::system::error_code error) { server_end = error; });
  connection.client.async_read_some(
      asio::buffer(&byte, 1), [&](boost::system::error_code error, size_t) {
        client_read = error;
        connection.client.async_shutdown(
            [&](boost::system::error_code end) { client_end = end; });
      });
  connection.Run();
  EXPECT_EQ(client_read, asio::error::eof);
  EXPECT_FALSE(client_end) << client_end.message();
  EXPECT_FALSE(server_end) << server_end.message();
}

TYPED_TEST(TlsHandshake, CutConnectionReadsAsTruncated) {
  Connection<TypeParam> connection(ServerContext(), ClientContext());
  connection.Handshake();
  connection.server.lowest_layer().close();
  const auto error = ReadError(connection, connection.client);
  EXPECT_EQ(error, asio::ssl::error::stream_truncated) << error.message();
  ExpectStatus(TlsErrorToStatus(error, "TLS read"),
               absl::StatusCode::kUnavailable, "the connection was cut");
}

TYPED_TEST(TlsHandshake, ConnectionCutInsideARecordReadsAsTruncated) {
  // The header of a record of 64 bytes, and more and more of what follows.
  std::string part("\x17\x03\x03\x00\x40", 5);
  part.append(63, 'x');
  for (size_t bytes = 1; bytes <= part.size(); ++bytes) {
    Connection<TypeParam> connection(ServerContext(), ClientContext());
    connection.Handshake();
    asio::async_write(connection.server.next_layer(),
                      asio::buffer(part.data(), bytes),
                      [](boost::system::error_code error, size_t) {
                        EXPECT_FALSE(error) << error.message();
                      });
    connection.Run();
    connection.server.lowest_layer().close();
    const auto error = ReadError(connection, connection.client);
    EXPECT_EQ(error, asio::ssl::error::stream_truncated)
        << "after " << bytes << ": " << error.message();
  }
}

}  // namespace
}  // namespace coffer::tls_test
