#include "coffer/sdk/connect.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/connect_first.h"
#include "coffer/sdk/endpoint.h"
#include "coffer/sdk/internal/keep_alive.h"
#include "coffer/sdk/internal/within_timeout.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/sdk/stream/internal/waiter.h"
#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/sdk/stream/tls/tls_error.h"
#include "coffer/sdk/stream/tls/tls_handshake.h"

namespace coffer::internal {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kAwaitTuple = asio::as_tuple(asio::use_awaitable);

// A name look-up that can be given up: the system's cannot be stopped, so it is
// left to end in the background, where nobody waits for it.
class Lookup : public std::enable_shared_from_this<Lookup> {
 public:
  explicit Lookup(asio::any_io_executor executor)
      : resolver_(executor), done_(std::make_shared<Waiter>(executor)) {}

  asio::awaitable<boost::system::error_code> Run(Endpoint endpoint) {
    auto initiation = [self = shared_from_this(), endpoint](auto handler) {
      self->done_->Arm(std::move(handler));
      self->resolver_.async_resolve(
          endpoint.host, absl::StrCat(endpoint.port),
          [self](boost::system::error_code error,
                 tcp::resolver::results_type addresses) {
            self->addresses_ = std::move(addresses);
            self->done_->Dispatch(error);
          });
    };
    auto [error] =
        co_await asio::async_initiate<decltype(kAwaitTuple),
                                      void(boost::system::error_code)>(
            initiation, kAwaitTuple);
    co_return error;
  }

  const tcp::resolver::results_type& addresses() const { return addresses_; }

 private:
  tcp::resolver resolver_;
  tcp::resolver::results_type addresses_;
  const std::shared_ptr<Waiter> done_;
};

std::string Connecting(const Endpoint& endpoint) {
  return absl::StrCat("connecting to ", ToString(endpoint));
}

// 0 or less: no limit.
std::chrono::milliseconds TimeoutOf(const ConnectOptions& options) {
  return options.timeout.value_or(kConnectTimeoutDefault);
}

// What is left to a dialer by its options and by whoever dials.
std::chrono::milliseconds DialTimeout(const ConnectOptions& options,
                                      Clock::Duration callers) {
  if (callers <= Clock::Duration::zero()) return TimeoutOf(options);
  const auto limit = std::chrono::ceil<std::chrono::milliseconds>(callers);
  const auto own = options.timeout.value_or(limit);
  return own.count() > 0 ? std::min(own, limit) : limit;
}

asio::awaitable<absl::StatusOr<tcp::socket>> OpenSocket(
    const Endpoint& endpoint, const ConnectOptions& options) {
  std::optional<Clock::TimePoint> deadline;
  if (TimeoutOf(options).count() > 0) {
    deadline = options.clock->Now() + TimeoutOf(options);
  }
  auto executor = co_await asio::this_coro::executor;
  const auto lookup = std::make_shared<Lookup>(executor);
  if (auto error = co_await lookup->Run(endpoint)) {
    co_return ToStatus(error, Connecting(endpoint));
  }
  std::vector<tcp::endpoint> addresses;
  for (const auto& found : lookup->addresses()) {
    addresses.push_back(found.endpoint());
  }
  auto socket = co_await ConnectFirst(
      std::move(addresses), Connecting(endpoint), options.clock, deadline);
  if (!socket.ok()) co_return socket.status();
  // A request is one write; waiting to fill a packet only delays it.
  boost::system::error_code ignored;
  socket->set_option(tcp::no_delay(true), ignored);
  KeepAlive(*socket);
  GiveUpUnacknowledged(*socket);
  co_return std::move(socket);
}

asio::awaitable<absl::StatusOr<TlsStream<tcp::socket>>> OpenTlsStream(
    const Endpoint& endpoint, const std::shared_ptr<TlsContext>& context,
    const ConnectOptions& options) {
  auto socket = co_await OpenSocket(endpoint, options);
  if (!socket.ok()) co_return socket.status();
  TlsStream<tcp::socket> stream(*std::move(socket), *context);
  TlsHandshakeOptions handshake;
  handshake.role = TlsRole::kClient;
  handshake.server_name =
      options.server_name.empty() ? endpoint.host : options.server_name;
  handshake.timeout = TimeoutOf(options);
  absl::Status status = co_await AsyncTlsHandshake(
      stream, handshake, *options.clock, asio::use_awaitable);
  if (!status.ok()) co_return status;
  co_return std::move(stream);
}

// A client on `stream`, greeted if the options say so.
template <class Client, class Stream>
asio::awaitable<absl::StatusOr<Client>> Greet(absl::StatusOr<Stream> stream,
                                              const ConnectOptions& options) {
  if (!stream.ok()) co_return stream.status();
  Client client(*std::move(stream), options.stream);
  if (options.say_hello) {
    absl::Status said = co_await client.Hello();
    // In TLS 1.3 a client learns only after the handshake, from its first
    // read, that the server refused its certificate.
    const auto error = client.framed().read_error();
    if (!said.ok() && error.category() == asio::error::get_ssl_category()) {
      co_return TlsErrorToStatus(error, "TLS");
    }
    if (!said.ok()) co_return said;
  }
  co_return std::move(client);
}

asio::awaitable<absl::StatusOr<TcpClient>> OpenTcp(
    const Endpoint& endpoint, const ConnectOptions& options) {
  auto socket = co_await OpenSocket(endpoint, options);
  co_return co_await Greet<TcpClient>(std::move(socket), options);
}

asio::awaitable<absl::StatusOr<TlsClient>> OpenTls(
    const Endpoint& endpoint, const std::shared_ptr<TlsContext>& context,
    const ConnectOptions& options) {
  auto stream = co_await OpenTlsStream(endpoint, context, options);
  co_return co_await Greet<TlsClient>(std::move(stream), options);
}

asio::awaitable<absl::StatusOr<AnyClient>> OpenBy(
    Dialer* dialer, const ConnectOptions& options) {
  auto executor = co_await asio::this_coro::executor;
  auto stream = co_await dialer->AsyncDial(executor, TimeoutOf(options),
                                           asio::use_awaitable);
  co_return co_await Greet<AnyClient>(std::move(stream), options);
}

template <class Stream>
absl::StatusOr<AnyStream> AsAny(absl::StatusOr<Stream> stream) {
  if (!stream.ok()) return stream.status();
  return AnyStream(*std::move(stream));
}

asio::awaitable<absl::StatusOr<AnyStream>> DialEndpoint(
    const Endpoint& endpoint, const std::shared_ptr<TlsContext>& context,
    const ConnectOptions& options) {
  if (context == nullptr) {
    co_return AsAny(co_await OpenSocket(endpoint, options));
  }
  co_return AsAny(co_await OpenTlsStream(endpoint, context, options));
}

// Does not refer to the dialer, which may be gone by the end of a dial that
// was cancelled.
asio::awaitable<absl::StatusOr<AnyStream>> DialTarget(
    std::string target, std::shared_ptr<TlsContext> context,
    ConnectOptions options) {
  auto endpoint = ParseEndpoint(target);
  if (!endpoint.ok()) co_return endpoint.status();
  co_return co_await WithinTimeout(options.clock, TimeoutOf(options),
                                   Connecting(*endpoint),
                                   DialEndpoint(*endpoint, context, options));
}

// Over TCP, and through TLS if there is a context.
class TargetDialer final : public Dialer {
 public:
  TargetDialer(std::string target, std::shared_ptr<TlsContext> context,
               ConnectOptions options)
      : target_(std::move(target)),
        context_(std::move(context)),
        options_(std::move(options)) {}

