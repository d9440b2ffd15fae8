#include "coffer/sdk/frame/field_count.h"

#include <string>

#include "coffer/sdk/frame/frame_error.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

const google::protobuf::Descriptor& Type() {
  return *v1::CommandRequest::descriptor();
}

// hmset itself, and two fields a pair: the pair and its key.
std::string Pairs(int count) {
  v1::CommandRequest request;
  for (int i = 0; i < count; ++i) {
    request.mutable_hmset()->add_pairs()->set_key("key");
  }
  return request.SerializeAsString();
}

TEST(FieldCount, NestedFieldsCount) {
  EXPECT_EQ(CheckFieldCount(Pairs(100), Type(), 201), absl::OkStatus());
  const absl::Status over = CheckFieldCount(Pairs(100), Type(), 200);
  EXPECT_EQ(FrameErrorCode(over), FrameErrc::kOversizeMessage);
  EXPECT_EQ(over.message(),
            "message of 703 bytes exceeds the limit of 200 "
            "fields");
}

TEST(FieldCount, EmptyElementsCount) {
  v1::CommandRequest request;
  for (int i = 0; i < 1000; ++i) request.mutable_hmset()->add_pairs();
  const std::string payload = request.SerializeAsString();
  EXPECT_EQ(CheckFieldCount(payload, Type(), 1001), absl::OkStatus());
  EXPECT_FALSE(CheckFieldCount(payload, Type(), 999).ok());
}

TEST(FieldCount, UnknownFieldsCount) {
  std::string payload;
  for (int i = 0; i < 1000; ++i) payload += "\xf8\x07\x01";  // 127: 1
  EXPECT_EQ(CheckFieldCount(payload, Type(), 1000), absl::OkStatus());
  EXPECT_FALSE(CheckFieldCount(payload, Type(), 999).ok());
}

TEST(FieldCount, BytesOfAValueAreNoFields) {
  v1::CommandRequest request;
  request.mutable_hset()->mutable_pair()->mutable_value()->set_binary(
      Pairs(1000));
  EXPECT_EQ(CheckFieldCount(request.SerializeAsString(), Type(), 10),
            absl::OkStatus());
}

TEST(FieldCount, ZeroIsNoLimit) {
  EXPECT_EQ(CheckFieldCount(Pairs(1000), Type(), 0), absl::OkStatus());
}

TEST(FieldCount, MalformedPayloadIsLeftToTheParser) {
  std::string payload = Pairs(100);
  for (std::size_t cut = 1; cut < payload.size(); ++cut) {
    EXPECT_EQ(CheckFieldCount(payload.substr(0, cut), Type(), 202),
              absl::OkStatus());
  }
  EXPECT_EQ(CheckFieldCount(std::string(1000, '\xff'), Type(), 100),
            absl::OkStatus());
}

}  // namespace
}  // namespace coffer
