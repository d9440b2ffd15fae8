#include "coffer/proto/value.h"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

TEST(ToValue, TextOfEveryTypeIsText) {
  const char* const pointer = "text";
  const char array[] = "text";
  for (const Value& value :
       {ToValue("text"), ToValue(pointer), ToValue(array),
        ToValue(std::string("text")), ToValue(absl::string_view("text")),
        ToValue(std::string_view("text"))}) {
    EXPECT_EQ(value.value_case(), Value::kString);
    EXPECT_EQ(value.string(), "text");
  }
  EXPECT_EQ(ToValue(std::string("a\0b", 3)).string(), std::string("a\0b", 3));
  EXPECT_EQ(ToValue("").value_case(), Value::kString);
  EXPECT_EQ(ToValue(absl::string_view()).value_case(), Value::kString);
}

TEST(ToValue, IntegerOfEveryTypeIsAnInteger) {
  for (const Value& value :
       {ToValue(5), ToValue(5u), ToValue(5l), ToValue(5ll), ToValue(short{5}),
        ToValue(int64_t{5}), ToValue(uint32_t{5}), ToValue(uint8_t{5})}) {
    EXPECT_EQ(value.value_case(), Value::kInteger);
    EXPECT_EQ(value.integer(), 5);
  }
  EXPECT_EQ(ToValue(std::numeric_limits<int64_t>::min()).integer(), INT64_MIN);
  EXPECT_EQ(ToValue(std::numeric_limits<uint32_t>::max()).integer(),
            4294967295);
  EXPECT_EQ(ToValue(0).value_case(), Value::kInteger);
}

TEST(ToValue, FloatingPointIsAFloat) {
  for (const Value& value : {ToValue(1.5), ToValue(1.5f)}) {
    EXPECT_EQ(value.value_case(), Value::kFloat);
    EXPECT_EQ(value.float_(), 1.5);
  }
}

TEST(ToValue, BoolIsABool) {
  EXPECT_EQ(ToValue(true).value_case(), Value::kBool);
  EXPECT_TRUE(ToValue(true).bool_());
  EXPECT_EQ(ToValue(false).value_case(), Value::kBool);
  EXPECT_FALSE(ToValue(false).bool_());
}

TEST(ToValue, ValueStaysWhatItIs) {
  EXPECT_EQ(ToValue(ToValue(5)).integer(), 5);
  EXPECT_EQ(ToValue(Value()).value_case(), Value::VALUE_NOT_SET);
}

// Compiles only if none of these would silently become another type.
static_assert(!ConvertibleToValue<const int*>);
static_assert(!ConvertibleToValue<void*>);
static_assert(!ConvertibleToValue<std::nullptr_t>);
static_assert(!ConvertibleToValue<char>);
static_assert(!ConvertibleToValue<char16_t>);
static_assert(!ConvertibleToValue<uint64_t>);
static_assert(!std::is_constructible_v<TextArg, std::nullptr_t>);
static_assert(!std::is_constructible_v<TextArg, int>);
static_assert(ConvertibleToValue<const char*>);
static_assert(ConvertibleToValue<std::string_view>);
static_assert(ConvertibleToValue<std::string&>);
static_assert(ConvertibleToValue<int&>);
static_assert(ConvertibleToValue<const bool&>);
static_assert(ConvertibleToValue<const Value&>);

TEST(BytesValue, HoldsAnyBytes) {
  const std::string bytes("\0\xff\xfe", 3);
  EXPECT_EQ(BytesValue(bytes).value_case(), Value::kBinary);
  EXPECT_EQ(BytesValue(bytes).binary(), bytes);
  EXPECT_EQ(BytesValue(std::string_view(bytes)).binary(), bytes);
  EXPECT_EQ(BytesValue(absl::string_view(bytes)).binary(), bytes);
  EXPECT_EQ(BytesValue("").value_case(), Value::kBinary);
}

TEST(FromValue, GivesBackWhatWasPutIn) {
  EXPECT_EQ(FromValue<std::string>(ToValue("text")).value(), "text");
  EXPECT_EQ(FromValue<int64_t>(ToValue(-5)).value(), -5);
  EXPECT_EQ(FromValue<double>(ToValue(1.5)).value(), 1.5);
  EXPECT_EQ(FromValue<bool>(ToValue(false)).value(), false);
  EXPECT_EQ(BytesFromValue(BytesValue("\xff")).value(), "\xff");
}

TEST(FromValue, AnotherTypeIsAnErrorThatNamesIt) {
  const auto message = [](const auto& result) {
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(result.status().message());
  };
  EXPECT_EQ(message(FromValue<int64_t>(ToValue("5"))),
            "value is text, not an integer");
  EXPECT_EQ(message(FromValue<std::string>(ToValue(5))),
            "value is an integer, not text");
  EXPECT_EQ(message(FromValue<bool>(ToValue(1.0))),
            "value is a float, not a bool");
  EXPECT_EQ(message(FromValue<double>(ToValue(true))),
            "value is a bool, not a float");
  EXPECT_EQ(message(FromValue<std::string>(BytesValue("text"))),
            "value is bytes, not text");
  EXPECT_EQ(message(BytesFromValue(ToValue("text"))),
            "value is text, not bytes");
  EXPECT_EQ(message(FromValue<int64_t>(Value())),
            "value is empty, not an integer");
}

}  // namespace
}  // namespace coffer
