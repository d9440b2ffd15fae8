#include "coffer/tools/cli/text_output.h"

#include <chrono>
#include <initializer_list>

#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

v1::CommandResponse Values(std::initializer_list<v1::Value> values) {
  v1::CommandResponse response;
  response.set_status(200);
  for (const v1::Value& value : values) *response.add_values() = value;
  return response;
}

v1::CommandRequest PublishRequest() {
  v1::CommandRequest request;
  request.mutable_publish()->set_topic("t");
  return request;
}

TEST(FormatEvent, IsALineOfPrintableValues) {
  Event event;
  EXPECT_EQ(FormatEvent(event), "\n");
  event.data = {ToValue(5), ToValue("a\nb"), v1::Value()};
  EXPECT_EQ(FormatEvent(event), "int:5\tesc:a\\nb\tnone:\n");
}

TEST(FormatGap, SaysHowFar) {
  Event gap;
  gap.kind = Event::Kind::kGap;
  gap.sequence = 7;
  EXPECT_EQ(FormatGap(gap), "events are missing, the last of them number 7");
  gap.new_epoch = true;
  EXPECT_EQ(FormatGap(gap), "events are missing: the server has a new epoch");
}

TEST(FormatPing, HasHundredthsOfMilliseconds) {
  EXPECT_EQ(FormatPing(std::chrono::microseconds(1254)),
            "answered in 1.25 ms\n");
}

TEST(FormatAnswer, EachCommandHasItsForm) {
  const v1::Value five = ToValue(5);
  const v1::Value text = ToValue("a b");
  const v1::Value yes = ToValue(true);
  const v1::Value no = ToValue(false);
  const struct {
    v1::CommandRequest request;
    v1::CommandResponse response;
    const char* text;
  } cases[] = {
      {MakeHget("t", "k"), Values({five}), "int:5\n"},
      {MakeHget("t", "k"), Values({text}), "a b\n"},
      {MakeHget("t", "k"), Values({{}}), "none:\n"},
      {MakeHget("t", "k"), Values({ToValue("a\nb")}), "esc:a\\nb\n"},
      {MakeHset("t", "k", 1), Values({five}), "ok\n"},
      {MakeHset("t", "k", 1), Values({}), "ok\n"},
      {MakeHmset("t", {{"a", 1}}), Values({{}}), "ok\n"},
      {MakeHdel("t", "k"), Values({five}), "int:5\n"},
      {MakeHdel("t", "k"), Values({{}}), "none:\n"},
      {MakeHexist("t", "k"), Values({yes}), "true\n"},
      {MakeHexist("t", "k"), Values({no}), "false\n"},
      {MakeHmget("t", {"a", "b"}), Values({five, {}}), "a\tint:5\nb\tnone:\n"},
      {MakeHmdel("t", {"a", "b"}), Values({{}, text}), "a\tnone:\nb\ta b\n"},
      {MakeHmexist("t", {"a", "b"}), Values({yes, no}), "a\ttrue\nb\tfalse\n"},
      {MakeHmget("t", {"a b", ""}), Values({five, five}),
       "\"a b\"\tint:5\n\"\"\tint:5\n"},
      {MakeHgetall("t"), Values({}), ""},
      {PublishRequest(), Values({}), "ok\n"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(FormatAnswer(c.request, c.response), c.text)
        << c.request.ShortDebugString();
  }
}

TEST(FormatAnswer, TableIsOrderedByKeyAndPrintable) {
  v1::CommandResponse response;
  for (const char* key : {"b", "\xc3\xa9", "a\n\x1b", "B"}) {
    *response.add_pairs() = KeyValue::MakePair(key, ToValue("v\x1b"));
  }
  EXPECT_EQ(FormatAnswer(MakeHgetall("t"), response),
            "B\tesc:v\\x1b\n"
            "\"a\\n\\x1b\"\tesc:v\\x1b\n"
            "b\tesc:v\\x1b\n"
            "\xc3\xa9\tesc:v\\x1b\n");
}

TEST(FormatRefusal, StatusAndMessageOnOnePrintableLine) {
  v1::CommandResponse response;
  response.set_status(404);
  response.set_message("Not found: table a\\b, key k\n\x1b[2J");
  response.set_outcome(v1::NOT_EXECUTED);
  EXPECT_EQ(FormatRefusal(response),
            "404 Not found: table a\\b, key k\\n\\x1b[2J");
}

TEST(FormatRefusal, UnknownOutcomeIsSaid) {
  v1::CommandResponse response;
  response.set_status(500);
  response.set_message("sync failed");
  response.set_outcome(v1::UNKNOWN);
  EXPECT_EQ(FormatRefusal(response),
            "500 sync failed (it may have had its effect)");
}

}  // namespace
}  // namespace coffer::cli
