#include "coffer/sdk/frame/frame_encoder.h"

#include <random>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/frame/decode_in_pieces.h"
#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/frame/frame_header.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using ::testing::ElementsAre;

// A message of exactly `bytes` (not all sizes exist: a length of two bytes
// instead of one is a step of two).
v1::CommandResponse Message(size_t bytes, bool compressible) {
  static std::mt19937 random(1);
  v1::CommandResponse message;
  v1::Value* const value = message.add_values();
  for (size_t text_bytes = bytes; text_bytes > 0; --text_bytes) {
    std::string text(text_bytes, 'a');
    if (!compressible) {
      for (char& c : text) c = static_cast<char>(random());
    }
    value->set_binary(text);
    if (message.ByteSizeLong() == bytes) return message;
    if (message.ByteSizeLong() < bytes) break;
  }
  ADD_FAILURE() << "no message of " << bytes << " bytes";
  return message;
}

FrameEncoderOptions Lz4() { return {.limits = {}, .lz4 = true}; }

FrameHeader HeaderOf(absl::string_view frame) {
  return DecodeFrameHeader(frame.data());
}

std::string Encoded(FrameEncoderOptions options,
                    const google::protobuf::MessageLite& message) {
  FrameEncoder encoder(options);
  std::string frame;
  EXPECT_EQ(encoder.Encode(message, &frame), absl::OkStatus());
  EXPECT_EQ(frame.size(), kFrameHeaderBytes + HeaderOf(frame).payload_bytes);
  return frame;
}

TEST(FrameEncoder, EmptyMessageIsFourZeroBytes) {
  EXPECT_EQ(Encoded({}, v1::CommandRequest()), std::string(4, '\0'));
  EXPECT_EQ(Encoded({.limits = {}, .lz4 = true, .compress_above_bytes = 0},
                    v1::CommandRequest()),
            std::string(4, '\0'));
}

TEST(FrameEncoder, SmallMessageIsPlain) {
  v1::CommandResponse ok;
  ok.set_status(200);
  EXPECT_EQ(absl::BytesToHexString(Encoded(Lz4(), ok)), "0000000308c801");
}

TEST(FrameEncoder, MessageOf1436BytesIsPlainAndOf1437Compressed) {
  const std::string plain = Encoded(Lz4(), Message(1436, true));
  EXPECT_EQ(HeaderOf(plain), (FrameHeader{false, 1436}));
  const std::string compressed = Encoded(Lz4(), Message(1437, true));
  EXPECT_TRUE(HeaderOf(compressed).compressed);
  EXPECT_LT(compressed.size(), 100u);
  EXPECT_THAT(DecodeInPieces(compressed, {}).payloads,
              ElementsAre(Message(1437, true).SerializeAsString()));
}

TEST(FrameEncoder, PeerThatDoesNotReadLz4GetsPlainFrames) {
  const std::string frame = Encoded({}, Message(100000, true));
  EXPECT_EQ(HeaderOf(frame), (FrameHeader{false, 100000}));
}

TEST(FrameEncoder, CompressedFormIsKeptOnlyIfSmaller) {
  const v1::CommandResponse message = Message(100000, false);
  const std::string frame = Encoded(Lz4(), message);
  EXPECT_EQ(HeaderOf(frame), (FrameHeader{false, 100000}));
  EXPECT_EQ(frame.substr(4), message.SerializeAsString());
}

TEST(FrameEncoder, NoCompressibleSizeGrows) {
  for (size_t bytes = 4; bytes < 120; ++bytes) {
    v1::CommandResponse message;
    message.set_message(std::string(bytes, 'a'));
    const std::string frame = Encoded(
        {.limits = {}, .lz4 = true, .compress_above_bytes = 0}, message);
    if (HeaderOf(frame).compressed) {
      EXPECT_LT(HeaderOf(frame).payload_bytes, message.ByteSizeLong());
    }
    EXPECT_THAT(DecodeInPieces(frame, {}).payloads,
                ElementsAre(message.SerializeAsString()));
  }
}

TEST(FrameEncoder, ThresholdCanBeSet) {
  FrameEncoderOptions options = Lz4();
  options.compress_above_bytes = 100;
  EXPECT_FALSE(HeaderOf(Encoded(options, Message(100, true))).compressed);
  EXPECT_TRUE(HeaderOf(Encoded(options, Message(101, true))).compressed);
}

// In the original a second message before the flush, once compressed, went to
// the beginning of the buffer.
TEST(FrameEncoder, SmallThenBigThenSmallStandOneBehindTheOther) {
  FrameEncoder encoder(Lz4());
  const v1::CommandResponse small = Message(10, true);
  const v1::CommandResponse big = Message(5000, true);
  const v1::CommandResponse stubborn = Message(5000, false);
  std::string out;
  for (const auto* message : {&small, &big, &small, &stubborn, &big, &small}) {
    ASSERT_EQ(encoder.Encode(*message, &out), absl::OkStatus());
  }
  const DecodeOutcome outcome = DecodeInPieces(out, {});
  EXPECT_EQ(outcome.status, absl::OkStatus());
  EXPECT_THAT(
      outcome.payloads,
      ElementsAre(small.SerializeAsString(), big.SerializeAsString(),
                  small.SerializeAsString(), stubborn.SerializeAsString(),
                  big.SerializeAsString(), small.SerializeAsString()));
}

