#include "coffer/tools/cli/dump_format.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "coffer/proto/value.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

DumpRecord Record(const v1::Value& value) {
  DumpRecord record;
  record.table = "t";
  record.key = "k";
  record.value = value;
  record.version = 7;
  return record;
}

// Without its end.
std::string LineOf(std::string line) {
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  line.pop_back();
  return line;
}

DumpRecord ReadRecord(const std::string& line) {
  const auto read = ParseDumpLine(line);
  EXPECT_TRUE(read.ok()) << read.status() << "\n" << line;
  return read.ok() ? std::get<DumpRecord>(*read) : DumpRecord();
}

TEST(DumpFormat, RecordIsALine) {
  DumpRecord record = Record(ToValue(36));
  EXPECT_EQ(FormatDumpLine(record),
            R"({"table":"t","key":"k","value":{"type":"int","value":36},)"
            R"("version":7})"
            "\n");
  record.expires_at_ms = 1250;
  record.cursor = std::string("\0\xff", 2);
  EXPECT_EQ(FormatDumpLine(record),
            R"({"table":"t","key":"k","value":{"type":"int","value":36},)"
            R"("version":7,"expires_at_ms":1250,"cursor":"00ff"})"
            "\n");
  const DumpRecord read = ReadRecord(LineOf(FormatDumpLine(record)));
  EXPECT_EQ(read.table, "t");
  EXPECT_EQ(read.key, "k");
  EXPECT_EQ(read.value.integer(), 36);
  EXPECT_EQ(read.version, 7u);
  EXPECT_EQ(read.expires_at_ms, 1250u);
  EXPECT_THAT(read.cursor, Optional(std::string("\0\xff", 2)));
}

TEST(DumpFormat, EveryValueComesBackBitForBit) {
  const double kDoubles[] = {0.0,
                             -0.0,
                             0.1,
                             1e300,
                             -2.5e-7,
                             5e-324,
                             std::numeric_limits<double>::max(),
                             std::numeric_limits<double>::min(),
                             std::numeric_limits<double>::denorm_min(),
                             HUGE_VAL,
                             -HUGE_VAL,
                             std::nan(""),
                             std::bit_cast<double>(0xfff8000000000000u),
                             std::bit_cast<double>(0x7ff8000000000001u),
                             std::bit_cast<double>(0x7ff0000000000001u)};
  for (const double number : kDoubles) {
    const DumpRecord read =
        ReadRecord(LineOf(FormatDumpLine(Record(ToValue(number)))));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(read.value.float_()),
              std::bit_cast<std::uint64_t>(number));
  }
  for (const v1::Value& value :
       {ToValue(INT64_MIN), ToValue(INT64_MAX), ToValue((1ll << 53) + 1),
        ToValue(true), ToValue(false), v1::Value(), ToValue(""),
        ToValue(std::string("a\0\"\\\n\x7f\xe2\x80\xae\xf0\x9f\x98\x80", 13)),
        BytesValue(""), BytesValue(std::string("\0\xff\x80", 3))}) {
    const DumpRecord read = ReadRecord(LineOf(FormatDumpLine(Record(value))));
    EXPECT_EQ(read.value.SerializeAsString(), value.SerializeAsString());
  }
}

TEST(DumpFormat, AnyDoubleComesBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const double number = std::bit_cast<double>(random());
    const DumpRecord read =
        ReadRecord(LineOf(FormatDumpLine(Record(ToValue(number)))));
    ASSERT_EQ(std::bit_cast<std::uint64_t>(read.value.float_()),
              std::bit_cast<std::uint64_t>(number));
  }
}

TEST(DumpFormat, NamesMayHoldAnything) {
  for (const std::string& name :
       {std::string(), std::string("\0", 1), std::string("a\tb\n\"c\""),
        std::string("\xf3\xa0\x80\x81"), std::string("\xef\xbf\xbf")}) {
    DumpRecord record = Record(ToValue(1));
    record.table = record.key = name;
    const DumpRecord read = ReadRecord(LineOf(FormatDumpLine(record)));
    EXPECT_EQ(read.table, name);
    EXPECT_EQ(read.key, name);
  }
}

