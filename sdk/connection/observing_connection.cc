#include "coffer/sdk/connection/observing_connection.h"

#include <optional>
#include <string>
#include <utility>

#include "coffer/sdk/connection/tell_observer.h"
#include "coffer/sdk/internal/mapped_handler.h"
#include "coffer/sdk/status/status_codes.h"

namespace coffer::internal {
namespace {

class ObservingConnection final : public Connection {
 public:
  ObservingConnection(std::shared_ptr<Connection> next,
                      std::shared_ptr<Observer> observer,
                      std::shared_ptr<ClientIdentity> identity, Clock* clock)
      : next_(std::move(next)),
        observer_(std::move(observer)),
        identity_(std::move(identity)),
        clock_(clock) {}

  boost::asio::any_io_executor get_executor() override {
    return next_->get_executor();
  }

  void Execute(v1::CommandRequest request, CallOptions options,
               ExecuteHandler handler) override {
    request.set_request_id(identity_->NewRequestId());
    CallInfo info;
    info.request_id = request.request_id();
    info.command = request.request_data_case();
    info.trace_context = &options.trace_context;
    info.started = clock_->Now();
    TellObserver(*observer_, &Observer::OnStart, info);
    auto ended = [observer = observer_, info, trace = options.trace_context](
                     absl::StatusOr<v1::CommandResponse> result) mutable {
      info.trace_context = &trace;
      TellObserver(*observer, &Observer::OnEnd, info,
                   result.ok() ? ToStatus(*result) : result.status());
      return result;
    };
    next_->Execute(std::move(request), std::move(options),
                   MapResult(std::move(handler), std::move(ended)));
  }

  void Subscribe(std::string topic, SubscribeOptions options,
                 SubscribeHandler handler) override {
    next_->Subscribe(std::move(topic), std::move(options), std::move(handler));
  }

  void Watch(v1::OpenWatch what, SubscribeOptions options,
             SubscribeHandler handler) override {
    next_->Watch(std::move(what), std::move(options), std::move(handler));
  }

  void Close(CloseHandler handler) override {
    next_->Close(std::move(handler));
  }

  std::optional<ServerInfo> server_info() const override {
    return next_->server_info();
  }

 private:
  const std::shared_ptr<Connection> next_;
  const std::shared_ptr<Observer> observer_;
  const std::shared_ptr<ClientIdentity> identity_;
  Clock* const clock_;
};

}  // namespace

std::shared_ptr<Connection> MakeObservingConnection(
    std::shared_ptr<Connection> next, std::shared_ptr<Observer> observer,
    std::shared_ptr<ClientIdentity> identity, Clock* clock) {
  return std::make_shared<ObservingConnection>(
      std::move(next), std::move(observer), std::move(identity), clock);
}

}  // namespace coffer::internal
