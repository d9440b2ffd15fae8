// What kvc says to the shell.

#ifndef COFFER_TOOLS_CLI_EXIT_CODE_H_
#define COFFER_TOOLS_CLI_EXIT_CODE_H_

namespace coffer::cli {

// From good to bad: of several commands, the worst counts.
enum class ExitCode {
  kDone = 0,
  kRefused = 1,       // the server said no: 404 and every other error status
  kUsage = 2,         // what was typed makes no sense; nothing was sent
  kNoConnection = 3,  // none was made, or it broke; or the output could not be
                      // written
};

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_EXIT_CODE_H_