TEST(DumpFormat, HeaderAndEnd) {
  DumpHeader header;
  header.store = std::numeric_limits<std::uint64_t>::max();
  const std::string all = LineOf(FormatDumpLine(header));
  EXPECT_EQ(all, R"({"coffer_dump":1,"store":"18446744073709551615"})");
  const auto read_all = ParseDumpLine(all);
  ASSERT_TRUE(read_all.ok()) << read_all.status();
  EXPECT_EQ(std::get<DumpHeader>(*read_all).store, header.store);
  EXPECT_FALSE(std::get<DumpHeader>(*read_all).tables.has_value());
  for (const std::vector<std::string>& tables :
       {std::vector<std::string>{"a", "\"b\""}, std::vector<std::string>{}}) {
    header.tables = tables;
    const auto read = ParseDumpLine(LineOf(FormatDumpLine(header)));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(std::get<DumpHeader>(*read).tables, tables);
  }
  const std::string end = LineOf(FormatDumpLine(DumpEnd{5}));
  EXPECT_EQ(end, R"({"coffer_dump_end":1,"records":5})");
  const auto read_end = ParseDumpLine(end);
  ASSERT_TRUE(read_end.ok()) << read_end.status();
  EXPECT_EQ(std::get<DumpEnd>(*read_end).records, 5u);
}

TEST(DumpFormat, LineByHandNeedsNoVersion) {
  const DumpRecord read = ReadRecord(
      R"( { "key" : "k", "value": {"value": 1.50, "type":"float"}, "table":"t"} )");
  EXPECT_EQ(read.value.float_(), 1.5);
  EXPECT_EQ(read.version, 0u);
  EXPECT_FALSE(read.cursor.has_value());
}

TEST(DumpFormat, WrongLinesSayWhatIsWrong) {
  const std::string begin = R"({"table":"t","key":"k","value":)";
  const struct {
    std::string line;
    const char* why;
  } cases[] = {
      {"", "not JSON"},
      {"[]", "no object"},
      {R"({"coffer_dump":2,"store":"1"})", "of format 2; this kvc knows 1"},
      {R"({"coffer_dump":1,"store":"x"})", "\"store\""},
      {R"({"coffer_dump_end":1,"records":-1})", "\"records\""},
      {R"({"key":"k","value":{"type":"int","value":1}})", "\"table\""},
      {R"({"table":"t","value":{"type":"int","value":1}})", "\"key\""},
      {R"({"table":"t","key":"k"})", "without \"value\""},
      {begin + "1}", "\"type\""},
      {begin + R"({"type":"int"}})", "without \"value\""},
      {begin + R"({"type":"int","value":1.5}})", "an int is to be"},
      {begin + R"({"type":"int","value":"1"}})", "an int is to be"},
      {begin + R"({"type":"int","value":9223372036854775808}})", "an int is"},
      {begin + R"({"type":"float","value":"nan:7ff0000000000000"}})",
       "a float is"},
      {begin + R"({"type":"float","value":1e999}})", "a float is"},
      {begin + R"({"type":"bin","value":"0"}})", "is not hexadecimal"},
      {begin + R"({"type":"text","value":5}})", "no value is of the type"},
      {begin + R"({"type":"date","value":"5"}})", "\"date\""},
      {begin + R"({"type":"int","value":1},"version":-1})", "\"version\""},
      {begin + R"({"type":"int","value":1},"expires":1})", "\"expires\""},
      {begin + R"({"type":"int","value":1},"cursor":"x"})", "not hexadecimal"},
  };
  for (const auto& c : cases) {
    const auto read = ParseDumpLine(c.line);
    ASSERT_FALSE(read.ok()) << c.line;
    EXPECT_THAT(std::string(read.status().message()), HasSubstr(c.why));
  }
}

}  // namespace
}  // namespace coffer::cli