  std::string target() const override { return target_; }

  void Dial(asio::any_io_executor executor, Clock::Duration timeout,
            DialHandler handler) override {
    ConnectOptions dial_options = options_;
    dial_options.timeout = DialTimeout(options_, timeout);
    Spawn<absl::StatusOr<AnyStream>>(
        std::move(executor),
        [target = target_, context = context_,
         options = std::move(dial_options)] {
          return DialTarget(target, context, options);
        },
        std::move(handler));
  }

 private:
  const std::string target_;
  const std::shared_ptr<TlsContext> context_;
  const ConnectOptions options_;
};

}  // namespace

asio::awaitable<absl::StatusOr<TcpClient>> ConnectTcp(std::string target,
                                                      ConnectOptions options) {
  auto endpoint = ParseEndpoint(target);
  if (!endpoint.ok()) co_return endpoint.status();
  co_return co_await WithinTimeout(options.clock, TimeoutOf(options),
                                   Connecting(*endpoint),
                                   OpenTcp(*endpoint, options));
}

asio::awaitable<absl::StatusOr<TlsClient>> ConnectTlsTcp(
    std::string target, std::shared_ptr<TlsContext> context,
    ConnectOptions options) {
  auto endpoint = ParseEndpoint(target);
  if (!endpoint.ok()) co_return endpoint.status();
  co_return co_await WithinTimeout(options.clock, TimeoutOf(options),
                                   Connecting(*endpoint),
                                   OpenTls(*endpoint, context, options));
}

asio::awaitable<absl::StatusOr<AnyClient>> ConnectBy(Dialer* dialer,
                                                     ConnectOptions options) {
  co_return co_await WithinTimeout(
      options.clock, TimeoutOf(options),
      absl::StrCat("connecting to ", dialer->target()),
      OpenBy(dialer, options));
}

}  // namespace coffer::internal

namespace coffer {

std::unique_ptr<Dialer> MakeTcpDialer(std::string target,
                                      ConnectOptions options) {
  return std::make_unique<internal::TargetDialer>(std::move(target), nullptr,
                                                  std::move(options));
}

std::unique_ptr<Dialer> MakeTlsDialer(std::string target,
                                      std::shared_ptr<TlsContext> context,
                                      ConnectOptions options) {
  return std::make_unique<internal::TargetDialer>(
      std::move(target), std::move(context), std::move(options));
}

}  // namespace coffer
