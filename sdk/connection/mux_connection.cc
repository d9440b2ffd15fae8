#include "coffer/sdk/connection/mux_connection.h"

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <random>
#include <utility>

#include "coffer/sdk/connection/mux_core.h"

namespace coffer::internal {

MuxConnection::MuxConnection(
    boost::asio::any_io_executor executor,
    const std::vector<std::shared_ptr<Dialer>>& dialers,
    const ConnectionOptions& options,
    const std::shared_ptr<ClientIdentity>& identity)
    : executor_(std::move(executor)) {
  std::mt19937_64 seeds(options.seed.has_value() ? *options.seed
                                                 : std::random_device()());
  for (int i = 0; i < options.connections; ++i) {
    cores_.push_back(std::make_shared<MuxCore>(executor_, dialers, options,
                                               identity, seeds()));
  }
  for (const auto& core : cores_) {
    std::vector<std::weak_ptr<MuxCore>> others;
    for (const auto& other : cores_) {
      if (other != core) others.push_back(other);
    }
    core->Start(std::move(others));
  }
}

MuxConnection::~MuxConnection() {
  for (const auto& core : cores_) {
    core->Stop(absl::CancelledError("the client was destroyed"));
  }
}

// One that cannot connect fails its calls at once, or keeps them: it would have
// the fewest, or all that the others have fewer of.
MuxCore& MuxConnection::Best(const AttemptNote* note) {
  const auto better = [note](const std::shared_ptr<MuxCore>& a,
                             const std::shared_ptr<MuxCore>& b) {
    const bool a_refuses = a->Refuses(note);
    if (a_refuses != b->Refuses(note)) return !a_refuses;
    const MuxCore::Link a_link = a->link();
    const MuxCore::Link b_link = b->link();
    return a_link != b_link ? a_link < b_link : a->calls() < b->calls();
  };
  return **std::min_element(cores_.begin(), cores_.end(), better);
}

void MuxConnection::Execute(v1::CommandRequest request, CallOptions options,
                            ExecuteHandler handler) {
  Best(options.attempt)
      .Execute(std::move(request), options, std::move(handler));
}

void MuxConnection::Subscribe(std::string topic, SubscribeOptions options,
                              SubscribeHandler handler) {
  v1::CommandRequest request;
  request.mutable_open_subscription()->set_topic(std::move(topic));
  Best(nullptr).Subscribe(std::move(request), options, std::move(handler));
}

void MuxConnection::Watch(v1::OpenWatch what, SubscribeOptions options,
                          SubscribeHandler handler) {
  v1::CommandRequest request;
  *request.mutable_open_watch() = std::move(what);
  Best(nullptr).Subscribe(std::move(request), options, std::move(handler));
}

std::optional<ServerInfo> MuxConnection::server_info() const {
  for (const auto& core : cores_) {
    std::optional<ServerInfo> server = core->server_info();
    if (server.has_value()) return server;
  }
  return std::nullopt;
}

namespace {

// Closes all; the handler is for the last one.
struct Closing {
  PendingHandler<absl::Status> handler;
  std::size_t left = 0;
};

}  // namespace

void MuxConnection::Close(CloseHandler handler) {
  const auto closing = std::make_shared<Closing>();
  OnCancel(handler, [cores = cores_] {
    for (const auto& core : cores) {
      core->Stop(absl::CancelledError("the connection was closed"));
    }
  });
  closing->handler =
      PendingHandler<absl::Status>(std::move(handler), executor_);
  closing->left = cores_.size();
  for (const auto& core : cores_) {
    auto closed = [closing](const absl::Status& status) {
      if (--closing->left == 0) closing->handler.Dispatch(status);
    };
    core->Close(boost::asio::bind_executor(executor_, closed));
  }
}

}  // namespace coffer::internal
