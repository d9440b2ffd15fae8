// Executor: what carries requests to a server and answers back. The commands of
// kvc stand on this, so that they are tested without one; sdk_executor.h is the
// real one. Blocking: kvc does one thing after another.

#ifndef COFFER_TOOLS_CLI_EXECUTOR_H_
#define COFFER_TOOLS_CLI_EXECUTOR_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
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

  // Gives the events of a topic to `take`, as they come: until `take` says
  // false or the process is told to end (SIGINT, SIGTERM), which is OK. An
  // error: there is no connection, or the server refuses the subscription or
  // ends it. A connection that is lost is made again meanwhile.
  virtual absl::Status Subscribe(
      const std::string& topic,
      const std::function<bool(const Event&)>& take) = 0;
};

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_EXECUTOR_H_
