// Our bytes are the older protocol's, frame by frame: text form to frame, byte
// for byte, and back.

#include "coffer/sdk/frame/golden_frames.h"

#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/frame/decode_in_pieces.h"
#include "coffer/sdk/frame/frame_encoder.h"
#include "coffer/sdk/frame/frame_header.h"
#include "coffer/sdk/frame/message_parser.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using ::google::protobuf::Message;
using ::google::protobuf::TextFormat;
using ::google::protobuf::util::MessageDifferencer;
using ::testing::SizeIs;

std::unique_ptr<Message> FromText(const GoldenFrame& golden) {
  std::unique_ptr<Message> message = golden.NewMessage();
  EXPECT_TRUE(TextFormat::ParseFromString(golden.textproto, message.get()))
      << golden.textproto;
  return message;
}

// The one message in the frame.
std::unique_ptr<Message> Decoded(const GoldenFrame& golden) {
  std::unique_ptr<Message> message = golden.NewMessage();
  const DecodeOutcome outcome = DecodeInPieces(golden.frame, {});
  EXPECT_EQ(outcome.status, absl::OkStatus());
  EXPECT_THAT(outcome.payloads, SizeIs(1));
  if (!outcome.payloads.empty()) {
    EXPECT_EQ(ParseMessage(outcome.payloads[0], message.get()),
              absl::OkStatus());
  }
  return message;
}

std::string EncodedHex(const Message& message, FrameEncoderOptions options) {
  FrameEncoder encoder(options);
  std::string frame;
  EXPECT_EQ(encoder.Encode(message, &frame), absl::OkStatus());
  return absl::BytesToHexString(frame);
}

TEST(GoldenFrames, AllAreThere) {
  EXPECT_THAT(GoldenFrames(), SizeIs(28));
  EXPECT_THAT(GoldenGzipFrames(), SizeIs(2));
}

TEST(GoldenFrames, TextFormEncodesToTheSameBytes) {
  for (const GoldenFrame& golden : GoldenFrames()) {
    EXPECT_EQ(EncodedHex(*FromText(golden), {}),
              absl::BytesToHexString(golden.frame))
        << golden;
  }
}

// Small messages are plain for every peer.
TEST(GoldenFrames, PeerThatReadsLz4GetsTheSameBytes) {
  for (const GoldenFrame& golden : GoldenFrames()) {
    EXPECT_EQ(EncodedHex(*FromText(golden), {.limits = {}, .lz4 = true}),
              absl::BytesToHexString(golden.frame))
        << golden;
  }
}

TEST(GoldenFrames, FrameDecodesToItsTextForm) {
  for (const GoldenFrame& golden : GoldenFrames()) {
    EXPECT_FALSE(golden.compressed);
    EXPECT_TRUE(MessageDifferencer::Equals(*Decoded(golden), *FromText(golden)))
        << golden << ": " << Decoded(golden)->ShortDebugString();
  }
}

TEST(GoldenFrames, GzipFramesAreRead) {
  for (const GoldenFrame& golden : GoldenGzipFrames()) {
    EXPECT_EQ(DecodeFrameHeader(golden.frame.data()).compressed,
              golden.compressed);
    const std::unique_ptr<Message> message = Decoded(golden);
    EXPECT_EQ(message->ByteSizeLong(), golden.payload_bytes) << golden;
    const CommandRequest expected =
        MakeHset("t", "k", std::string(golden.payload_bytes - 18, 'a'));
    EXPECT_TRUE(MessageDifferencer::Equals(*message, expected)) << golden;
  }
}

// What an older peer compresses it is sent plain, whatever the size.
TEST(GoldenFrames, GzipIsNeverSent) {
  for (const GoldenFrame& golden : GoldenGzipFrames()) {
    const std::unique_ptr<Message> message = Decoded(golden);
    const std::string hex = EncodedHex(*message, {});
    if (golden.compressed) {
      EXPECT_EQ(hex.substr(0, 8), "0000059d");
    } else {
      EXPECT_EQ(hex, absl::BytesToHexString(golden.frame));
    }
    const std::string lz4 = EncodedHex(*message, {.limits = {}, .lz4 = true});
    EXPECT_NE(lz4.substr(8, 4), "1f8b");
    EXPECT_EQ(lz4[0] == '8', golden.compressed);
  }
}

}  // namespace
}  // namespace coffer
