#include "coffer/server/server.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/server/worker.h"

namespace coffer::server {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

// What is tried for a port that is free on every address of a host.
constexpr int kPortTries = 16;

// One address of `wanted`.
absl::Status CannotListen(const Endpoint& wanted, const std::string& address,
                          const error_code& error) {
  std::string message = absl::StrCat("cannot listen on ", ToString(wanted));
  if (!address.empty() && address != wanted.host) {
    absl::StrAppend(&message, " (", address, ")");
  }
  absl::StrAppend(&message, ": ", error.message());
  return error == boost::asio::error::access_denied
             ? absl::PermissionDeniedError(message)
             : absl::UnavailableError(message);
}

tcp::acceptor OpenListener(boost::asio::io_context& io,
                           const tcp::endpoint& address, error_code& error) {
  tcp::acceptor acceptor(io);
  acceptor.open(address.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && address.address().is_v6()) {
    acceptor.set_option(boost::asio::ip::v6_only(true), error);
  }
  if (!error) acceptor.bind(address, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  return acceptor;
}

// A resolver names IPv6 addresses on machines without IPv6, too.
bool IsAbsentV6(const tcp::endpoint& address, const error_code& error) {
  return address.address().is_v6() &&
         (error == boost::system::errc::address_not_available ||
          error == boost::asio::error::address_family_not_supported);
}

// Once each, in the resolver's order. Blocks.
absl::StatusOr<std::vector<tcp::endpoint>> Resolve(boost::asio::io_context& io,
                                                   const Endpoint& wanted) {
  error_code error;
  tcp::resolver resolver(io);
  const auto resolved = resolver.resolve(
      wanted.host, absl::StrCat(wanted.port),
      tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error) return CannotListen(wanted, "", error);
  std::vector<tcp::endpoint> addresses;
  for (const auto& entry : resolved) {
    if (std::find(addresses.begin(), addresses.end(), entry.endpoint()) ==
        addresses.end()) {
      addresses.push_back(entry.endpoint());
    }
  }
  return addresses;
}

// All of `addresses` on one port. `*port_is_taken`: the one that the system
// chose for the first is in use on another.
absl::StatusOr<std::vector<tcp::acceptor>> OpenAll(
    boost::asio::io_context& io, const Endpoint& wanted,
    const std::vector<tcp::endpoint>& addresses, bool* port_is_taken) {
  std::vector<tcp::acceptor> opened;
  absl::Status absent = absl::UnavailableError(
      absl::StrCat("cannot listen on ", ToString(wanted), ": no address"));
  std::uint16_t port = wanted.port;
  for (tcp::endpoint address : addresses) {
    address.port(port);
    error_code error;
    tcp::acceptor acceptor = OpenListener(io, address, error);
    if (!error) port = acceptor.local_endpoint(error).port();
    if (!error) {
      opened.push_back(std::move(acceptor));
      continue;
    }
    absl::Status failed =
        CannotListen(wanted, address.address().to_string(), error);
    if (!IsAbsentV6(address, error)) {
      *port_is_taken = wanted.port == 0 && !opened.empty() &&
                       error == boost::asio::error::address_in_use;
      return failed;
    }
    absent = std::move(failed);
  }
  if (opened.empty()) return absent;
  return opened;
}

absl::StatusOr<std::vector<tcp::acceptor>> OpenListeners(
    boost::asio::io_context& io, const Endpoint& wanted) {
  auto addresses = Resolve(io, wanted);
  if (!addresses.ok()) return addresses.status();
  for (int tries = 1;; ++tries) {
    bool port_is_taken = false;
    auto opened = OpenAll(io, wanted, *addresses, &port_is_taken);
    if (!port_is_taken || tries == kPortTries) return opened;
  }
}

}  // namespace

Server::Server(ServerOptions options, Service* service)
    : options_(std::move(options)), service_(service) {}

Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options,
                                                      Service* service) {
  COFFER_ASSERT(options.threads > 0 && service != nullptr);
  const int threads = options.threads;
  try {
    std::unique_ptr<Server> server(new Server(std::move(options), service));
    absl::Status listening = server->Listen();
    if (!listening.ok()) return listening;
    server->Run();
    return server;
  } catch (const std::exception& thrown) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot start ", threads, " threads: ", thrown.what()));
  }
}

absl::Status Server::Listen() {
  for (int i = 0; i < options_.threads; ++i) {
    workers_.push_back(std::make_unique<Worker>(this));
  }
  boost::asio::io_context io;
  for (const Endpoint& wanted : options_.listen) {
    auto acceptors = OpenListeners(io, wanted);
    if (!acceptors.ok()) return acceptors.status();
    for (tcp::acceptor& acceptor : *acceptors) {
      const tcp::endpoint bound = acceptor.local_endpoint();
      endpoints_.push_back({bound.address().to_string(), bound.port()});
      for (auto& worker : workers_) {
        absl::Status shared = worker->Share(acceptor);
        if (!shared.ok()) return shared;
      }
    }
  }
  return absl::OkStatus();
}

void Server::Run() {
  for (auto& worker : workers_) worker->Run();
}

void Server::Drain(std::function<void()> drained) {
  COFFER_ASSERT(!draining_.exchange(true) && "Drain is called once");
  drained_ = std::move(drained);
  workers_draining_ = workers_.size();
  for (auto& worker : workers_) {
    worker->Drain([this] { WorkerDrained(); });
  }
}

void Server::WorkerDrained() {
  if (workers_draining_.fetch_sub(1) == 1) drained_();
}

}  // namespace coffer::server
