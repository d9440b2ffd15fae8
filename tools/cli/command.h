// The commands of kvc: from the words that were typed to what is to be done.
// Pure functions; any thread.

#ifndef COFFER_TOOLS_CLI_COMMAND_H_
#define COFFER_TOOLS_CLI_COMMAND_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/tools/cli/command_flags.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

// What a command asks for.
struct Command {
  // What is sent. `sub` makes an open_subscription, of which only the topic
  // counts, `watch` an open_watch, of which only the table and the keys do;
  // `scan` and `tables` are sent as many pages; of `ttl` it is a Read without
  // values. Nothing is set for what follows.
  v1::CommandRequest request;
  // `txn`: the file that has the transaction (transaction_text.h); empty: it
  // follows on standard input.
  std::optional<std::string> transaction_file;
  struct Dump {
    std::vector<std::string> tables;  // none: all
    std::string resume_file;          // empty: a new dump
    bool progress = false;
  };
  std::optional<Dump> dump;
  struct Load {
    std::string file;  // empty: standard input
    std::uint64_t from_line = 1;
    bool progress = false;
  };
  std::optional<Load> load;
};

// `words` are the command's name, its arguments and its flags; at least one.
// `plain_from`: as in command_flags.h, of `words`. InvalidArgument says what is
// wrong: no such command, too few or too many arguments, a malformed value
// (value_text.h), text that is not UTF-8.
absl::StatusOr<Command> ParseCommand(absl::Span<const std::string> words,
                                     std::size_t plain_from = kNoPlainWords);

// For ParseArguments (arguments.h).
const CommandFlag* FindCommandFlag(absl::string_view command,
                                   absl::string_view flag);

// A line for each command: what it takes and what it does.
std::string CommandsHelp();

// Of one command, with its flags; empty: there is none of that name.
std::string CommandHelp(absl::string_view name);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_COMMAND_H_
