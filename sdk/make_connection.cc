#include "coffer/sdk/make_connection.h"

#include <optional>
#include <random>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/connection/client_identity.h"
#include "coffer/sdk/connection/mux_connection.h"
#include "coffer/sdk/connection/observing_connection.h"
#include "coffer/sdk/connection/retrying_connection.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/sdk/internal/pending_handler.h"
#include "coffer/sdk/status/outcome.h"
#include "coffer/sdk/stream/hello.h"

namespace coffer {
namespace {

// For options that make no sense: its calls end with what is wrong with them.
class InvalidConnection final : public Connection {
 public:
  InvalidConnection(boost::asio::any_io_executor executor, absl::Status why)
      : executor_(std::move(executor)), why_(std::move(why)) {}

  boost::asio::any_io_executor get_executor() override { return executor_; }

  void Execute(v1::CommandRequest, CallOptions,
               ExecuteHandler handler) override {
    internal::PendingHandler<absl::StatusOr<v1::CommandResponse>>(
        std::move(handler), executor_)
        .Post(WithOutcome(why_, v1::NOT_EXECUTED));
  }

  void Subscribe(std::string, SubscribeOptions,
                 SubscribeHandler handler) override {
    internal::PendingHandler<absl::StatusOr<std::unique_ptr<EventSource>>>(
        std::move(handler), executor_)
        .Post(why_);
  }

  void Watch(v1::OpenWatch, SubscribeOptions options,
             SubscribeHandler handler) override {
    Subscribe("", options, std::move(handler));
  }

  void Close(CloseHandler handler) override {
    internal::PendingHandler<absl::Status>(std::move(handler), executor_)
        .Post(absl::OkStatus());
  }

  std::optional<ServerInfo> server_info() const override {
    return std::nullopt;
  }

 private:
  const boost::asio::any_io_executor executor_;
  const absl::Status why_;
};

}  // namespace

std::shared_ptr<Connection> MakeConnection(
    boost::asio::any_io_executor executor, std::shared_ptr<Dialer> dialer,
    ConnectionOptions options) {
  return MakeConnection(std::move(executor),
                        std::vector<std::shared_ptr<Dialer>>{std::move(dialer)},
                        std::move(options));
}

std::shared_ptr<Connection> MakeConnection(
    boost::asio::any_io_executor executor,
    std::vector<std::shared_ptr<Dialer>> dialers, ConnectionOptions options) {
  COFFER_ASSERT(!dialers.empty() && "a dialer is needed to connect");
  COFFER_ASSERT(options.clock != nullptr);
  const auto identity = std::make_shared<internal::ClientIdentity>(
      options.client_id.empty() ? MakeClientId() : options.client_id);
  const std::uint64_t seed =
      options.seed.has_value() ? *options.seed : std::random_device()();
  const absl::Status checked = CheckConnectionOptions(options);
  std::shared_ptr<Connection> connection;
  if (checked.ok()) {
    connection = std::make_shared<internal::MuxConnection>(
        std::move(executor), dialers, options, identity);
    // Always: a call may bring a policy of its own.
    connection = internal::MakeRetryingConnection(std::move(connection),
                                                  options, identity, seed);
  } else {
    connection =
        std::make_shared<InvalidConnection>(std::move(executor), checked);
  }
  if (options.observer != nullptr) {
    connection = internal::MakeObservingConnection(
        std::move(connection), options.observer, identity, options.clock);
  }
  return connection;
}

}  // namespace coffer
