#include "coffer/tools/cli/json_reader.h"

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "coffer/tools/cli/json_output.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::HasSubstr;

Json Read(absl::string_view text) {
  const auto json = ParseJson(text);
  EXPECT_TRUE(json.ok()) << json.status();
  return json.value_or(Json());
}

TEST(ParseJson, EveryKindOfValue) {
  EXPECT_EQ(Read("null").kind, Json::Kind::kNull);
  EXPECT_EQ(Read(" true ").kind, Json::Kind::kBool);
  EXPECT_TRUE(Read("true").truth);
  EXPECT_FALSE(Read("false").truth);
  for (const char* number :
       {"0", "-0", "5", "9223372036854775807", "-1.50", "1e300", "2.5E-07"}) {
    const Json json = Read(number);
    EXPECT_EQ(json.kind, Json::Kind::kNumber);
    EXPECT_EQ(json.text, number);
  }
  EXPECT_TRUE(Read("[]").items.empty());
  EXPECT_EQ(Read("[1, [2],{}]").items.size(), 3u);
  EXPECT_TRUE(Read("{ }").members.empty());
  const Json object = Read(R"({"a": 1, "b":{"c":"d"}})");
  ASSERT_NE(object.Find("b"), nullptr);
  EXPECT_EQ(object.Find("b")->Find("c")->text, "d");
  EXPECT_EQ(object.Find("c"), nullptr);
}

TEST(ParseJson, EscapesInStrings) {
  EXPECT_EQ(Read(R"("\"\\\/\b\f\n\r\t")").text, "\"\\/\b\f\n\r\t");
  EXPECT_EQ(Read(R"("\u0041\u00e9\u20ac\ud83d\ude00")").text,
            "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(Read(R"("\u0000x")").text, std::string("\0x", 2));
  EXPECT_EQ(Read("\"gr\xc3\xbc\xc3\x9f\x7f\"").text, "gr\xc3\xbc\xc3\x9f\x7f");
}

TEST(ParseJson, WhatIsWrittenIsRead) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (int length = static_cast<int>(random() % 12); length > 0; --length) {
      // Any character, many of them special.
      std::string json = "\"\\u0000\"";
      const unsigned unit =
          random() % 3 == 0 ? random() % 0xd800 : random() % 0x80;
      json = absl::StrCat("\"\\u", absl::Hex(unit, absl::kZeroPad4), "\"");
      text += Read(json).text;
    }
    EXPECT_EQ(Read(JsonString(text)).text, text);
  }
  const std::string high = "\xf3\xa0\x80\x81";  // unprintable, beyond 16 bits
  EXPECT_EQ(Read(JsonString(high)).text, high);
}

TEST(ParseJson, WhatIsNoJsonIsRefused) {
  for (const char* text : {"",
                           " ",
                           "nul",
                           "tru",
                           "+1",
                           "01",
                           "1.",
                           ".5",
                           "1e",
                           "-",
                           "inf",
                           "'a'",
                           "\"a",
                           "\"\\",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\udc00\"",
                           "\"\n\"",
                           "\"\xff\"",
                           "[",
                           "[1",
                           "[1,",
                           "[1,]",
                           "[1 2]",
                           "{",
                           "{1:2}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\":1,\"a\":2}",
                           "1 2",
                           "{}x",
                           "truefalse"}) {
    const auto json = ParseJson(text);
    ASSERT_FALSE(json.ok()) << text;
    EXPECT_THAT(std::string(json.status().message()), HasSubstr("at byte "));
  }
  EXPECT_TRUE(ParseJson(std::string(32, '[') + std::string(32, ']')).ok());
  EXPECT_FALSE(ParseJson(std::string(33, '[') + std::string(33, ']')).ok());
  EXPECT_FALSE(ParseJson(std::string(100000, '[')).ok());
}

TEST(ParseJson, ErrorsSayWhere) {
  EXPECT_THAT(ParseJson(R"({"a":1,"a":2})").status().message(),
              "not JSON: a name for the 2nd time at byte 11");
}

}  // namespace
}  // namespace coffer::cli
