#include "coffer/tools/cli/json_output.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>

#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/tools/cli/utf8.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

std::string JsonOf(const v1::Value& value) {
  v1::CommandResponse response;
  response.set_status(200);
  *response.add_values() = value;
  return FormatJson(response);
}

TEST(FormatJson, ValuesHaveTheirTypes) {
  const struct {
    v1::Value value;
    const char* json;
  } cases[] = {
      {ToValue("a \"b\""), R"({"type":"text","value":"a \"b\""})"},
      {ToValue("int:5"), R"({"type":"text","value":"int:5"})"},
      {ToValue(-5), R"({"type":"int","value":-5})"},
      {ToValue(INT64_MIN), R"({"type":"int","value":-9223372036854775808})"},
      {ToValue(1.5), R"({"type":"float","value":1.5})"},
      {ToValue(1e300), R"({"type":"float","value":1e+300})"},
      {ToValue(HUGE_VAL), R"({"type":"float","value":"inf"})"},
      {ToValue(-HUGE_VAL), R"({"type":"float","value":"-inf"})"},
      {ToValue(std::nan("")), R"({"type":"float","value":"nan"})"},
      {ToValue(true), R"({"type":"bool","value":true})"},
      {ToValue(false), R"({"type":"bool","value":false})"},
      {BytesValue("\xff\x01"), R"({"type":"bin","value":"ff01"})"},
      {BytesValue(""), R"({"type":"bin","value":""})"},
      {v1::Value(), R"({"type":"none","value":null})"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(JsonOf(c.value), std::string(R"({"status":200,"message":"",)") +
                                   R"("values":[)" + c.json +
                                   R"(],"pairs":[]})");
  }
}

TEST(FormatJson, PairsAreOrderedByKey) {
  v1::CommandResponse response;
  response.set_status(200);
  *response.add_pairs() = KeyValue::MakePair("b", ToValue(1));
  *response.add_pairs() = KeyValue::MakePair("a\t", ToValue("x"));
  EXPECT_EQ(FormatJson(response),
            R"({"status":200,"message":"","values":[],"pairs":[)"
            R"({"key":"a\u0009","value":{"type":"text","value":"x"}},)"
            R"({"key":"b","value":{"type":"int","value":1}}]})");
}

TEST(FormatJson, ErrorsHaveMessageAndOutcome) {
  v1::CommandResponse response;
  response.set_status(404);
  response.set_message("Not found: table \"t\"");
  EXPECT_EQ(FormatJson(response),
            R"({"status":404,"message":"Not found: table \"t\"",)"
            R"("values":[],"pairs":[]})");
  response.set_outcome(v1::NOT_EXECUTED);
  EXPECT_EQ(FormatJson(response),
            R"({"status":404,"message":"Not found: table \"t\"",)"
            R"("outcome":"not_executed","values":[],"pairs":[]})");
  response.set_outcome(v1::UNKNOWN);
  EXPECT_EQ(FormatJson(response),
            R"({"status":404,"message":"Not found: table \"t\"",)"
            R"("outcome":"unknown","values":[],"pairs":[]})");
}

TEST(JsonString, WhatJsonOrTerminalsMindIsEscaped) {
  EXPECT_EQ(JsonString(""), R"("")");
  EXPECT_EQ(JsonString("a\"\\/b"), R"("a\"\\/b")");
  EXPECT_EQ(JsonString("\n\r\t"), R"("\n\u000d\u0009")");
  EXPECT_EQ(JsonString(absl::string_view("\0\x1f\x7f", 3)),
            R"("\u0000\u001f\u007f")");
  EXPECT_EQ(JsonString("\xe2\x80\xa8\xc2\x85"), R"("\u2028\u0085")");
  EXPECT_EQ(JsonString("\xf3\xa0\x81\x81"), R"("\udb40\udc41")");
}

TEST(JsonString, OtherTextStaysUtf8) {
  const std::string text = "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80";
  EXPECT_EQ(JsonString(text), "\"" + text + "\"");
}

TEST(JsonString, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(JsonString("a\xff\xc3z"), R"("a\ufffd\ufffdz")");
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_TRUE(IsUtf8(JsonString(std::string(1, static_cast<char>(byte)))));
  }
}

TEST(FormatJsonPing, HasTheTimeAsWell) {
  v1::CommandResponse answer;
  answer.set_status(200);
  EXPECT_EQ(FormatJsonPing(answer, std::chrono::microseconds(1250)),
            R"({"status":200,"message":"","values":[],"pairs":[],)"
            R"("milliseconds":1.250})");
}

TEST(FormatJsonEvent, DataAndGaps) {
  Event event;
  event.epoch = 18446744073709551615u;
  event.sequence = 5;
  event.data = {ToValue(5), ToValue("a\n")};
  EXPECT_EQ(FormatJsonEvent(event),
            R"({"epoch":18446744073709551615,"sequence":5,"values":)"
            R"([{"type":"int","value":5},{"type":"text","value":"a\n"}]})");
  Event gap;
  gap.kind = Event::Kind::kGap;
  gap.epoch = 1;
  gap.sequence = 7;
  EXPECT_EQ(FormatJsonEvent(gap),
            R"({"epoch":1,"sequence":7,"gap":"missing"})");
  gap.new_epoch = true;
  EXPECT_EQ(FormatJsonEvent(gap),
            R"({"epoch":1,"sequence":7,"gap":"new_epoch"})");
}

TEST(FormatJson, StatesAndTables) {
  v1::CommandResponse response;
  response.set_status(200);
  v1::KeyState& state = *response.add_states();
  state.set_version(7);
  *state.mutable_value() = ToValue(36);
  state.set_expires_at_ms(1250);
  state.set_expires_in_ms(250);
  state.set_value_bytes(2);
  state.mutable_previous()->set_version(6);
  response.add_states();
  v1::TableInfo& table = *response.add_tables();
  table.set_name("a\nb");
  table.set_keys(2);
  table.set_bytes(35);
  EXPECT_EQ(FormatJson(response),
            R"({"status":200,"message":"","values":[],"pairs":[],"states":[)"
            R"({"version":7,"value":{"type":"int","value":36},)"
            R"("expires_at_ms":1250,"expires_in_ms":250,"value_bytes":2,)"
            R"("previous":{"version":6}},{"version":0}],)"
            R"("tables":[{"name":"a\nb","keys":2,"bytes":35}]})");
  response.clear_states();
  response.clear_tables();
  EXPECT_EQ(FormatJsonTransaction(response),
            R"({"status":200,"message":"","values":[],"pairs":[],)"
            R"("held":false})");
}

}  // namespace
}  // namespace coffer::cli
