#include "coffer/tools/cli/sdk_executor.h"

#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/tools/cli/call_within.h"

namespace coffer::cli {
namespace {

constexpr char kClientName[] = "kvc";

v1::CommandResponse RefusedHere(const absl::Status& status) {
  v1::CommandResponse response;
  response.set_status(ToWireStatus(status.code()));
  response.set_message(std::string(status.message()));
  response.set_outcome(v1::NOT_EXECUTED);
  return response;
}

// `status`, naming the server if it does not yet.
absl::Status Naming(absl::string_view server, const absl::Status& status) {
  if (status.ok() || absl::StrContains(status.message(), server)) return status;
  return absl::Status(status.code(),
                      absl::StrCat(server, ": ", status.message()));
}

// The first bytes from a server made no sense. A TLS server answers plain text
// with an alert, and an HTTP server with a page.
absl::Status SuspectTls(const absl::Status& status) {
  if (!absl::IsResourceExhausted(status) && !absl::IsInvalidArgument(status) &&
      !absl::IsDataLoss(status)) {
    return status;
  }
  return absl::Status(status.code(),
                      absl::StrCat("this is no Coffer server, or one that "
                                   "wants --tls: ",
                                   status.message()));
}

}  // namespace

SdkExecutor::SdkExecutor(boost::asio::io_context* io,
                         SdkExecutorOptions options)
    : io_(io), options_(std::move(options)) {}

SdkExecutor::~SdkExecutor() = default;

template <class Result, class Start>
Result SdkExecutor::Wait(absl::string_view missing, Start start) {
  auto call = CallWithin<Result>(*io_, *options_.clock, options_.timeout,
                                 absl::StrCat(missing, " ", options_.server),
                                 std::move(start));
  stuck_ = stuck_ || call.stuck;
  return std::move(call.result);
}

absl::Status SdkExecutor::Connect() {
  ConnectOptions connect;
  connect.stream.client_name = kClientName;
  connect.server_name = options_.server_name;
  connect.timeout = options_.timeout;
  connect.clock = options_.clock;
  const auto executor = io_->get_executor();
  constexpr absl::string_view kMissing = "no connection to";
  if (options_.tls == nullptr) {
    auto client = Wait<absl::StatusOr<TcpClient>>(kMissing, [&](auto handler) {
      coffer::Connect(executor, options_.server, connect, std::move(handler));
    });
    if (!client.ok()) return SuspectTls(client.status());
    tcp_.emplace(*std::move(client));
  } else {
    auto client = Wait<absl::StatusOr<TlsClient>>(kMissing, [&](auto handler) {
      ConnectTls(executor, options_.server, options_.tls, connect,
                 std::move(handler));
    });
    if (!client.ok()) return client.status();
    tls_.emplace(*std::move(client));
  }
  return absl::OkStatus();
}

template <class Client>
absl::StatusOr<v1::CommandResponse> SdkExecutor::ExecuteOn(
    Client& client, const v1::CommandRequest& request) {
  using Response = absl::StatusOr<v1::CommandResponse>;
  Response response = Wait<Response>("no answer from", [&](auto handler) {
    client.Execute(request, std::move(handler));
  });
  // Too large, and the connection is as good as before.
  if (absl::IsResourceExhausted(response.status()) &&
      !client.framed().read_error()) {
    return RefusedHere(response.status());
  }
  return response;
}

absl::StatusOr<v1::CommandResponse> SdkExecutor::Execute(
    const v1::CommandRequest& request) {
  if (lost_.ok() && !tcp_ && !tls_) {
    lost_ = Naming(options_.server, Connect());
  }
  if (!lost_.ok()) return lost_;
  auto response = tls_ ? ExecuteOn(*tls_, request) : ExecuteOn(*tcp_, request);
  lost_ = Naming(options_.server, response.status());
  if (!lost_.ok()) return lost_;
  return response;
}

void SdkExecutor::Close() {
  if (!lost_.ok()) return;
  const auto close = [this](auto& client) {
    Wait<absl::Status>("no leave taken from", [&](auto handler) {
      client.Close(std::move(handler));
    }).IgnoreError();
  };
  if (tcp_) close(*tcp_);
  if (tls_) close(*tls_);
}

}  // namespace coffer::cli
