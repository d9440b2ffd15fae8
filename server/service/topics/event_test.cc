#include "coffer/server/service/topics/event.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

v1::Publish Parse(const std::string& text) {
  v1::Publish publish;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &publish));
  return publish;
}

std::string Text(absl::string_view bytes) {
  v1::CommandResponse response;
  EXPECT_TRUE(response.ParseFromString(std::string(bytes)));
  return response.ShortDebugString();
}

TEST(Event, OlderSubscribersGetTheStatusAndTheData) {
  Event event(Parse("topic: 't' data { integer: 0 } data { string: 'x' }"));
  event.SetSequence(5);
  EXPECT_EQ(Text(event.older_bytes()),
            "status: 200 values { integer: 0 } values { string: \"x\" }");
}

TEST(Event, OursAreTheSameWithSequenceAndId) {
  for (const std::uint64_t number : {uint64_t{1}, uint64_t{300}, UINT64_MAX}) {
    Event event(Parse("topic: 't' data { integer: 1 }"));
    const std::size_t cost = event.cost();
    event.SetSequence(number);
    EXPECT_EQ(event.cost(), cost) << "room for the sequence was counted";
    EXPECT_EQ(
        Text(absl::StrCat(event.bytes(), SubscriptionIdField(number))),
        absl::StrCat("status: 200 values { integer: 1 } event { sequence: ",
                     number, " } subscription_id: ", number));
  }
}

TEST(Event, WithoutDataItIsAnEventAllTheSame) {
  Event event(Parse("topic: 't'"));
  event.SetSequence(1);
  EXPECT_EQ(Text(event.older_bytes()), "status: 200");
  EXPECT_EQ(Text(event.bytes()), "status: 200 event { sequence: 1 }");
}

TEST(Event, UnknownFieldsOfValuesAreDropped) {
  v1::Publish publish;
  // data { integer: 1, and field 9 = 7 }
  ASSERT_TRUE(publish.ParseFromString(std::string("\x12\x04\x18\x01\x48\x07")));
  Event event(publish);
  EXPECT_EQ(event.older_bytes(), "\x08\xc8\x01\x1a\x02\x18\x01");
}

}  // namespace
}  // namespace coffer::server
