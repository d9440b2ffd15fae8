#include "coffer/sdk/frame/frame_error.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

constexpr FrameErrc kAll[] = {
    FrameErrc::kOversizeFrame,   FrameErrc::kOversizeMessage,
    FrameErrc::kTruncatedHeader, FrameErrc::kTruncatedPayload,
    FrameErrc::kTruncatedBlock,  FrameErrc::kCorruptBlock,
    FrameErrc::kSizeMismatch,    FrameErrc::kTrailingBytes,
    FrameErrc::kUnparsable};

TEST(FrameError, EveryCodeIsAnErrorWithItsOwnMessage) {
  std::set<std::string> messages;
  for (FrameErrc code : kAll) {
    const boost::system::error_code error = code;
    EXPECT_TRUE(error);
    EXPECT_EQ(error.category(), FrameCategory());
    EXPECT_STREQ(error.category().name(), "coffer.frame");
    messages.insert(error.message());
  }
  EXPECT_EQ(messages.size(), std::size(kAll));
}

TEST(FrameError, StatusRemembersItsCode) {
  for (FrameErrc code : kAll) {
    const absl::Status status = FrameError(code, "what happened");
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(status.message(), "what happened");
    EXPECT_EQ(FrameErrorCode(status), code);
  }
}

TEST(FrameError, StatusCodeFollowsTheKindOfFault) {
  const auto code_of = [](FrameErrc code) {
    return FrameError(code, "").code();
  };
  using enum FrameErrc;
  EXPECT_EQ(code_of(kOversizeFrame), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code_of(kOversizeMessage), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code_of(kTruncatedHeader), absl::StatusCode::kDataLoss);
  EXPECT_EQ(code_of(kTruncatedPayload), absl::StatusCode::kDataLoss);
  for (FrameErrc code : {kTruncatedBlock, kCorruptBlock, kSizeMismatch,
                         kTrailingBytes, kUnparsable}) {
    EXPECT_EQ(code_of(code), absl::StatusCode::kInvalidArgument);
  }
}

TEST(FrameError, StatusOfAnotherOriginHasNoCode) {
  EXPECT_FALSE(FrameErrorCode(absl::OkStatus()));
  EXPECT_FALSE(FrameErrorCode(absl::InvalidArgumentError("else")));
}

TEST(FrameError, UnknownCodeStillHasAMessage) {
  EXPECT_EQ(FrameCategory().message(99), "frame error 99");
}

}  // namespace
}  // namespace coffer
