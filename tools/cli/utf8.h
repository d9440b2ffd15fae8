// UTF-8 (RFC 3629), as far as a program at a terminal needs it: whether text is
// UTF-8, and which of its characters must not reach a terminal as they are.
// Pure functions; any thread.

#ifndef COFFER_TOOLS_CLI_UTF8_H_
#define COFFER_TOOLS_CLI_UTF8_H_

#include "coffer/sdk/internal/utf8.h"

namespace coffer::cli {

using internal::IsUtf8;
using internal::kNotUtf8;
using internal::TakeCharacter;

// Control characters, those that move, hide or reorder the text around them,
// and kNotUtf8.
bool IsUnprintable(char32_t character);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_UTF8_H_
