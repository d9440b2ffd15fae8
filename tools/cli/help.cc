#include "coffer/tools/cli/help.h"

#include "absl/strings/str_cat.h"
#include "coffer/tools/cli/arguments.h"
#include "coffer/tools/cli/command.h"

namespace coffer::cli {
namespace {

constexpr char kUsage[] =
    R"(kvc: looks into and changes a Coffer key-value server.

usage: kvc [FLAGS] COMMAND ARGUMENTS
       kvc [FLAGS] < COMMANDS

)";

constexpr char kRest[] = R"(
Values, typed and shown:
  int:5  float:1.5  bool:true  bin:68656c6c6f (bytes, hexadecimal)
  text:int:5   text that would read as one of these
  esc:a\nb     text with escapes: \n \t \r \\ \" \' \xHH
  none:        no value; how an absent key is shown
  all else     text

After -- nothing is a flag: kvc -- del users -ada. A negative number is none.

Without a command, commands are read from standard input, one a line. Words are
quoted as in a shell: '...' as it is, "..." with the escapes above; # begins a
comment. txn reads a transaction: `if` and comparisons, `then` and operations,
`else` and operations, a line each, and `commit`; docs/operations.md has more.

Exit codes: 0 done; 1 the server said no (a key that is not there, too, or a
condition that does not hold); 2 wrong usage; 3 no connection, or it was lost.
Of several commands, the worst.
)";

}  // namespace

std::string HelpText() {
  return absl::StrCat(kUsage, "Commands:\n", CommandsHelp(),
                      "  help [COMMAND]                          "
                      "shows this, or what a command takes\n\nFlags:\n",
                      FlagsHelp(), kRest);
}

}  // namespace coffer::cli
