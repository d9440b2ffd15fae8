// Command: how one command of the wire is served, as a pair of functions.
// `plan` turns a request into storage operations; `answer` turns their results
// into the response. Between the two the operations of many requests run as one
// batch.
//
// The functions are stateless: any thread may call them on data of its own.

#ifndef COFFER_SERVER_SERVICE_COMMAND_H_
#define COFFER_SERVER_SERVICE_COMMAND_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/server/service/answer.h"
#include "coffer/server/storage/batch.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/arena.h"

namespace coffer::server {

// The most keys or pairs that one request may name. Each costs a hundred bytes
// or so while it is served, and as little as two on the wire: without a bound a
// small frame would take a lot of memory.
inline constexpr size_t kRequestKeysMax = 1 << 17;

// Where a request's operations go.
class Planner {
 public:
  // Both outlive the planner, and what the arena holds the batch's execution.
  Planner(Batch* batch, google::protobuf::Arena* arena)
      : batch_(*batch), arena_(*arena) {}

  Batch& batch() { return batch_; }
  // The bytes to be stored for `value`, in the arena: without the fields that
  // this build does not know.
  absl::string_view Serialize(const v1::Value& value);

 private:
  Batch& batch_;
  google::protobuf::Arena& arena_;
};

struct Command {
  absl::string_view name;
  // On an error (the request is malformed, or over a limit) nothing is added.
  absl::Status (*plan)(const v1::CommandRequest& request, Planner& planner);
  // All operations that were planned have succeeded.
  void (*answer)(const AnswerContext& context);
  // What to do about an answer over the limit.
  absl::string_view advice;
  // It changes something, so that executing it twice is not as good as once.
  bool is_write = false;
};

// The command of a request; one that only refuses if there is none.
const Command& FindCommand(const v1::CommandRequest& request);

// Whether the request's command is a write: HSET, HMSET, HDEL, HMDEL, PUBLISH.
bool IsWriteCommand(const v1::CommandRequest& request);

// Plans the request by its command, if it does not name too many keys.
absl::Status PlanRequest(const v1::CommandRequest& request, Planner& planner);

// "Command is invalid: `WHAT`", InvalidArgument.
absl::Status InvalidCommand(absl::string_view what);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_COMMAND_H_
