#include "coffer/sdk/frame/message_parser.h"

#include <string>

#include "coffer/sdk/frame/frame_error.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

v1::CommandRequest Hget() {
  v1::CommandRequest request;
  request.mutable_hget()->set_table("t");
  request.mutable_hget()->set_key("k");
  return request;
}

TEST(ParseMessage, EmptyPayloadIsAMessageWithNothingSet) {
  v1::CommandRequest message = Hget();
  EXPECT_EQ(ParseMessage("", &message), absl::OkStatus());
  EXPECT_EQ(message.request_data_case(),
            v1::CommandRequest::REQUEST_DATA_NOT_SET);
}

TEST(ParseMessage, ReplacesWhatTheMessageHeld) {
  v1::CommandRequest message;
  message.set_request_id(7);
  EXPECT_EQ(ParseMessage(Hget().SerializeAsString(), &message),
            absl::OkStatus());
  EXPECT_EQ(message.SerializeAsString(), Hget().SerializeAsString());
}

TEST(ParseMessage, PayloadThatDoesNotParseIsRefusedAndNothingIsLeft) {
  const std::string good = Hget().SerializeAsString();
  v1::CommandRequest message = Hget();
  const absl::Status status = ParseMessage(
      absl::string_view(good).substr(0, good.size() - 1), &message);
  EXPECT_EQ(FrameErrorCode(status), FrameErrc::kUnparsable);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "payload of 7 bytes does not parse as coffer.v1.CommandRequest");
  EXPECT_EQ(message.ByteSizeLong(), 0u);
}

TEST(ParseMessage, TextThatIsNotUtf8IsRefused) {
  v1::CommandRequest message;
  EXPECT_EQ(FrameErrorCode(ParseMessage("\x12\x03\x0a\x01\xff", &message)),
            FrameErrc::kUnparsable);
}

TEST(ParseMessage, FieldsNobodyKnowsAreSkipped) {
  v1::CommandRequest message;
  EXPECT_EQ(ParseMessage("\xf8\x3f\x01", &message), absl::OkStatus());
  EXPECT_EQ(message.request_data_case(),
            v1::CommandRequest::REQUEST_DATA_NOT_SET);
}

}  // namespace
}  // namespace coffer
