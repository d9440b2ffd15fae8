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

v1::KeyState State(uint64_t version, const v1::Value& value = v1::Value(),
                   uint64_t expires_at_ms = 0) {
  v1::KeyState state;
  state.set_version(version);
  if (value.value_case() != v1::Value::VALUE_NOT_SET) {
    *state.mutable_value() = value;
  }
  state.set_expires_at_ms(expires_at_ms);
  return state;
}

v1::CommandResponse Of(const v1::KeyState& state) {
  v1::CommandResponse response;
  *response.add_states() = state;
  return response;
}

TEST(FormatAnswer, StatesOfDataCommands) {
  v1::CommandResponse read = Of(State(7, ToValue(36)));
  *read.add_states() = State(8, ToValue("x"), 1250);
  *read.add_states() = State(0);
  EXPECT_EQ(FormatAnswer(MakeRead("t", {"a", "b c", "d"}), read),
            "a\tint:36\t7\tnever\n"
            "\"b c\"\tx\t8\t1970-01-01T00:00:01.250Z\n"
            "d\tnone:\t0\t-\n");
  v1::KeyState put = State(7, v1::Value(), 1250);
  EXPECT_EQ(FormatAnswer(MakePut("t", "k", 1), Of(put)),
            "version 7, expires 1970-01-01T00:00:01.250Z\n");
  *put.mutable_previous() = State(6, ToValue(5));
  put.clear_expires_at_ms();
  EXPECT_EQ(FormatAnswer(MakePut("t", "k", 1), Of(put)),
            "version 7, before: int:5\n");
  EXPECT_EQ(FormatAnswer(MakeRemove("t", "k"), Of(put)),
            "removed, version 7, before: int:5\n");
  EXPECT_EQ(FormatAnswer(MakeRemove("t", "k"), Of(State(0))),
            "there was no such key\n");
  EXPECT_EQ(FormatAnswer(MakeIncrement("t", "k", 1), Of(State(7, ToValue(5)))),
            "int:5\n");
  v1::KeyState appended = State(7);
  appended.set_value_bytes(12);
  EXPECT_EQ(FormatAnswer(MakeAppend("t", "k", "x"), Of(appended)),
            "12 bytes\n");
  EXPECT_EQ(FormatAnswer(MakeExpire("t", "k", v1::Expiry()), Of(State(7))),
            "version 7\n");
  v1::CommandRequest ttl = MakeRead("t", {"k"});
  ttl.mutable_read()->set_without_values(true);
  v1::KeyState left = State(7, v1::Value(), 1250);
  left.set_expires_in_ms(599250);
  EXPECT_EQ(FormatAnswer(ttl, Of(left)), "9m59.25s\n");
  EXPECT_EQ(FormatAnswer(ttl, Of(State(7))), "never\n");
}

TEST(FormatAnswer, Tables) {
  v1::CommandResponse response;
  response.add_tables()->set_name("t");
  response.mutable_tables(0)->set_keys(2);
  response.mutable_tables(0)->set_bytes(1);
  EXPECT_EQ(FormatAnswer(MakeCountKeys("t"), response), "2 keys, 1 byte\n");
  EXPECT_EQ(FormatAnswer(MakeDropTable("t"), response),
            "dropped: 2 keys, 1 byte\n");
  EXPECT_EQ(FormatAnswer(MakeRenameTable("t", "u"), response),
            "renamed: 2 keys, 1 byte\n");
}

TEST(FormatAnswer, TransactionShowsItsBranch) {
  const v1::CommandRequest request = MakeTransaction(
      {}, {MakeRead("t", {"a", "b"}), MakeIncrement("t", "n", 1)},
      {MakePut("t", "k", 1)});
  v1::CommandResponse response = Of(State(7, ToValue(1)));
  *response.add_states() = State(0);
  *response.add_states() = State(8, ToValue(2));
  response.set_held(true);
  EXPECT_EQ(FormatAnswer(request, response),
            "then\na\tint:1\t7\tnever\nb\tnone:\t0\t-\nint:2\n");
  EXPECT_EQ(FormatAnswer(request, Of(State(9))), "else\nversion 9\n");
}

TEST(FormatRefusal, TellsHowTheKeyIs) {
  v1::CommandResponse response = Of(State(8, ToValue(9)));
  response.set_status(409);
  response.set_message("no");
  EXPECT_EQ(FormatRefusal(response), "409 no; its value: int:9");
  *response.mutable_states(0) = State(0);
  EXPECT_EQ(FormatRefusal(response), "409 no");
}

}  // namespace
}  // namespace coffer::cli
