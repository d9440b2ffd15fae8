// Executor: what carries requests to a server and answers back. The commands of
// kvc stand on this, so that they are tested without one; sdk_executor.h is the
// real one. Blocking: kvc does one thing after another.

#ifndef COFFER_TOOLS_CLI_EXECUTOR_H_
#define COFFER_TOOLS_CLI_EXECUTOR_H_

#include <boost/asio/awaitable.hpp>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/event.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

class Executor {
 public:
  virtual ~Executor() = default;

  // The answer, whatever its status. An error means that there is no connection
  // or none any more, and why; it is final.
  virtual absl::StatusOr<v1::CommandResponse> Execute(
      const v1::CommandRequest& request) = 0;

  // Blocks for so long. Cancelled: the process is told to end (SIGINT,
  // SIGTERM).
  virtual absl::Status Wait(Clock::Duration duration) = 0;

  // Runs `task` to its end, and returns what it does. Its calls are tried again
  // until their time is over, over any number of lost connections. Without a
  // server it is not begun: an error that says so. When the process is told to
  // end (SIGINT, SIGTERM) the task is cancelled: Cancelled.
  using Task =
      std::function<boost::asio::awaitable<absl::Status>(Client client)>;
  virtual absl::Status Run(Task task) = 0;

  // Gives the events of a topic, or the changes of keys, to `take`, as they
  // come: `what` is an open_subscription, of which only the topic counts, or an
  // open_watch, of which only the table and the keys do. Until `take` says
  // false or the process is told to end (SIGINT, SIGTERM), which is OK. An
  // error: there is no connection, or the server refuses the subscription or
  // ends it. A connection that is lost is made again meanwhile.
  virtual absl::Status Subscribe(
      const v1::CommandRequest& what,
      const std::function<bool(const Event&)>& take) = 0;
};

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_EXECUTOR_H_
