// Backslash escapes: text with control characters in it as text that a terminal
// shows on one line, and back. \n \t \r stand for what they do in C, \xHH with
// exactly two digits for any byte, and a backslash before a backslash or a
// quote for that character. Pure functions; any thread.

#ifndef COFFER_TOOLS_CLI_ESCAPES_H_
#define COFFER_TOOLS_CLI_ESCAPES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace coffer::cli {

// Something in `text` is IsUnprintable (utf8.h).
bool HasUnprintable(absl::string_view text);

// Escapes what is unprintable, and puts a backslash before each character of
// `also`. With a backslash among those, Unescape gives `text` again; without,
// the result is only for reading.
std::string Escape(absl::string_view text, absl::string_view also);

// InvalidArgument names an escape that is none of the above.
absl::StatusOr<std::string> Unescape(absl::string_view text);

// `text` as messages name it: escaped, in double quotes, cut after 64 bytes.
std::string Quoted(absl::string_view text);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_ESCAPES_H_
