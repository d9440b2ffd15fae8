// Values as a person types and reads them. One form, both ways: what
// FormatValue prints, ParseValue reads as the same value.
//
//   int:5        a 64-bit integer
//   float:1.5    a double: 1.5, -2e300, inf, nan
//   bool:true    true or false
//   bin:68656c   bytes, two hexadecimal digits each
//   text:int:5   the text "int:5"
//   esc:a\nb     text with escapes (escapes.h), for control characters
//   none:        no value at all, which is also how an absent one is shown
//   other text   text
//
// Pure functions; any thread.

#ifndef COFFER_TOOLS_CLI_VALUE_TEXT_H_
#define COFFER_TOOLS_CLI_VALUE_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

// InvalidArgument says what is wrong with `text`.
absl::StatusOr<v1::Value> ParseValue(absl::string_view text);

// One line, printable, without its end. Text is shown bare wherever ParseValue
// would take it for text. Numbers are as short as the same number can be.
std::string FormatValue(const v1::Value& value);

// The digits alone: "1.5", "1e+300", "-0", "inf", "nan".
std::string FormatFloat(double number);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_VALUE_TEXT_H_
