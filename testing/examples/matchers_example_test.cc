// How to say what messages, bytes and results are to be.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/requests.h"
#include "coffer/testing/encode_frames.h"
#include "coffer/testing/frame_matchers.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

using coffer::v1::CommandRequest;
using coffer::v1::CommandResponse;
using coffer_testing::EncodeFrames;
using coffer_testing::EqualsProto;
using coffer_testing::FrameIs;
using coffer_testing::Frames;
using coffer_testing::HasFrame;
using coffer_testing::IgnoringFields;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::Partially;
using coffer_testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;

TEST(Matchers, OfMessages) {
  CommandResponse response;
  response.set_status(404);
  response.set_message("Not found: table t, key k");
  response.set_request_id(7);
  EXPECT_THAT(response, Partially(EqualsProto("status: 404")));
  EXPECT_THAT(response, IgnoringFields({"request_id", "message"},
                                       EqualsProto("status: 404")));
}

TEST(Matchers, OfBytesOnTheWire) {
  const std::string bytes = EncodeFrames(coffer::MakeHget("t", "a")) +
                            EncodeFrames(coffer::MakeHget("t", "b"));
  EXPECT_THAT(bytes, Frames<CommandRequest>(ElementsAre(
                         EqualsProto("hget { table: 't' key: 'a' }"),
                         EqualsProto("hget { table: 't' key: 'b' }"))));
  EXPECT_THAT(
      bytes, HasFrame<CommandRequest>(EqualsProto(coffer::MakeHget("t", "b"))));
  EXPECT_THAT(EncodeFrames(coffer::MakeHget("t", "a")),
              FrameIs<CommandRequest>(false, Gt(0u),
                                      EqualsProto(coffer::MakeHget("t", "a"))));
}

TEST(Matchers, OfResults) {
  const absl::StatusOr<int> good = 3, bad = absl::NotFoundError("no such key");
  EXPECT_THAT(good, IsOkAndHolds(Gt(2)));
  EXPECT_THAT(bad, StatusIs(absl::StatusCode::kNotFound, HasSubstr("key")));
  EXPECT_THAT(absl::OkStatus(), IsOk());
}

}  // namespace
