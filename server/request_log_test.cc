#include "coffer/server/request_log.h"

#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/server/log.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

std::string Line(const v1::CommandRequest& request) {
  return FormatLogFields("request", DescribeRequest(request));
}

TEST(RequestLog, NamesCommandTableAndKey) {
  EXPECT_EQ(Line(MakeHget("users", "ada")),
            "event=request command=hget table=users key=ada");
  EXPECT_EQ(Line(MakeHgetall("users")),
            "event=request command=hgetall table=users");
  EXPECT_EQ(Line(MakeHmget("users", {"ada", "tyr"})),
            "event=request command=hmget table=users keys=2");
  v1::CommandRequest publish;
  publish.mutable_publish()->set_topic("news");
  EXPECT_EQ(Line(publish), "event=request command=publish topic=news");
  EXPECT_EQ(Line(v1::CommandRequest()), "event=request command=empty");
  EXPECT_EQ(Line(MakePut("users", "ada", 1)),
            "event=request command=put table=users key=ada");
  EXPECT_EQ(Line(MakeRenameTable("users", "people")),
            "event=request command=rename_table table=users new_name=people");
  EXPECT_EQ(Line(MakeTransaction({}, {MakePut("t", "k", 1)},
                                 {MakeRead("t", {"a"}), MakeRead("t", {})})),
            "event=request command=transaction compares=0 then=1 otherwise=2");
}

TEST(RequestLog, NeverShowsAValue) {
  const std::string secret = "hunter2";
  EXPECT_EQ(Line(MakeHset("t", "k", secret)).find(secret), std::string::npos);
  EXPECT_EQ(Line(MakeHmset("t", {{"k", ToValue(secret)}})).find(secret),
            std::string::npos);
  EXPECT_EQ(Line(MakePut("t", "k", secret)).find(secret), std::string::npos);
  EXPECT_EQ(Line(MakeAppend("t", "k", secret)).find(secret), std::string::npos);
  EXPECT_EQ(Line(MakeTransaction({CompareValue("t", "k", v1::EQUAL, secret)},
                                 {MakePut("t", "k", secret)}))
                .find(secret),
            std::string::npos);
}

TEST(RequestLog, NamesCannotForgeAFieldOrALine) {
  EXPECT_EQ(Line(MakeHget("a key=b", "k")),
            "event=request command=hget table=\"a key=b\" key=k");
  EXPECT_EQ(Line(MakeHget("a\nb", "k")),
            "event=request command=hget table=\"a\\nb\" key=k")
      << "escaped, and once";
}

TEST(RequestLog, HugeNamesAreNotEvenCopied) {
  const auto fields =
      DescribeRequest(MakeHget("t", std::string(16 << 20, 'k')));
  EXPECT_EQ(fields.back().value.size(), kLogValueBytesMax + 1);
  EXPECT_LT(Line(MakeHget("t", std::string(1000, 'k'))).size(), 400u);
}

// A command that is added without a description would be logged as empty.
TEST(RequestLog, EveryCommandIsDescribed) {
  const auto* oneof =
      v1::CommandRequest::descriptor()->FindOneofByName("request_data");
  for (int i = 0; i < oneof->field_count(); ++i) {
    v1::CommandRequest request;
    const auto* reflection = request.GetReflection();
    reflection->MutableMessage(&request, oneof->field(i));
    EXPECT_NE(DescribeRequest(request)[0].value, "empty")
        << oneof->field(i)->name();
  }
}

}  // namespace
}  // namespace coffer::server
