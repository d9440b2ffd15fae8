#include "coffer/tools/cli/line_splitter.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Words = std::vector<std::string>;

TEST(SplitLine, WordsAsAShellSeesThem) {
  const struct {
    const char* line;
    Words words;
  } cases[] = {
      {"get t k", {"get", "t", "k"}},
      {"  get\t t  k \r", {"get", "t", "k"}},
      {"set t k \"a b\"", {"set", "t", "k", "a b"}},
      {"set t k 'a b'", {"set", "t", "k", "a b"}},
      {"a\"b c\"'d e'f", {"ab cd ef"}},
      {"\"\" ''", {"", ""}},
      {"a\\ b \\\"c \\'d \\\\ \\#", {"a b", "\"c", "'d", "\\", "#"}},
      {"\"\\n\\t\\\"\\\\\\x41\\'\"", {"\n\t\"\\A'"}},
      {"'\\n\"'", {"\\n\""}},
      {"\"it's\" 'say \"hi\"'", {"it's", "say \"hi\""}},
      {"a#b #c d", {"a#b"}},
      {"'#a' \"#b\"", {"#a", "#b"}},
      {"$HOME *?~ `x` a;b|c>d&", {"$HOME", "*?~", "`x`", "a;b|c>d&"}},
      {"gr\xc3\xbc\xc3\x9f", {"gr\xc3\xbc\xc3\x9f"}},
  };
  for (const auto& c : cases) {
    const auto words = SplitLine(c.line);
    ASSERT_TRUE(words.ok()) << c.line << ": " << words.status();
    EXPECT_EQ(*words, c.words) << c.line;
  }
}

TEST(SplitLine, BlankLinesAndCommentsHaveNoWords) {
  for (const char* line : {"", " ", "\t\r", "#", "# get t k", "  #x \"y"}) {
    EXPECT_TRUE(SplitLine(line)->empty()) << line;
  }
}

TEST(SplitLine, MalformedLineSaysWhy) {
  const struct {
    const char* line;
    const char* why;
  } cases[] = {
      {"get t \"k", "quote at column 7 is not closed"},
      {"get t 'k\"", "quote at column 7 is not closed"},
      {"\"a\\\"", "quote at column 1 is not closed"},
      {"get t k\\", "nothing follows the last backslash"},
      {"get t \"\\q\"", "no escape begins with \\q"},
      {"'a'\"", "quote at column 4 is not closed"},
  };
  for (const auto& c : cases) {
    const auto words = SplitLine(c.line);
    ASSERT_FALSE(words.ok()) << c.line;
    EXPECT_THAT(std::string(words.status().message()), HasSubstr(c.why));
  }
}

TEST(QuoteWord, SplitLineGivesTheWordBack) {
  Words words = {"",   "plain", "a b",  "#x",     "x#",          "it's",
                 "\\", "\"",    "\n\t", "\r",     "\x1b",        "$x",
                 "",   "\xff",  "*",    "int:-5", "\xe2\x80\xae"};
  words.push_back(std::string(1, '\0'));
  for (int byte = 0; byte < 256; ++byte) {
    words.push_back(std::string("a") + static_cast<char>(byte) + "b");
    words.push_back(std::string(1, static_cast<char>(byte)));
  }
  std::string line;
  for (const std::string& word : words) {
    EXPECT_THAT(*SplitLine(QuoteWord(word)), ElementsAre(word));
    line += QuoteWord(word) + " ";
  }
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(*SplitLine(line), words);
}

TEST(QuoteWord, PlainWordStaysBare) {
  for (const char* word : {"a", "user:1", "a#b", "-x", "gr\xc3\xbc\xc3\x9f"}) {
    EXPECT_EQ(QuoteWord(word), word);
  }
}

}  // namespace
}  // namespace coffer::cli
