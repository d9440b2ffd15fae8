#include "coffer/sdk/connection/open_session.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/within_timeout.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/sdk/stream/hello.h"
#include "coffer/sdk/stream/tls/ssl.h"
#include "coffer/sdk/stream/tls/tls_error.h"

namespace coffer::internal {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kAwaitTuple = asio::as_tuple(asio::use_awaitable);

// Why no answer to the Hello came. In TLS 1.3 a client learns only after the
// handshake, from its first read, that the server refused its certificate.
absl::Status NoAnswer(const ClientFramedStream& stream, error_code error) {
  if (error == asio::error::eof) {
    return absl::UnavailableError(
        "the server closed the connection without an answer to hello");
  }
  if (error == asio::error::operation_aborted) {
    return absl::CancelledError("hello: cancelled");
  }
  if (error.category() == asio::error::get_ssl_category()) {
    return TlsErrorToStatus(error, "TLS");
  }
  const absl::Status status = stream.read_status();
  if (absl::IsUnavailable(status)) return status;
  return absl::Status(
      status.code(),
      absl::StrCat("the answer to hello is not Coffer's: ", status.message()));
}

asio::awaitable<absl::Status> Greet(OpenedSession* session,
                                    const ConnectionOptions* options,
                                    const ClientIdentity* identity) {
  v1::CommandRequest request =
      MakeHello(options->hello, identity->client_id(), options->client_name);
  request.mutable_hello()->set_next_request_id(identity->next_to_send());
  ClientFramedStream& stream = *session->stream;
  auto [sent] = co_await stream.Send(request, kAwaitTuple);
  if (sent) co_return ToStatus(sent, "sending hello");
  auto [error, answer] = co_await stream.Next(kAwaitTuple);
  if (error) co_return NoAnswer(stream, error);
  if (answer.status() == 400 && !answer.has_hello()) {
    // An older server: CheckConnectionOptions sees to it that one of ours has
    // nothing to refuse.
    co_return absl::OkStatus();
  }
  if (answer.status() != 200) co_return ToStatus(answer);
  auto encoder = AcceptHelloReply(answer.hello(), options->hello);
  if (!encoder.ok()) co_return encoder.status();
  stream.set_encoder_options(*encoder);
  session->server = ServerInfoFromReply(answer.hello());
  co_return absl::OkStatus();
}

asio::awaitable<absl::StatusOr<OpenedSession>> DialAndGreet(
    Dialer* dialer, const ConnectionOptions* options,
    const ClientIdentity* identity) {
  const auto executor = co_await asio::this_coro::executor;
  auto transport = co_await dialer->AsyncDial(
      executor, options->connect_timeout, asio::use_awaitable);
  if (!transport.ok()) co_return transport.status();
  FramedStreamOptions framed;
  framed.read_limits = options->hello.limits;
  framed.write_high_mark_bytes = options->write_high_mark_bytes;
  framed.write_low_mark_bytes = options->write_low_mark_bytes;
  OpenedSession session;
  session.stream =
      std::make_unique<ClientFramedStream>(*std::move(transport), framed);
  if (options->say_hello) {
    const absl::Status greeted = co_await Greet(&session, options, identity);
    if (!greeted.ok()) co_return greeted;
  }
  co_return std::move(session);
}

}  // namespace

asio::awaitable<absl::StatusOr<OpenedSession>> OpenSession(
    Dialer* dialer, const ConnectionOptions* options,
    const ClientIdentity* identity) {
  auto opening = DialAndGreet(dialer, options, identity);
  co_return co_await WithinTimeout(
      options->clock, options->connect_timeout,
      absl::StrCat("connecting to ", dialer->target()), std::move(opening));
}

}  // namespace coffer::internal
