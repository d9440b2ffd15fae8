#include "coffer/tools/cli/value_text.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "coffer/proto/value.h"
#include "coffer/tools/cli/escapes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::HasSubstr;

std::string Bytes(const v1::Value& value) { return value.SerializeAsString(); }

TEST(ParseValue, EachFormGivesItsType) {
  const struct {
    const char* text;
    v1::Value value;
  } cases[] = {
      {"int:5", ToValue(5)},
      {"int:-5", ToValue(-5)},
      {"int:0", ToValue(0)},
      {"int:9223372036854775807", ToValue(INT64_MAX)},
      {"int:-9223372036854775808", ToValue(INT64_MIN)},
      {"float:1.5", ToValue(1.5)},
      {"float:-2e300", ToValue(-2e300)},
      {"float:5", ToValue(5.0)},
      {"float:inf", ToValue(HUGE_VAL)},
      {"bool:true", ToValue(true)},
      {"bool:false", ToValue(false)},
      {"bin:68656c6c6f", BytesValue("hello")},
      {"bin:00fFFf", BytesValue(absl::string_view("\0\xff\xff", 3))},
      {"bin:", BytesValue("")},
      {"text:int:5", ToValue("int:5")},
      {"text:", ToValue("")},
      {"text:text:x", ToValue("text:x")},
      {"esc:a\\nb\\\\", ToValue("a\nb\\")},
      {"none:", v1::Value()},
      {"", ToValue("")},
      {"plain", ToValue("plain")},
      {"two words", ToValue("two words")},
      {"5", ToValue("5")},
      {"true", ToValue("true")},
      {"Int:5", ToValue("Int:5")},
      {" int:5", ToValue(" int:5")},
      {"integer:5", ToValue("integer:5")},
      {"none:x", ToValue("none:x")},
      {"http://x", ToValue("http://x")},
      {"a\\nb", ToValue("a\\nb")},
      {"gr\xc3\xbc\xc3\x9f", ToValue("gr\xc3\xbc\xc3\x9f")},
  };
  for (const auto& c : cases) {
    const auto value = ParseValue(c.text);
    ASSERT_TRUE(value.ok()) << c.text << ": " << value.status();
    EXPECT_EQ(Bytes(*value), Bytes(c.value)) << c.text;
  }
}

TEST(ParseValue, MalformedTextSaysWhatIsWrong) {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {
      {"int:", "int: \"\" is not a whole number"},
      {"int:x", "int: \"x\" is not a whole number"},
      {"int:5x", "int: \"5x\" is not a whole number"},
      {"int: 5", "int: \" 5\" is not a whole number"},
      {"int:+5", "not a whole number"},
      {"int:1.5", "not a whole number"},
      {"int:9223372036854775808", "is not from -9223372036854775808 to"},
      {"int:-9223372036854775809", "is not from -9223372036854775808 to"},
      {"int:99999999999999999999x", "not a whole number"},
      {"float:", "float: \"\" is not a number"},
      {"float:x", "float: \"x\" is not a number"},
      {"float:1,5", "not a number"},
      {"float:1e999", "float: \"1e999\" is out of a double's range"},
      {"bool:", "neither true nor false"},
      {"bool:yes", "bool: \"yes\" is neither true nor false"},
      {"bool:True", "neither true nor false"},
      {"bin:abc", "odd number of hexadecimal digits, 3"},
      {"bin:0x12", "other than hexadecimal digits"},
      {"bin:6 8", "other than hexadecimal digits"},
      {"esc:\\q", "esc: no escape begins with \\q"},
      {"esc:\\xff", "is not UTF-8; bytes are given as bin:HEX"},
      {"\xff", "\"\\xff\" is not UTF-8; bytes are given as bin:HEX"},
      {"text:\xc3", "is not UTF-8"},
  };
  for (const auto& c : cases) {
    const auto value = ParseValue(c.text);
    ASSERT_FALSE(value.ok()) << c.text;
    EXPECT_TRUE(absl::IsInvalidArgument(value.status()));
    EXPECT_THAT(std::string(value.status().message()), HasSubstr(c.why));
    EXPECT_FALSE(HasUnprintable(value.status().message())) << c.text;
  }
}

TEST(FormatValue, EachTypeHasItsForm) {
  const struct {
    v1::Value value;
    const char* text;
  } cases[] = {
      {ToValue(-5), "int:-5"},
      {ToValue(1.5), "float:1.5"},
      {ToValue(0.1), "float:0.1"},
      {ToValue(5.0), "float:5"},
      {ToValue(-0.0), "float:-0"},
      {ToValue(true), "bool:true"},
      {BytesValue("hello"), "bin:68656c6c6f"},
      {ToValue("hello world"), "hello world"},
      {ToValue("5"), "5"},
      {ToValue("int:5"), "text:int:5"},
      {ToValue("int:x"), "text:int:x"},
      {ToValue("text:x"), "text:text:x"},
      {ToValue(""), "text:"},
      {ToValue("none:"), "text:none:"},
      {ToValue("a\nb\\"), "esc:a\\nb\\\\"},
      {ToValue("a\\nb"), "a\\nb"},
      {ToValue("\x1b[31m"), "esc:\\x1b[31m"},
      {ToValue("esc:x"), "text:esc:x"},
      {v1::Value(), "none:"},
  };
  for (const auto& c : cases) EXPECT_EQ(FormatValue(c.value), c.text);
}

TEST(FormatValue, ParseValueReadsItBack) {
  std::vector<v1::Value> values = {v1::Value(), ToValue(""), BytesValue("")};
  for (const int64_t n : {INT64_MIN, int64_t{-1}, int64_t{0}, INT64_MAX}) {
    values.push_back(ToValue(n));
  }
  using Limits = std::numeric_limits<double>;
  for (const double n :
       {0.0, -0.0, 0.1, 1.0 / 3, 1e300, Limits::min(), Limits::denorm_min(),
        Limits::max(), -Limits::max(), HUGE_VAL, -HUGE_VAL}) {
    values.push_back(ToValue(n));
  }
  for (const char* text : {"int:5", "float:x", "bool:", "bin:zz", "text:",
                           "esc:\\", "none:", "none:x", " x ", "-x", "\\n"}) {
    values.push_back(ToValue(text));
    values.push_back(BytesValue(text));
  }
  for (int c = 0; c < 0x80; ++c) {
    values.push_back(ToValue(std::string(1, static_cast<char>(c)) + "\\0"));
  }
  for (const v1::Value& value : values) {
    const std::string text = FormatValue(value);
    EXPECT_FALSE(HasUnprintable(text)) << text;
    const auto read = ParseValue(text);
    ASSERT_TRUE(read.ok()) << text << ": " << read.status();
    EXPECT_EQ(Bytes(*read), Bytes(value)) << text;
  }
}

TEST(FormatValue, NotANumberStaysOne) {
  const auto read = ParseValue(FormatValue(ToValue(std::nan(""))));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(std::isnan(read->float_()));
}

}  // namespace
}  // namespace coffer::cli
