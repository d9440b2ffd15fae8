// Answers: responses filled from the results of storage operations, exactly as
// the older protocol has them (docs/wire.md).
//
// An answer over the limit is never built: its size is summed from the sizes of
// what it would hold, and a 413 takes its place. On an error values and pairs
// are empty and `outcome` is set: UNKNOWN if a write of the request was, or may
// have been or may yet be, executed; else NOT_EXECUTED, and so for every read.

#ifndef COFFER_SERVER_SERVICE_ANSWER_H_
#define COFFER_SERVER_SERVICE_ANSWER_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/service/subscriber.h"
#include "coffer/server/service/topics/topics.h"
#include "coffer/server/storage/batch.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

struct AnswerContext {
  const v1::CommandRequest& request;
  // The request's own operations, executed.
  absl::Span<const Op> ops;
  // Ends the message of an answer over the limit, if not empty.
  absl::string_view advice;
  // Of the encoded response, without what the session adds to it.
  size_t bytes_max;
  // For what is published.
  Topics& topics;
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

// Answers with the first error among the operations. False if there is none.
bool AnswerStorageError(const AnswerContext& context);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_ANSWER_H_
