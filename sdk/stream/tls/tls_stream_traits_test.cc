#include "coffer/sdk/stream/tls/tls_stream_traits.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstdint>
#include <string>

#include "coffer/sdk/stream/tls/tls_test_util.h"
#include "gtest/gtest.h"

namespace coffer::tls_test {
namespace {

namespace asio = boost::asio;

template <class Transport>
class TlsStreamTraits : public ::testing::Test {};
using Transports = ::testing::Types<Socket, Pipe>;
TYPED_TEST_SUITE(TlsStreamTraits, Transports);

const std::string& AnswerText() {
  static const auto* const text = new std::string(100'000, 'a');
  return *text;
}

template <class Transport>
Connection<Transport> Connected(uint16_t version) {
  ContextPtr client = ClientContext();
  SSL_CTX_set_max_proto_version(client->native_handle(), version);
  return Connection<Transport>(ServerContext(), std::move(client));
}

template <class Transport>
boost::system::error_code ShutdownSend(Connection<Transport>& connection,
                                       TlsStream<Transport>& stream) {
  boost::system::error_code result = asio::error::would_block;
  StreamTraits<TlsStream<Transport>>::AsyncShutdownSend(
      stream, [&result](boost::system::error_code error) { result = error; });
  EXPECT_EQ(result, asio::error::would_block) << "completed inside the call";
  connection.Run();
  return result;
}

TYPED_TEST(TlsStreamTraits, ShutdownSendEndsOneDirectionOnly) {
  for (const uint16_t version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto connection = Connected<TypeParam>(version);
    connection.Handshake();
    ASSERT_TRUE(connection.client_status.ok()) << connection.client_status;

    // The client has a read pending, says something, and ends.
    std::string answer(AnswerText().size(), '\0');
    boost::system::error_code answer_error = asio::error::would_block;
    asio::async_read(
        connection.client, asio::buffer(answer),
        [&](boost::system::error_code error, size_t) { answer_error = error; });
    asio::async_write(connection.client, asio::buffer("last", 4),
                      [](boost::system::error_code error, size_t) {
                        EXPECT_FALSE(error) << error.message();
                      });
    connection.io->restart();
    connection.io->poll();
    boost::system::error_code sent = asio::error::would_block;
    StreamTraits<TlsStream<TypeParam>>::AsyncShutdownSend(
        connection.client,
        [&sent](boost::system::error_code error) { sent = error; });
    while (sent == asio::error::would_block && connection.io->run_one() > 0) {
    }
    EXPECT_FALSE(sent) << sent.message();
    EXPECT_EQ(answer_error, asio::error::would_block);

    // The server gets what was said, then a clean end, and answers after it.
    std::string got(16, '\0');
    size_t got_bytes = 0;
    boost::system::error_code end;
    asio::async_read(connection.server, asio::buffer(got),
                     [&](boost::system::error_code error, size_t bytes) {
                       end = error;
                       got_bytes = bytes;
                       asio::async_write(
                           connection.server, asio::buffer(AnswerText()),
                           [](boost::system::error_code write_error, size_t) {
                             EXPECT_FALSE(write_error) << write_error.message();
                           });
                     });
    connection.Run();
    EXPECT_EQ(end, asio::error::eof) << end.message();
    EXPECT_EQ(got.substr(0, got_bytes), "last");
    EXPECT_FALSE(answer_error) << answer_error.message();
    EXPECT_TRUE(answer == AnswerText());
  }
}

TYPED_TEST(TlsStreamTraits, SecondShutdownSendWritesNothing) {
  auto connection = Connected<TypeParam>(TLS1_3_VERSION);
  connection.Handshake();
  EXPECT_FALSE(ShutdownSend(connection, connection.client));
  EXPECT_FALSE(ShutdownSend(connection, connection.client));
  char bytes[2];
  boost::system::error_code end;
  asio::async_read(
      connection.server, asio::buffer(bytes),
      [&](boost::system::error_code error, size_t) { end = error; });
  connection.Run();
  EXPECT_EQ(end, asio::error::eof) << end.message();
}

TYPED_TEST(TlsStreamTraits, ShutdownSendBeforeHandshakeIsNoError) {
  auto connection = Connected<TypeParam>(TLS1_3_VERSION);
  EXPECT_FALSE(ShutdownSend(connection, connection.client));
}

TYPED_TEST(TlsStreamTraits, ShutdownSendOnClosedTransportFails) {
  auto connection = Connected<TypeParam>(TLS1_3_VERSION);
  connection.Handshake();
  StreamTraits<TlsStream<TypeParam>>::Close(connection.client);
  EXPECT_TRUE(ShutdownSend(connection, connection.client));
}

TYPED_TEST(TlsStreamTraits, CloseEndsPendingRead) {
  auto connection = Connected<TypeParam>(TLS1_3_VERSION);
  connection.Handshake();
  boost::system::error_code result;
  char byte;
  connection.client.async_read_some(
      asio::buffer(&byte, 1),
      [&](boost::system::error_code error, size_t) { result = error; });
  connection.io->restart();
  connection.io->poll();
  StreamTraits<TlsStream<TypeParam>>::Close(connection.client);
  connection.Run();
  EXPECT_EQ(result, asio::error::operation_aborted) << result.message();
  // To the peer it is not a clean end.
  char peer_byte;
  connection.server.async_read_some(
      asio::buffer(&peer_byte, 1),
      [&](boost::system::error_code error, size_t) { result = error; });
  connection.Run();
  EXPECT_EQ(result, asio::ssl::error::stream_truncated) << result.message();
}

}  // namespace
}  // namespace coffer::tls_test
