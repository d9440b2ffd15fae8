// Dialer: how a client gets from nothing to a stream that it can talk on: over
// TCP or TLS (connect.h makes those), or over a double in a test.
//
// Ownership: whoever dials keeps the dialer until the dial has completed.
// Threads: as its implementation says; those of connect.h may be used from any.

#ifndef COFFER_SDK_DIALER_H_
#define COFFER_SDK_DIALER_H_

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/stream/any_stream.h"

namespace coffer {

class Dialer {
 public:
  using DialSignature = void(absl::StatusOr<AnyStream>);
  using DialHandler = boost::asio::any_completion_handler<DialSignature>;

  virtual ~Dialer() = default;

  // Where it leads, for messages: "db1:9527".
  virtual std::string target() const = 0;

  // A connection of its own for each call: transport, and TLS if it is for TLS;
  // nothing of Coffer's protocol. Completes once, never inside this call, on
  // the handler's associated executor, by default `executor`, which is also
  // the stream's. Every type of cancellation. Errors: as Connect's.
  //
  // `timeout` is how long the caller will wait, 0 or less: for good. The caller
  // sees to it, by cancelling; a dialer that has several ways to try divides
  // the time among them, and one that wraps another passes it on.
  virtual void Dial(boost::asio::any_io_executor executor,
                    Clock::Duration timeout, DialHandler handler) = 0;

  // Dial with any completion token.
  template <boost::asio::completion_token_for<DialSignature> Token>
  auto AsyncDial(boost::asio::any_io_executor executor, Clock::Duration timeout,
                 Token&& token) {
    return boost::asio::async_initiate<Token, DialSignature>(
        [this](auto handler, boost::asio::any_io_executor on,
               Clock::Duration within) {
          Dial(std::move(on), within, DialHandler(std::move(handler)));
        },
        token, std::move(executor), timeout);
  }
  template <boost::asio::completion_token_for<DialSignature> Token>
  auto AsyncDial(boost::asio::any_io_executor executor, Token&& token) {
    return AsyncDial(std::move(executor), Clock::Duration::zero(),
                     std::forward<Token>(token));
  }
};

}  // namespace coffer

#endif  // COFFER_SDK_DIALER_H_
