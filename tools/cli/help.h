// What `kvc help` prints.

#ifndef COFFER_TOOLS_CLI_HELP_H_
#define COFFER_TOOLS_CLI_HELP_H_

#include <string>

namespace coffer::cli {

std::string HelpText();

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_HELP_H_
