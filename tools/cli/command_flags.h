// The flags of a command, as --if_absent of `put`: they stand among its words,
// behind its name, as --flag or --flag=VALUE or --flag VALUE. Pure functions;
// any thread.

#ifndef COFFER_TOOLS_CLI_COMMAND_FLAGS_H_
#define COFFER_TOOLS_CLI_COMMAND_FLAGS_H_

#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace coffer::cli {

struct CommandFlag {
  absl::string_view name;
  absl::string_view value;  // what help calls it; empty: a switch, with none
  absl::string_view help;
};

// Null: there is none of that name.
const CommandFlag* FindFlag(absl::Span<const CommandFlag> flags,
                            absl::string_view name);

// No word is one that comes after `--`.
inline constexpr std::size_t kNoPlainWords =
    std::numeric_limits<std::size_t>::max();

struct CommandArguments {
  std::vector<std::string> words;  // those that are no flags
  // By name; a switch's value is empty.
  std::map<std::string, std::string, std::less<>> flags;

  bool Has(absl::string_view flag) const { return flags.contains(flag); }
  // Null: it was not given.
  const std::string* Find(absl::string_view flag) const {
    const auto found = flags.find(flag);
    return found == flags.end() ? nullptr : &found->second;
  }
};

// `words[plain_from]` and what follows are no flags, whatever they look like;
// nor is what follows a word `--`, which is dropped. Of a command without flags
// all words are words. InvalidArgument: no such flag, one without its value, or
// one that is given twice.
absl::StatusOr<CommandArguments> TakeFlags(absl::Span<const std::string> words,
                                           std::size_t plain_from,
                                           absl::Span<const CommandFlag> flags);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_COMMAND_FLAGS_H_
