// Server: listeners, threads and connections around a Service.
//
// One io_context a thread. Each listening socket is duplicated for each thread,
// which accepts and serves its own connections; a connection stays on its
// thread. (Duplicated rather than bound again with SO_REUSEPORT, which would
// let a second server onto the port unseen.)
//
//   auto server = Server::Start(options, &service);
//   if (!server.ok()) ...
//   server->endpoints();   // with the ports that were chosen for port 0
//   server->Drain(...);    // or destroy it
//
// Thread-safe after Start. Nothing throws.

#ifndef COFFER_SERVER_SERVER_H_
#define COFFER_SERVER_SERVER_H_

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/endpoint.h"
#include "coffer/server/limits.h"
#include "coffer/server/service/service.h"

namespace coffer::server {

struct ServerOptions {
  // Every address of each host, each on a socket of its own, IPv4 and IPv6
  // apart; port 0 lets the system choose one for all addresses of the host. An
  // IPv6 address that the machine does not have is left out if the host has
  // another.
  std::vector<Endpoint> listen = {{"127.0.0.1", kDefaultPort}};
  int threads = 1;
  // Null: no TLS. Shared by all listeners.
  std::shared_ptr<boost::asio::ssl::context> tls;
  ServerLimits limits;
  Clock* clock = &Clock::System();
  // Called on the connection's thread before it is served; null for none.
  std::function<void(boost::asio::ip::tcp::socket&)> on_accepted;
};

class Worker;

class Server {
 public:
  // Listens and serves from here on. `service` outlives the server. Unavailable
  // or PermissionDenied: a listener could not be opened, and why.
  // ResourceExhausted: no descriptors, memory or threads for options.threads.
  // Blocks while it resolves the hosts.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options,
                                                       Service* service);

  // Ends everything at once, except that what the storage has been given is
  // waited for.
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // What is listened on, in the order of the options: addresses, not names.
  const std::vector<Endpoint>& endpoints() const { return endpoints_; }

  // Connections now.
  std::size_t connections() const { return connections_.load(); }

  // To be called once. Stops accepting, answers what has arrived, closes the
  // connections. `drained` is called once, on one of the server's threads, when
  // the last connection is gone; or when drain_timeout has passed, after which
  // the rest is cut off. A connection that waits for the storage then is left
  // behind: it ends when the storage answers. `drained` must not destroy the
  // server.
  void Drain(std::function<void()> drained);

 private:
  friend class Worker;

  explicit Server(ServerOptions options, Service* service);

  // May throw what there is no memory, descriptor or thread for.
  absl::Status Listen();
  void Run();
  void WorkerDrained();

  const ServerOptions options_;
  Service* const service_;
  std::vector<Endpoint> endpoints_;
  std::atomic<std::size_t> connections_{0};
  std::atomic<bool> draining_{false};
  std::atomic<std::size_t> workers_draining_{0};
  std::function<void()> drained_;
  // Last: their threads use the members above until they are joined.
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVER_H_
