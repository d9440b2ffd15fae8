// Command: how one command of the wire is served, as a pair of functions.
// `plan` turns a request into storage operations; `answer` turns their results
// into the response. Between the two the operations of many requests run as one
// batch.
//
// The functions are stateless: any thread may call them on data of its own.

#ifndef COFFER_SERVER_SERVICE_COMMAND_H_
#define COFFER_SERVER_SERVICE_COMMAND_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/frame/frame_limits.h"
#include "coffer/server/service/answer.h"
#include "coffer/server/storage/batch.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/arena.h"

namespace coffer::server {

// The most keys or pairs that one request may name. Each costs a hundred bytes
// or so while it is served, and as little as two on the wire: without a bound a
// small frame would take a lot of memory.
inline constexpr size_t kRequestKeysMax = 1 << 17;

// The largest value that has room in an answer of this limit, beside all that
// else may be in one: Append makes none that is larger.
constexpr size_t ValueBytesMax(const FrameLimits& limits) {
  constexpr size_t kBeside = 64;
  return std::min(limits.frame_bytes_max, limits.uncompressed_bytes_max) -
         kBeside;
}
inline constexpr size_t kValueBytesMaxDefault = ValueBytesMax(FrameLimits());

// What a request's operations are held to.
struct PlanLimits {
  size_t answer_bytes_max = kFrameBytesMaxDefault;
  size_t value_bytes_max = kValueBytesMaxDefault;
};

// Where a request's operations go.
class Planner {
 public:
  // Both outlive the planner, and what the arena holds the batch's execution.
  Planner(Batch* batch, google::protobuf::Arena* arena,
          const PlanLimits& limits = {})
      : batch_(*batch), arena_(*arena), limits_(limits) {}

  Batch& batch() { return batch_; }
  const PlanLimits& limits() const { return limits_; }
  // The bytes to be stored for `value`, in the arena: without the fields that
  // this build does not know.
  absl::string_view Serialize(const v1::Value& value);
  // What an operation points to, in the arena.
  template <class T, class... Args>
  T* Make(Args&&... args) {
    return google::protobuf::Arena::Create<T>(&arena_,
                                              std::forward<Args>(args)...);
  }

 private:
  Batch& batch_;
  google::protobuf::Arena& arena_;
  const PlanLimits limits_;
};

struct Command {
  absl::string_view name;
  // On an error (the request is malformed, or over a limit) nothing is added.
  absl::Status (*plan)(const v1::CommandRequest& request, Planner& planner);
  // All operations that were planned have succeeded.
  void (*answer)(const AnswerContext& context);
  // What to do about an answer over the limit.
  absl::string_view advice;
  // Of a request that is several operations: which of them was the one that
  // failed, to begin the message with. Null: of another.
  std::string (*where)(const AnswerContext& context, size_t failed) = nullptr;
};

// The command of a request; one that only refuses if there is none.
const Command& FindCommand(const v1::CommandRequest& request);

// Whether the request changes something, so that executing it twice is not as
// good as once: what is stored (WritesKeys), a topic (PUBLISH), or what the
// server does (START_BACKUP).
bool IsWriteCommand(const v1::CommandRequest& request);

// Plans the request by its command, if it does not name too many keys.
absl::Status PlanRequest(const v1::CommandRequest& request, Planner& planner);

// "Command is invalid: `WHAT`", InvalidArgument.
absl::Status InvalidCommand(absl::string_view what);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_COMMAND_H_
