#include "coffer/tools/cli/utf8.h"

namespace coffer::cli {

bool IsUnprintable(char32_t character) {
  return character == kNotUtf8 || character < 0x20 ||
         (character >= 0x7f && character < 0xa0) ||
         // Zero width, left-to-right and right-to-left marks.
         (character >= 0x200b && character <= 0x200f) ||
         // Line and paragraph separators, embeddings and overrides.
         (character >= 0x2028 && character <= 0x202e) ||
         // Word joiner to the isolates.
         (character >= 0x2060 && character <= 0x206f) || character == 0xfeff ||
         // Tags, which nothing shows.
         (character >= 0xe0000 && character <= 0xe007f);
}

}  // namespace coffer::cli
