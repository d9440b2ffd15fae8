// The command line of kvc: flags and words. Flags may stand anywhere before
// `--`, with one dash or two, as --flag=VALUE or --flag VALUE; what comes after
// `--` is words only, and a negative number is a word. Flags of a command
// (command_flags.h) stand behind its name. Pure: reads neither environment nor
// files, and unlike absl's flags leaves the exit code to the caller.

#ifndef COFFER_TOOLS_CLI_ARGUMENTS_H_
#define COFFER_TOOLS_CLI_ARGUMENTS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/tools/cli/command_flags.h"

namespace coffer::cli {

struct Arguments {
  std::string server = "127.0.0.1:9527";
  bool tls = false;
  std::string ca;    // PEM files; empty: the system's authorities
  std::string cert;  // empty: no client certificate
  std::string key;
  std::string name;  // of the server; empty: the host of `server`
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  std::uint32_t answer_bytes_max = 0;  // 0: the SDK's default
  bool json = false;
  bool help = false;

  // The command and its arguments, with its flags as --flag or --flag=VALUE;
  // empty: commands come from standard input.
  std::vector<std::string> words;
  // Of the words, the first that came after `--`.
  std::size_t plain_from = kNoPlainWords;
};

// The flag of a command; null: it has none of that name.
using FlagFinder = const CommandFlag* (*)(absl::string_view command,
                                          absl::string_view flag);

// `arguments` without the program's name. InvalidArgument says what is wrong:
// an unknown flag, a flag without its value, a value that makes no sense, flags
// that do not go together.
absl::StatusOr<Arguments> ParseArguments(
    absl::Span<const std::string> arguments, FlagFinder find_command_flag);

// A line for each flag.
std::string FlagsHelp();

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_ARGUMENTS_H_