TEST(FrameEncoder, WhatTheBufferHoldsIsLeftAlone) {
  for (bool compressible : {false, true}) {
    FrameEncoder encoder(Lz4());
    const v1::CommandResponse message = Message(2000, compressible);
    std::string out = "half a frame that is being written";
    const std::string before = out;
    ASSERT_EQ(encoder.Encode(message, &out), absl::OkStatus());
    EXPECT_EQ(out.substr(0, before.size()), before);
    EXPECT_EQ(out.substr(before.size()), Encoded(Lz4(), message));
  }
}

TEST(FrameEncoder, MessageAtTheLimitIsEncoded) {
  FrameEncoderOptions options;
  options.limits = {.frame_bytes_max = 1000, .uncompressed_bytes_max = 1000};
  EXPECT_EQ(Encoded(options, Message(1000, true)).size(), 1004u);
}

TEST(FrameEncoder, MessageOverTheLimitIsRefusedAndBufferUnchanged) {
  for (bool lz4 : {false, true}) {
    FrameEncoder encoder(
        {.limits = {.frame_bytes_max = 1000, .uncompressed_bytes_max = 1000},
         .lz4 = lz4,
         .compress_above_bytes = 100});
    std::string out = "before";
    const absl::Status status = encoder.Encode(Message(1001, true), &out);
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(FrameErrorCode(status), FrameErrc::kOversizeMessage);
    EXPECT_EQ(status.message(),
              "message of 1001 bytes exceeds the limit of 1000");
    EXPECT_EQ(out, "before");
    // The next one is as if nothing had been.
    EXPECT_EQ(encoder.Encode(v1::CommandRequest(), &out), absl::OkStatus());
    EXPECT_EQ(out, std::string("before\0\0\0\0", 10));
  }
}

TEST(FrameEncoder, FrameOverTheLimitIsSentIfCompressionBringsItBelow) {
  FrameEncoder encoder(
      {.limits = {.frame_bytes_max = 2000, .uncompressed_bytes_max = 100000},
       .lz4 = true});
  std::string out = "before";
  EXPECT_EQ(encoder.Encode(Message(50000, true), &out), absl::OkStatus());
  EXPECT_LE(out.size(), 6 + 4 + 2000u);
  out = "before";
  const absl::Status status = encoder.Encode(Message(50000, false), &out);
  EXPECT_EQ(FrameErrorCode(status), FrameErrc::kOversizeFrame);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "frame of 50000 bytes exceeds the limit of 2000");
  EXPECT_EQ(out, "before");

  FrameEncoderOptions plain = encoder.options();
  plain.lz4 = false;
  encoder.set_options(plain);
  EXPECT_EQ(FrameErrorCode(encoder.Encode(Message(50000, true), &out)),
            FrameErrc::kOversizeFrame);
  EXPECT_EQ(out, "before");
}

TEST(FrameEncoder, SetOptionsHoldsFromTheNextMessageOn) {
  FrameEncoder encoder;
  std::string out;
  ASSERT_EQ(encoder.Encode(Message(2000, true), &out), absl::OkStatus());
  EXPECT_FALSE(HeaderOf(out).compressed);
  encoder.set_options(Lz4());
  out.clear();
  ASSERT_EQ(encoder.Encode(Message(2000, true), &out), absl::OkStatus());
  EXPECT_TRUE(HeaderOf(out).compressed);
}

TEST(FrameEncoder, LimitsAboveTheCeilingCountAsTheCeiling) {
  FrameEncoder encoder({.limits = {0xffffffff, 0xffffffff}});
  EXPECT_EQ(encoder.options().limits,
            (FrameLimits{kFrameBytesMaxCeiling, kFrameBytesMaxCeiling}));
}

TEST(FrameEncoder, PayloadInPiecesIsOnePlainFrame) {
  FrameEncoder encoder(Lz4());
  const std::string bytes = Message(5000, true).SerializeAsString();
  const absl::string_view whole = bytes;
  std::string out = "before";
  ASSERT_EQ(
      encoder.EncodePayload({whole.substr(0, 10), "", whole.substr(10)}, &out),
      absl::OkStatus());
  FrameEncoder plain;
  std::string expected = "before";
  ASSERT_EQ(plain.Encode(Message(5000, true), &expected), absl::OkStatus());
  EXPECT_EQ(out, expected) << "as if it had been a message, not compressed";
}

TEST(FrameEncoder, PayloadOverALimitIsRefusedAndBufferUnchanged) {
  const FrameLimits kMessage = {.frame_bytes_max = 2000,
                                .uncompressed_bytes_max = 1000};
  const FrameLimits kFrame = {.frame_bytes_max = 1000,
                              .uncompressed_bytes_max = 2000};
  const std::string half(500, 'x');
  for (const FrameLimits& limits : {kMessage, kFrame}) {
    FrameEncoder encoder({.limits = limits, .lz4 = true});
    std::string out = "before";
    EXPECT_EQ(encoder.EncodePayload({half, half}, &out), absl::OkStatus());
    out = "before";
    const absl::Status status = encoder.EncodePayload({half, half, "x"}, &out);
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_EQ(out, "before");
  }
}

}  // namespace
}  // namespace coffer
