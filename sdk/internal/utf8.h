// UTF-8 (RFC 3629), which all text on the wire is.
//
// Pure functions; any thread.

#ifndef COFFER_SDK_INTERNAL_UTF8_H_
#define COFFER_SDK_INTERNAL_UTF8_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace coffer::internal {

inline constexpr char32_t kNotUtf8 = 0xffffffff;

// Takes the first character off `*text`, which must not be empty. kNotUtf8, and
// one byte taken, where none is encoded as it should be: overlong forms,
// surrogates and values above U+10FFFF are none.
char32_t TakeCharacter(absl::string_view* text);

// How many bytes at the beginning of `text` are UTF-8: its size, if all are.
std::size_t Utf8Prefix(absl::string_view text);

inline bool IsUtf8(absl::string_view text) {
  return Utf8Prefix(text) == text.size();
}

}  // namespace coffer::internal

#endif  // COFFER_SDK_INTERNAL_UTF8_H_
