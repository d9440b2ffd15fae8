#include "coffer/tools/cli/command_flags.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

using Words = std::vector<std::string>;

constexpr CommandFlag kFlags[] = {{"dry", "", "does nothing"},
                                  {"limit", "N", "at most so many"}};

TEST(TakeFlags, FlagsStandAnywhere) {
  for (const Words& words : {Words{"--dry", "--limit=5", "a", "b"},
                             Words{"a", "--limit", "5", "b", "--dry"},
                             Words{"a", "--dry", "--limit=5", "--", "b"}}) {
    const auto taken = TakeFlags(words, kNoPlainWords, kFlags);
    ASSERT_TRUE(taken.ok()) << taken.status();
    EXPECT_THAT(taken->words, ElementsAre("a", "b"));
    EXPECT_THAT(taken->flags, ElementsAre(Pair("dry", ""), Pair("limit", "5")));
    EXPECT_TRUE(taken->Has("dry"));
    EXPECT_EQ(*taken->Find("limit"), "5");
    EXPECT_EQ(taken->Find("none"), nullptr);
  }
}

TEST(TakeFlags, ValuesMayLookLikeAnything) {
  const auto taken =
      TakeFlags(Words{"--limit=--dry=x", "-", "-5"}, kNoPlainWords, kFlags);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_THAT(taken->words, ElementsAre("-", "-5"));
  EXPECT_EQ(*taken->Find("limit"), "--dry=x");
}

TEST(TakeFlags, PlainWordsAreNoFlags) {
  const auto by_index =
      TakeFlags(Words{"--dry", "a", "--dry", "--"}, 2, kFlags);
  ASSERT_TRUE(by_index.ok()) << by_index.status();
  EXPECT_THAT(by_index->words, ElementsAre("a", "--dry", "--"));
  const auto by_dashes =
      TakeFlags(Words{"--", "--", "--dry"}, kNoPlainWords, kFlags);
  ASSERT_TRUE(by_dashes.ok()) << by_dashes.status();
  EXPECT_THAT(by_dashes->words, ElementsAre("--", "--dry"));
}

TEST(TakeFlags, CommandWithoutFlagsTakesAllWords) {
  const auto taken = TakeFlags(Words{"--dry", "--", "x"}, kNoPlainWords, {});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_THAT(taken->words, ElementsAre("--dry", "--", "x"));
}

TEST(TakeFlags, WrongUseSaysWhatIsWrong) {
  const struct {
    Words words;
    const char* why;
  } cases[] = {
      {{"--wet"}, "no flag \"--wet\"; words that begin with --"},
      {{"--dry=true"}, "--dry takes no value"},
      {{"a", "--limit"}, "--limit needs a value: --limit=N"},
      {{"--dry", "--dry"}, "--dry is given twice"},
  };
  for (const auto& c : cases) {
    const auto taken = TakeFlags(c.words, kNoPlainWords, kFlags);
    ASSERT_FALSE(taken.ok()) << c.why;
    EXPECT_THAT(std::string(taken.status().message()), HasSubstr(c.why));
  }
}

}  // namespace
}  // namespace coffer::cli
