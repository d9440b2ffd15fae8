#include "coffer/tools/cli/escapes.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::HasSubstr;

TEST(Escape, UnprintableCharactersAreEscaped) {
  EXPECT_EQ(Escape("a\nb\tc\rd", ""), "a\\nb\\tc\\rd");
  EXPECT_EQ(Escape(std::string("\0\x1b[2J", 5), ""), "\\x00\\x1b[2J");
  EXPECT_EQ(Escape("\xe2\x80\xae", ""), "\\xe2\\x80\\xae");
  EXPECT_EQ(Escape("\xff", ""), "\\xff");
}

TEST(Escape, OtherTextStaysAsItIs) {
  EXPECT_EQ(Escape("gr\xc3\xbc\xc3\x9f \xe2\x82\xac 'x' \"y\" \\", ""),
            "gr\xc3\xbc\xc3\x9f \xe2\x82\xac 'x' \"y\" \\");
}

TEST(Escape, CharactersAskedForGetABackslash) {
  EXPECT_EQ(Escape("a\"b\\c", "\\\""), "a\\\"b\\\\c");
}

TEST(Unescape, UndoesEscapeForEveryByte) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first),
                                static_cast<char>(second), 'a', '0'};
      const std::string escaped = Escape(text, "\\\"");
      EXPECT_FALSE(HasUnprintable(escaped));
      EXPECT_EQ(*Unescape(escaped), text) << escaped;
    }
  }
}

TEST(Unescape, EachEscapeHasItsMeaning) {
  EXPECT_EQ(*Unescape("\\n\\t\\r\\\\\\\"\\'\\x41\\xFf"), "\n\t\r\\\"'A\xff");
  EXPECT_EQ(*Unescape("\\x414"), "A4");
  EXPECT_EQ(*Unescape(""), "");
}

TEST(Unescape, UnknownEscapeIsNamed) {
  for (const char* text : {"\\", "a\\", "\\q", "\\x", "\\x4", "\\x4g", "\\0"}) {
    const auto result = Unescape(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_THAT(std::string(result.status().message()),
                HasSubstr("no escape begins with \\"));
  }
  EXPECT_THAT(std::string(Unescape("ab\\qrstuv").status().message()),
              HasSubstr("with \\qrs;"));
}

TEST(Quoted, LongTextIsCut) {
  EXPECT_EQ(Quoted("a\n\"b\""), "\"a\\n\\\"b\\\"\"");
  EXPECT_EQ(Quoted(std::string(64, 'x')), "\"" + std::string(64, 'x') + "\"");
  EXPECT_EQ(Quoted(std::string(65, 'x')),
            "\"" + std::string(64, 'x') + "...\"");
}

}  // namespace
}  // namespace coffer::cli
