// Connection: one accepted connection from its first byte to its last: the TLS
// handshake, the session, its watchdog, the log lines.
//
// It lives on its worker's thread and keeps itself alive until it is over.

#ifndef COFFER_SERVER_CONNECTION_H_
#define COFFER_SERVER_CONNECTION_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/limits.h"
#include "coffer/server/service/service.h"

namespace coffer::server {

// As its worker sees it.
class Connection {
 public:
  virtual ~Connection() = default;
  // Finishes what is in flight, then ends.
  virtual void Drain() = 0;
  // Ends now.
  virtual void Abort() = 0;
};

// The connections of one worker. Used on its thread only.
using ConnectionSet = std::unordered_set<std::shared_ptr<Connection>>;

struct ConnectionContext {
  Service* service = nullptr;
  const ServerLimits* limits = nullptr;
  Clock* clock = nullptr;
  ConnectionSet* connections = nullptr;
  // Called once, when the connection is over.
  std::function<void()> on_closed;
};

// Serves on `socket`, through TLS if `tls` is not null. Returns at once. Throws
// what there is no memory for, or TLS cannot set up; `on_closed` is not called
// then.
void StartConnection(boost::asio::ip::tcp::socket socket,
                     std::shared_ptr<boost::asio::ssl::context> tls,
                     ConnectionContext context);

}  // namespace coffer::server

#endif  // COFFER_SERVER_CONNECTION_H_
