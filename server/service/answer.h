// Answers: responses filled from the results of storage operations (see
// docs/wire.md), those of the older protocol exactly as it has them.
//
// An answer over the limit is never built: its size is summed from the sizes of
// what it would hold, and a 413 takes its place. On an error nothing is in it
// but the state of a key whose condition did not hold, and `outcome` is set:
// UNKNOWN if a write of the request was, or may have been or may yet be,
// executed; else NOT_EXECUTED, and so for every read.

#ifndef COFFER_SERVER_SERVICE_ANSWER_H_
#define COFFER_SERVER_SERVICE_ANSWER_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/service/subscriber.h"
#include "coffer/server/service/topics/topics.h"
#include "coffer/server/storage/backups.h"
#include "coffer/server/storage/batch.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

struct AnswerContext {
  const v1::CommandRequest& request;
  // The request's own operations, executed.
  absl::Span<const Op> ops;
  // These, and what else stands in their group.
  absl::Span<const Op> unit;
  // Ends the message of an answer over the limit, if not empty.
  absl::string_view advice;
  // Command::where; null: the message of an operation that failed says all.
  std::string (*where)(const AnswerContext& context, size_t failed);
  // Of the encoded response, without what the session adds to it.
  size_t bytes_max;
  // For what is left until a key expires.
  const Clock& clock;
  // For what is published.
  Topics& topics;
  // The engine's; null if it makes none.
  Backups* backups;
  // The session's; null without one.
  Subscriber* subscriber;
  // Empty before.
  v1::CommandResponse* response;
};

// 200 and, for each operation, its value: an empty Value for one that is
// absent.
void AnswerValues(const AnswerContext& context);
// 200 and, for each operation, whether it found its key.
void AnswerFound(const AnswerContext& context);
// 200 and the entries of the first operation as pairs.
void AnswerPairs(const AnswerContext& context);

// The status that stands for `error` on the wire, and its message, cut short if
// it would not fit.
void AnswerError(const AnswerContext& context, const absl::Status& error);

// Answers with the error of the operation that failed; of a group, of the one
// for which the others were not executed. False if there is none. Where a
// condition did not hold, the state of its key is in the answer: without its
// value, if there is no room for it.
bool AnswerStorageError(const AnswerContext& context);

// The condition of an Expire that has none: else one of a key that is absent
// would be no failure to the engine. 404 if it does not hold.
inline constexpr Condition kMustExist = {
    .kind = Condition::Kind::kVersionGreater, .version = 0};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_ANSWER_H_
