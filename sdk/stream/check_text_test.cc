#include "coffer/sdk/stream/check_text.h"

#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

TEST(CheckText, GoodMessagesPass) {
  v1::CommandRequest request;
  EXPECT_EQ(CheckText(request), absl::OkStatus());
  request.mutable_hset()->set_table("\xe8\xa1\xa8");
  request.mutable_hset()->mutable_pair()->mutable_value()->set_binary("\xff");
  EXPECT_EQ(CheckText(request), absl::OkStatus()) << "bytes may be anything";
}

TEST(CheckText, BadTextIsNamedWhereverItIs) {
  v1::CommandRequest request;
  request.mutable_hget()->set_key("ab\xff");
  EXPECT_EQ(CheckText(request).message(),
            "coffer.v1.Hget.key is not UTF-8: byte 0xff at offset 2 of 3; "
            "bytes belong into a binary value");
  request.mutable_hmget()->add_keys("good");
  request.mutable_hmget()->add_keys("\x80");
  EXPECT_NE(CheckText(request).message().find("Hmget.keys"),
            absl::string_view::npos);
  auto* pairs = request.mutable_hmset()->mutable_pairs();
  pairs->Add()->set_key("good");
  pairs->Add()->mutable_value()->set_string("\xc0\x80");
  EXPECT_NE(CheckText(request).message().find("Value.string"),
            absl::string_view::npos);
}

}  // namespace
}  // namespace coffer
