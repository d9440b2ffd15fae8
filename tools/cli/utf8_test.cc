#include "coffer/tools/cli/utf8.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::ElementsAre;

std::vector<char32_t> Characters(absl::string_view text) {
  std::vector<char32_t> characters;
  while (!text.empty()) characters.push_back(TakeCharacter(&text));
  return characters;
}

TEST(Utf8, CharactersOfEachLengthAreTaken) {
  EXPECT_THAT(Characters("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"),
              ElementsAre(U'a', 0xe9, 0x20ac, 0x1f600, U'z'));
  EXPECT_THAT(Characters(absl::string_view("\0b", 2)), ElementsAre(0, U'b'));
}

TEST(Utf8, FirstAndLastOfEachLengthAreUtf8) {
  for (const char* text : {"\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
                           "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(text)) << testing::PrintToString(text);
    EXPECT_EQ(Characters(text).size(), 1u);
  }
}

TEST(Utf8, MalformedBytesAreNot) {
  for (const char* text :
       {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xe2\x82",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80",
        "\xff", "a\xc3(", "\xe2(\xa1"}) {
    EXPECT_FALSE(IsUtf8(text)) << testing::PrintToString(text);
  }
}

TEST(Utf8, MalformedByteCostsOnlyItself) {
  EXPECT_THAT(Characters("\xe2\x82z"), ElementsAre(kNotUtf8, kNotUtf8, U'z'));
}

TEST(Utf8, WhatDisturbsTerminalsIsUnprintable) {
  for (const char32_t character :
       {U'\0', U'\n', U'\t', char32_t{0x1b}, char32_t{0x7f}, char32_t{0x80},
        char32_t{0x9f}, char32_t{0x200b}, char32_t{0x202e}, char32_t{0x2066},
        char32_t{0xfeff}, char32_t{0xe0041}, kNotUtf8}) {
    EXPECT_TRUE(IsUnprintable(character)) << static_cast<uint32_t>(character);
  }
  for (const char32_t character : {U' ', U'~', char32_t{0xa0}, char32_t{0xe9},
                                   char32_t{0x20ac}, char32_t{0x1f600}}) {
    EXPECT_FALSE(IsUnprintable(character)) << static_cast<uint32_t>(character);
  }
}

}  // namespace
}  // namespace coffer::cli
