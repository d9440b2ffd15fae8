#include "coffer/tools/cli/sdk_executor.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/error_code.hpp>
#include <csignal>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/internal/spawn.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/retry_policy.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/tools/cli/call_within.h"

namespace coffer::cli {
namespace {

namespace asio = boost::asio;

constexpr char kClientName[] = "kvc";

v1::CommandResponse RefusedHere(const absl::Status& status) {
  v1::CommandResponse response;
  response.set_status(ToWireStatus(status.code()));
  response.set_message(std::string(status.message()));
  response.set_outcome(v1::NOT_EXECUTED);
  return response;
}

// `message`, naming the server if it does not yet.
std::string Naming(absl::string_view server, absl::string_view message) {
  if (absl::StrContains(message, server)) return std::string(message);
  return absl::StrCat(server, ": ", message);
}

}  // namespace

SdkExecutor::SdkExecutor(asio::io_context* io, SdkExecutorOptions options)
    : io_(io),
      options_(std::move(options)),
      watch_(std::make_shared<ConnectionWatch>()) {}

SdkExecutor::~SdkExecutor() = default;

std::shared_ptr<Dialer> SdkExecutor::MakeDialer() const {
  ConnectOptions connect;
  connect.server_name = options_.server_name;
  connect.timeout = options_.timeout;
  connect.clock = options_.clock;
  return WatchDialing(
      options_.tls == nullptr
          ? MakeTcpDialer(options_.server, connect)
          : MakeTlsDialer(options_.server, options_.tls, connect),
      watch_);
}

ConnectionOptions SdkExecutor::MakeOptions() const {
  ConnectionOptions options;
  options.client_name = kClientName;
  if (options_.answer_bytes_max != 0) {
    options.hello.limits.frame_bytes_max = options_.answer_bytes_max;
    options.hello.limits.uncompressed_bytes_max = options_.answer_bytes_max;
  }
  options.clock = options_.clock;
  options.observer = WatchSending(watch_);
  // Whoever typed the command decides what to do about a failure.
  options.fail_fast = true;
  options.retry = nullptr;
  // WaitFor has its eye on the time, and says what was missing.
  options.call_timeout = options_.timeout + kCancelGrace;
  options.connect_timeout = options_.timeout + kCancelGrace;
  return options;
}

void SdkExecutor::Connect() {
  if (client_.has_value()) return;
  client_.emplace(
      MakeConnection(io_->get_executor(), MakeDialer(), MakeOptions()));
}

template <class Result, class Start>
Result SdkExecutor::WaitFor(Start start) {
  auto call = CallWithin<Result>(*io_, *options_.clock, options_.timeout,
                                 "no answer", std::move(start));
  stuck_ = stuck_ || call.stuck;
  return std::move(call.result);
}

absl::Status SdkExecutor::Explain(absl::Status status) const {
  if (status.ok()) return status;
  absl::string_view message = status.message();
  if (absl::IsDeadlineExceeded(status)) {
    const absl::string_view missing =
        watch_->sent ? "no answer from " : "no connection to ";
    return absl::Status(status.code(),
                        absl::StrCat(missing, options_.server, " within ",
                                     options_.timeout.count(), " ms"));
  }
  absl::ConsumePrefix(&message, "not connected: ");
  // A TLS server answers plain text with an alert, and an HTTP server with a
  // page.
  if (options_.tls == nullptr &&
      absl::StrContains(message, "is not Coffer's")) {
    return absl::Status(
        status.code(),
        absl::StrCat(
            options_.server,
            ": this is no Coffer server, or one that wants --tls: ", message));
  }
  return absl::Status(status.code(), Naming(options_.server, message));
}

absl::StatusOr<v1::CommandResponse> SdkExecutor::Execute(
    const v1::CommandRequest& request) {
  using Response = absl::StatusOr<v1::CommandResponse>;
  if (!lost_.ok()) return lost_;
  Connect();
  Response response = WaitFor<Response>([&](auto handler) {
    client_->Execute(request, CallOptions(), std::move(handler));
  });
  // Too large, or unknown to the server: it was not sent, and the connection is
  // as good as before.
  if (absl::IsResourceExhausted(response.status()) ||
      absl::IsUnimplemented(response.status())) {
    return RefusedHere(response.status());
  }
  if (response.ok()) return response;
  if (watch_->dialing) stuck_ = true;
  lost_ = Explain(response.status());
  return lost_;
}

absl::Status SdkExecutor::Wait(Clock::Duration duration) {
  // Shared with handlers that may outlive this call.
  struct State {
    bool over = false;
    bool interrupted = false;
  };
  const auto state = std::make_shared<State>();
  asio::signal_set signals(*io_, SIGINT, SIGTERM);
  signals.async_wait([state](boost::system::error_code error, int) {
    if (!error) state->interrupted = true;
  });
  const auto timer = options_.clock->MakeTimer(io_->get_executor());
  timer->AsyncWaitUntil(options_.clock->Now() + duration,
                        [state](boost::system::error_code error) {
                          if (!error) state->over = true;
                        });
  while (!state->over && !state->interrupted) {
    if (io_->stopped()) io_->restart();
    io_->run_one();
  }
  if (!state->interrupted) return absl::OkStatus();
  return absl::CancelledError("interrupted");
}

absl::Status SdkExecutor::Reach() {
  v1::CommandRequest ping;
  ping.mutable_ping();
  return Execute(ping).status();
}

absl::Status SdkExecutor::Run(Task task) {
  absl::Status reached = Reach();
  if (!reached.ok()) return reached;
  ConnectionOptions options = MakeOptions();
  options.fail_fast = false;
  options.retry = std::make_shared<UntilDeadline>();
  options.call_timeout = options_.timeout;
  std::optional<Client> client(
      MakeConnection(io_->get_executor(), MakeDialer(), options));
  // Shared with handlers that may outlive this call.
  struct State {
    std::optional<absl::Status> result;
    bool interrupted = false;
    bool time_is_up = false;
    asio::cancellation_signal cancel;
    std::unique_ptr<Timer> grace;
  };
  const auto state = std::make_shared<State>();
  state->grace = options_.clock->MakeTimer(io_->get_executor());
  const auto end_of_grace = [state](boost::system::error_code error) {
    if (!error) state->time_is_up = true;
  };
  asio::signal_set signals(*io_, SIGINT, SIGTERM);
  signals.async_wait([state, end_of_grace, clock = options_.clock](
                         boost::system::error_code error, int) {
    if (error) return;
    state->interrupted = true;
    state->grace->AsyncWaitUntil(clock->Now() + kCancelGrace, end_of_grace);
    state->cancel.emit(asio::cancellation_type::terminal);
  });
  internal::Spawn<absl::Status>(
      io_->get_executor(),
      [task = std::move(task), given = *client] { return task(given); },
      asio::bind_cancellation_slot(state->cancel.slot(),
                                   [state](absl::Status result) {
                                     state->grace->Cancel();
                                     state->result = std::move(result);
                                   }));
  while (!state->result.has_value() && !state->time_is_up) {
    if (io_->stopped()) io_->restart();
    io_->run_one();
  }
  stuck_ = stuck_ || !state->result.has_value();
  client.reset();
  if (state->interrupted) return absl::CancelledError("interrupted");
  return Explain(*std::move(state->result));
}

absl::Status SdkExecutor::Subscribe(
    const v1::CommandRequest& what,
    const std::function<bool(const Event&)>& take) {
  absl::Status reached = Reach();
  if (!reached.ok()) return reached;
  using Source = absl::StatusOr<std::unique_ptr<EventSource>>;
  Source source = WaitFor<Source>([&](auto handler) {
    Connection& connection = *client_->connection();
    const SubscribeOptions options;
    if (what.has_open_watch()) {
      connection.Watch(what.open_watch(), options, std::move(handler));
    } else {
      connection.Subscribe(what.open_subscription().topic(), options,
                           std::move(handler));
    }
  });
  if (!source.ok()) return Explain(source.status());
  return Explain(Follow(*std::move(source), take));
}

absl::Status SdkExecutor::Follow(
    std::unique_ptr<EventSource> source,
    const std::function<bool(const Event&)>& take) {
  // Shared with handlers that may outlive this call.
  struct State {
    std::optional<absl::StatusOr<Event>> event;
    bool interrupted = false;
  };
  const auto state = std::make_shared<State>();
  asio::signal_set signals(*io_, SIGINT, SIGTERM);
  signals.async_wait([state](boost::system::error_code error, int) {
    if (!error) state->interrupted = true;
  });
  for (;;) {
    state->event.reset();
    source->Next([state](absl::StatusOr<Event> event) {
      state->event.emplace(std::move(event));
    });
    while (!state->event.has_value() && !state->interrupted) {
      if (io_->stopped()) io_->restart();
      io_->run_one();
    }
    if (!state->event.has_value()) return absl::OkStatus();
    if (!state->event->ok()) return state->event->status();
    if (!take(**state->event) || state->interrupted) return absl::OkStatus();
  }
}

void SdkExecutor::Close() {
  if (!client_.has_value()) return;
  if (lost_.ok()) {
    WaitFor<absl::Status>([&](auto handler) {
      client_->Close(std::move(handler));
    }).IgnoreError();
  }
  client_.reset();
  io_->restart();
  io_->poll();
}

}  // namespace coffer::cli
