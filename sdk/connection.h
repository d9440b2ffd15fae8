// Connection: what a Client sends its calls through. Pure: the real one is made
// by MakeConnection (make_connection.h); retrying and observing are Connections
// that wrap another; a test has MockConnection (mocks/mock_connection.h).
//
// Threads: may be called from any. Completion: each handler is called once,
// never inside the call, on its associated executor, by default get_executor();
// what it throws leaves io_context::run and costs the connection nothing.
// Cancellation: per operation, every type: Cancelled.
//
// Ownership: held by shared_ptr. When the last one is gone, all that is pending
// completes with Cancelled.

#ifndef COFFER_SDK_CONNECTION_H_
#define COFFER_SDK_CONNECTION_H_

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/call_options.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/server_info.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

class Connection {
 public:
  using ExecuteSignature = void(absl::StatusOr<v1::CommandResponse>);
  using ExecuteHandler = boost::asio::any_completion_handler<ExecuteSignature>;
  using SubscribeSignature = void(absl::StatusOr<std::unique_ptr<EventSource>>);
  using SubscribeHandler =
      boost::asio::any_completion_handler<SubscribeSignature>;
  using CloseSignature = void(absl::Status);
  using CloseHandler = boost::asio::any_completion_handler<CloseSignature>;

  virtual ~Connection() = default;

  virtual boost::asio::any_io_executor get_executor() = 0;

  // Sends `request` and gives its answer. An answer with an error status is an
  // answer. Errors, each with its outcome (status/outcome.h):
  //   DeadlineExceeded    the call's time is over
  //   Unavailable         the connection was lost, or there is none
  //   ResourceExhausted   over a limit of the client, or of the server's frames
  //   InvalidArgument     the request's text is not UTF-8
  //   DataLoss            what the server sent makes no sense
  //   Cancelled           by the caller, or the connection was closed
  virtual void Execute(v1::CommandRequest request, CallOptions options,
                       ExecuteHandler handler) = 0;

  // Subscribes to a topic. The source lives on across reconnects, and may
  // outlive the connection, with which it ends.
  virtual void Subscribe(std::string topic, SubscribeOptions options,
                         SubscribeHandler handler) = 0;

  // The same, for the changes of keys. Of `what`, its table and keys count; all
  // else is set by the connection.
  virtual void Watch(v1::OpenWatch what, SubscribeOptions options,
                     SubscribeHandler handler) = 0;

  // Takes no further calls, waits for those there are, and closes. OK, always,
  // but when cancelled: then what is pending is given up at once.
  virtual void Close(CloseHandler handler) = 0;

  // What the server that is connected to says of itself; of one of the older
  // protocol, a ServerInfo of defaults. Nullopt: none is connected to now. A
  // connection that wraps another says what that one does.
  virtual std::optional<ServerInfo> server_info() const = 0;
};

}  // namespace coffer

#endif  // COFFER_SDK_CONNECTION_H_
