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
  for (int i = 0; i < std::max(options.connections, 1); ++i) {
    cores_.push_back(std::make_shared<MuxCore>(executor_, dialers, options,
                                               identity, seeds()));
    cores_.back()->Start();
  }
}

MuxConnection::~MuxConnection() {
  for (const auto& core : cores_) {
    core->Stop(absl::CancelledError("the client was destroyed"));
  }
}

MuxCore& MuxConnection::Least() {
  const auto fewer = [](const std::shared_ptr<MuxCore>& a,
                        const std::shared_ptr<MuxCore>& b) {
    return a->calls() < b->calls();
  };
  return **std::min_element(cores_.begin(), cores_.end(), fewer);
}

void MuxConnection::Execute(v1::CommandRequest request, CallOptions options,
                            ExecuteHandler handler) {
  Least().Execute(std::move(request), options, std::move(handler));
}

void MuxConnection::Subscribe(std::string topic, SubscribeOptions options,
                              SubscribeHandler handler) {
  Least().Subscribe(std::move(topic), options, std::move(handler));
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
