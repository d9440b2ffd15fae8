// Whether an answer has the shape that its request promises, so that what
// prints it can rely on that. Pure; any thread.

#ifndef COFFER_TOOLS_CLI_ANSWER_CHECK_H_
#define COFFER_TOOLS_CLI_ANSWER_CHECK_H_

#include "absl/status/status.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

// Of an answer of success: a value for each key of get, del, exists and their
// forms for several keys, and true or false for existence; a state for each key
// of the data commands, a table for those of tables. DataLoss says what was
// expected and what came.
absl::Status CheckAnswer(const v1::CommandRequest& request,
                         const v1::CommandResponse& response);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_ANSWER_CHECK_H_
