// SdkExecutor: an Executor over one connection of the SDK, TCP or TLS, made
// with the first request. It blocks, and every call ends: connecting and
// waiting for an answer are each bounded by the timeout.
//
// A request that is over the server's limit is never sent; it is answered here,
// with 413 as the server would. Errors are those of coffer::Connect and of
// ClientStream::Execute, and DeadlineExceeded; they name the server and are
// final.
//
// Not thread-safe.

#ifndef COFFER_TOOLS_CLI_SDK_EXECUTOR_H_
#define COFFER_TOOLS_CLI_SDK_EXECUTOR_H_

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/stream/tls/tls_context.h"
#include "coffer/tools/cli/executor.h"

namespace coffer::cli {

struct SdkExecutorOptions {
  std::string server;               // HOST:PORT
  std::shared_ptr<TlsContext> tls;  // null: plain TCP
  std::string server_name;          // for TLS; empty: the host of `server`
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  Clock* clock = &Clock::System();
};

class SdkExecutor final : public Executor {
 public:
  // `io` must outlive this object, and nothing else may run it.
  SdkExecutor(boost::asio::io_context* io, SdkExecutorOptions options);
  ~SdkExecutor() override;

  absl::StatusOr<v1::CommandResponse> Execute(
      const v1::CommandRequest& request) override;

  // Takes leave of the server, if there is a connection. Failing at that
  // matters to nobody any more.
  void Close();

  // Something that cannot be interrupted is still pending (call_within.h): the
  // io_context's destructor may block, so end the process with std::_Exit
  // instead.
  bool stuck() const { return stuck_; }

 private:
  template <class Result, class Start>
  Result Wait(absl::string_view missing, Start start);
  absl::Status Connect();
  template <class Client>
  absl::StatusOr<v1::CommandResponse> ExecuteOn(
      Client& client, const v1::CommandRequest& request);

  boost::asio::io_context* const io_;
  const SdkExecutorOptions options_;
  bool stuck_ = false;
  absl::Status lost_;  // not OK: why there is no connection any more
  // At most one of them.
  std::optional<TcpClient> tcp_;
  std::optional<TlsClient> tls_;
};

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_SDK_EXECUTOR_H_
