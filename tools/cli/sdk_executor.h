// SdkExecutor: an Executor over a Connection of the SDK, TCP or TLS, made with
// the first request. It blocks, and every call but Subscribe ends: connecting
// and the answer together are bounded by the timeout.
//
// A request that is over the server's limit, or that the server does not know,
// is never sent; it is answered here, with 413 or 400 as by a server. Errors
// are those of Connection::Execute; they name the server and are final: nothing
// is sent twice. Subscribe outlives the connection, as the SDK's subscriptions
// do, and so does Run, which has a connection of its own: the timeout bounds
// each of its calls.
//
// Not thread-safe.

#ifndef COFFER_TOOLS_CLI_SDK_EXECUTOR_H_
#define COFFER_TOOLS_CLI_SDK_EXECUTOR_H_

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/connection_options.h"
#include "coffer/sdk/dialer.h"
#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/tools/cli/connection_watch.h"
#include "coffer/tools/cli/executor.h"

namespace coffer::cli {

struct SdkExecutorOptions {
  std::string server;               // HOST:PORT
  std::shared_ptr<TlsContext> tls;  // null: plain TCP
  std::string server_name;          // for TLS; empty: the host of `server`
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  std::uint32_t answer_bytes_max = 0;  // 0: the SDK's default
  Clock* clock = &Clock::System();
};

class SdkExecutor final : public Executor {
 public:
  // `io` must outlive this object, and nothing else may run it.
  SdkExecutor(boost::asio::io_context* io, SdkExecutorOptions options);
  ~SdkExecutor() override;

  absl::StatusOr<v1::CommandResponse> Execute(
      const v1::CommandRequest& request) override;

  absl::Status Wait(Clock::Duration duration) override;

  absl::Status Run(Task task) override;

  absl::Status Subscribe(
      const v1::CommandRequest& what,
      const std::function<bool(const Event&)>& take) override;

  // Takes leave of the server, if there is a connection. Failing at that
  // matters to nobody any more.
  void Close();

  // Something that cannot be interrupted may still be pending, as a name that
  // is looked up in the DNS: the io_context's destructor may block, so end the
  // process with std::_Exit instead.
  bool stuck() const { return stuck_; }

 private:
  std::shared_ptr<Dialer> MakeDialer() const;
  ConnectionOptions MakeOptions() const;
  void Connect();
  // Starts a call and waits for its result.
  template <class Result, class Start>
  Result WaitFor(Start start);
  // In the words of kvc.
  absl::Status Explain(absl::Status status) const;
  // So that it is told at once, and not after the time, if nobody is there.
  absl::Status Reach();
  absl::Status Follow(std::unique_ptr<EventSource> source,
                      const std::function<bool(const Event&)>& take);

  boost::asio::io_context* const io_;
  const SdkExecutorOptions options_;
  const std::shared_ptr<ConnectionWatch> watch_;
  bool stuck_ = false;
  absl::Status lost_;  // not OK: why there is no connection any more
  std::optional<Client> client_;
};

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_SDK_EXECUTOR_H_
