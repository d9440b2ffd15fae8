// The commands of kvc: from the words that were typed to the request that is
// sent. `sub` makes an open_subscription, of which only the topic counts. Pure
// functions; any thread.

#ifndef COFFER_TOOLS_CLI_COMMAND_H_
#define COFFER_TOOLS_CLI_COMMAND_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

// `words` are the command's name and its arguments; at least one.
// InvalidArgument says what is wrong: no such command, too few or too many
// arguments, a malformed value (value_text.h), text that is not UTF-8.
absl::StatusOr<v1::CommandRequest> ParseCommand(
    absl::Span<const std::string> words);

// A line for each command: what it takes and what it does.
std::string CommandsHelp();

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_COMMAND_H_
