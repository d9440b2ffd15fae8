#include "coffer/sdk/internal/utf8.h"

#include <string>

#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

TEST(Utf8, PrefixEndsAtTheFirstBadByte) {
  const std::string ascii(29, 'a');
  const struct {
    std::string bad;
  } cases[] = {{"\xff"},     {"\x80"},         {"\xc3"},
               {"\xc0\x80"}, {"\xed\xa0\x80"}, {"\xf4\x90\x80\x80"},
               {"\xe8\xa1"}};
  for (const auto& c : cases) {
    for (std::size_t before = 0; before < ascii.size(); ++before) {
      const std::string text = ascii.substr(0, before) + c.bad;
      EXPECT_EQ(Utf8Prefix(text), before);
      EXPECT_FALSE(IsUtf8(text));
    }
  }
}

TEST(Utf8, AllOfGoodText) {
  for (const std::string& text :
       {std::string(), std::string("plain"), std::string("nul\0byte", 8),
        std::string("\xe8\xa1\xa8 and \xf0\x9f\x94\x91, and more text"),
        std::string("\xf4\x8f\xbf\xbf")}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
}

}  // namespace
}  // namespace coffer::internal
