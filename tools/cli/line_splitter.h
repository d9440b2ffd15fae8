// Splits a line of input into words as a shell would:
//
//   set users "Ada Lovelace" 'text:int:5'   # a comment
//
// Blanks (space, tab, carriage return) separate words. Inside "..." the escapes
// of escapes.h mean what they say; inside '...' nothing is special; elsewhere a
// backslash takes the next character literally. Parts that touch are one word.
// `#` at the start of a word begins a comment. Nothing is ever expanded. Pure
// functions; any thread.

#ifndef COFFER_TOOLS_CLI_LINE_SPLITTER_H_
#define COFFER_TOOLS_CLI_LINE_SPLITTER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace coffer::cli {

// No words: the line is blank or a comment. InvalidArgument: a quote is not
// closed, nothing follows a backslash, or an escape is unknown.
absl::StatusOr<std::vector<std::string>> SplitLine(absl::string_view line);

// `word`, quoted if it has to be, so that SplitLine gives it back: one line
// that a terminal can show, whatever bytes are in it.
std::string QuoteWord(absl::string_view word);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_LINE_SPLITTER_H_
