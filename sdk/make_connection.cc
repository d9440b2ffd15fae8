#include "coffer/sdk/make_connection.h"

#include <random>
#include <utility>

#include "coffer/sdk/connection/client_identity.h"
#include "coffer/sdk/connection/mux_connection.h"
#include "coffer/sdk/connection/observing_connection.h"
#include "coffer/sdk/connection/retrying_connection.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/sdk/stream/hello.h"

namespace coffer {

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
  std::shared_ptr<Connection> connection =
      std::make_shared<internal::MuxConnection>(std::move(executor), dialers,
                                                options, identity);
  // Always: a call may bring a policy of its own.
  connection = internal::MakeRetryingConnection(std::move(connection), options,
                                                identity, seed);
  if (options.observer != nullptr) {
    connection = internal::MakeObservingConnection(
        std::move(connection), options.observer, identity, options.clock);
  }
  return connection;
}

}  // namespace coffer
