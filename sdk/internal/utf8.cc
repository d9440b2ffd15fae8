#include "coffer/sdk/internal/utf8.h"

#include <cstdint>
#include <cstring>

namespace coffer::internal {
namespace {

struct Form {
  std::size_t bytes = 0;  // 0: no character begins so
  char32_t least = 0;     // what is below has a shorter form
  char32_t bits = 0;      // the first byte's share of the character
};

Form FormOf(unsigned char first) {
  if (first < 0x80) return {1, 0, first};
  if (first >> 5 == 0x6) return {2, 0x80, first & 0x1fu};
  if (first >> 4 == 0xe) return {3, 0x800, first & 0xfu};
  if (first >> 3 == 0x1e) return {4, 0x10000, first & 0x7u};
  return {};
}

// kNotUtf8 if none begins here.
char32_t Decode(absl::string_view text, const Form& form) {
  if (form.bytes == 0 || form.bytes > text.size()) return kNotUtf8;
  char32_t character = form.bits;
  for (std::size_t i = 1; i < form.bytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >> 6 != 0x2) return kNotUtf8;
    character = character << 6 | (byte & 0x3fu);
  }
  const bool surrogate = character >= 0xd800 && character <= 0xdfff;
  if (character < form.least || character > 0x10ffff || surrogate) {
    return kNotUtf8;
  }
  return character;
}

}  // namespace

char32_t TakeCharacter(absl::string_view* text) {
  const Form form = FormOf(static_cast<unsigned char>(text->front()));
  const char32_t character = Decode(*text, form);
  text->remove_prefix(character == kNotUtf8 ? 1 : form.bytes);
  return character;
}

std::size_t Utf8Prefix(absl::string_view text) {
  const std::size_t size = text.size();
  while (!text.empty()) {
    // Eight bytes of ASCII at a time: most text is that.
    std::uint64_t word;
    if (text.size() >= sizeof(word)) {
      std::memcpy(&word, text.data(), sizeof(word));
      if ((word & 0x8080808080808080u) == 0) {
        text.remove_prefix(sizeof(word));
        continue;
      }
    }
    const std::size_t before = text.size();
    if (TakeCharacter(&text) == kNotUtf8) return size - before;
  }
  return size;
}

}  // namespace coffer::internal
