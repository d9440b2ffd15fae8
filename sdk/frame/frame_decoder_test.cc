#include "coffer/sdk/frame/frame_decoder.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/frame/decode_in_pieces.h"
#include "coffer/sdk/frame/malformed_frames.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using Step = FrameDecoder::Step;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The next payload, or what there is instead.
std::string Next(FrameDecoder* decoder) {
  absl::string_view payload;
  switch (decoder->Next(&payload)) {
    case Step::kFrame:
      return std::string(payload);
    case Step::kNeedMore:
      return "<need more>";
    case Step::kError:
      return absl::StrCat("<", decoder->error().message(), ">");
  }
  return "<unknown step>";
}

TEST(FrameDecoder, NothingReceivedNeedsMore) {
  FrameDecoder decoder;
  EXPECT_FALSE(decoder.frame_buffered());
  EXPECT_TRUE(decoder.at_boundary());
  EXPECT_EQ(Next(&decoder), "<need more>");
  EXPECT_EQ(decoder.status(), absl::OkStatus());
  EXPECT_FALSE(decoder.error());
}

TEST(FrameDecoder, EmptyFrameIsDeliveredAtOnce) {
  FrameDecoder decoder;
  Feed(std::string(4, '\0'), &decoder);
  EXPECT_TRUE(decoder.frame_buffered());
  EXPECT_EQ(Next(&decoder), "");
  EXPECT_EQ(Next(&decoder), "<need more>");
  EXPECT_TRUE(decoder.at_boundary());
}

TEST(FrameDecoder, FramesComeInOrder) {
  FrameDecoder decoder;
  Feed(PlainFrame("first") + PlainFrame("") + PlainFrame("third"), &decoder);
  EXPECT_EQ(Next(&decoder), "first");
  EXPECT_EQ(Next(&decoder), "");
  EXPECT_EQ(decoder.buffered_bytes(), 9u);
  EXPECT_FALSE(decoder.at_boundary());
  EXPECT_EQ(Next(&decoder), "third");
  EXPECT_EQ(decoder.buffered_bytes(), 0u);
  EXPECT_EQ(Next(&decoder), "<need more>");
}

TEST(FrameDecoder, UncompressesLz4AndGzip) {
  FrameDecoder decoder;
  Feed(CompressedFrame(Lz4Payload(16, Lz4Match(10))) +
           CompressedFrame(GzipStored("from an older peer")) +
           CompressedFrame(Lz4Payload(0, Lz4Literals(""))) +
           PlainFrame("plain"),
       &decoder);
  EXPECT_EQ(Next(&decoder), "aaaaaaaaaaa12345");
  EXPECT_EQ(Next(&decoder), "from an older peer");
  EXPECT_EQ(Next(&decoder), "");
  EXPECT_EQ(Next(&decoder), "plain");
}

TEST(FrameDecoder, PartOfAFrameIsNoBoundary) {
  FrameDecoder decoder;
  const std::string frame = PlainFrame("payload");
  for (size_t i = 0; i + 1 < frame.size(); ++i) {
    Feed(frame.substr(i, 1), &decoder);
    EXPECT_FALSE(decoder.at_boundary());
    EXPECT_FALSE(decoder.frame_buffered());
    EXPECT_EQ(Next(&decoder), "<need more>");
    EXPECT_EQ(decoder.buffered_bytes(), i + 1);
  }
  Feed(frame.substr(frame.size() - 1), &decoder);
  EXPECT_TRUE(decoder.frame_buffered());
  EXPECT_EQ(Next(&decoder), "payload");
}

TEST(FrameDecoder, EndBetweenFramesIsClean) {
  FrameDecoder decoder;
  Feed(PlainFrame("last"), &decoder);
  decoder.FinishInput();
  EXPECT_TRUE(decoder.frame_buffered());
  EXPECT_EQ(Next(&decoder), "last");
  EXPECT_FALSE(decoder.frame_buffered());
  EXPECT_EQ(Next(&decoder), "<need more>");
  EXPECT_TRUE(decoder.at_boundary());
}

TEST(FrameDecoder, EndInsideHeaderIsDataLoss) {
  for (size_t bytes = 1; bytes < kFrameHeaderBytes; ++bytes) {
    FrameDecoder decoder;
    Feed(PlainFrame("last") + std::string(bytes, '\0'), &decoder);
    decoder.FinishInput();
    EXPECT_EQ(Next(&decoder), "last");
    EXPECT_TRUE(decoder.frame_buffered());
    EXPECT_EQ(Next(&decoder), "<end of input inside a frame header>");
    EXPECT_EQ(decoder.error(), FrameErrc::kTruncatedHeader);
    EXPECT_EQ(decoder.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(
        decoder.status().message(),
        absl::StrCat("input ends after ", bytes, " bytes of a frame header"));
  }
}

TEST(FrameDecoder, EndInsidePayloadIsDataLoss) {
  const std::string frame = PlainFrame("payload");
  for (size_t bytes = kFrameHeaderBytes; bytes < frame.size(); ++bytes) {
    FrameDecoder decoder;
    Feed(PlainFrame("last") + frame.substr(0, bytes), &decoder);
    decoder.FinishInput();
    EXPECT_EQ(Next(&decoder), "last");
    EXPECT_TRUE(decoder.frame_buffered());
    EXPECT_EQ(Next(&decoder), "<end of input inside a frame payload>");
    EXPECT_EQ(decoder.error(), FrameErrc::kTruncatedPayload);
    EXPECT_EQ(decoder.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(decoder.status().message(),
              absl::StrCat("input ends after ", bytes - kFrameHeaderBytes,
                           " of the 7 bytes of a frame's payload"));
  }
}

TEST(FrameDecoder, LimitsAreInclusive) {
  FrameDecoder decoder({.frame_bytes_max = 7, .uncompressed_bytes_max = 7});
  Feed(PlainFrame("7 bytes") + PlainFrame("8 bytes."), &decoder);
  EXPECT_EQ(Next(&decoder), "7 bytes");
  EXPECT_EQ(Next(&decoder), "<frame exceeds the limit>");
}

TEST(FrameDecoder, OversizeHeaderIsRefusedBeforeItsPayloadComes) {
  FrameDecoder decoder(
      {.frame_bytes_max = 8 << 20, .uncompressed_bytes_max = 8 << 20});
  std::string header(kFrameHeaderBytes, '\0');
  EncodeFrameHeader({false, 9000000}, header.data());
  Feed(header, &decoder);
  EXPECT_TRUE(decoder.frame_buffered());
  absl::string_view payload;
  EXPECT_EQ(decoder.Next(&payload), Step::kError);
  EXPECT_EQ(decoder.status().message(),
            "frame of 9000000 bytes exceeds the limit of 8388608");
}

TEST(FrameDecoder, PlainMessageIsHeldAgainstTheMessageLimitToo) {
  FrameDecoder decoder({.frame_bytes_max = 100, .uncompressed_bytes_max = 10});
  Feed(PlainFrame("eleven byte"), &decoder);
  absl::string_view payload;
  EXPECT_EQ(decoder.Next(&payload), Step::kError);
  EXPECT_EQ(decoder.error(), FrameErrc::kOversizeMessage);
  EXPECT_EQ(decoder.status().message(),
            "message of 11 bytes exceeds the limit of 10");
}

TEST(FrameDecoder, LimitAboveTheCeilingCountsAsTheCeiling) {
  FrameDecoder decoder(
      {.frame_bytes_max = 0xffffffff, .uncompressed_bytes_max = 0xffffffff});
  std::string header(kFrameHeaderBytes, '\0');
  EncodeFrameHeader({false, kFrameBytesMaxCeiling + 1}, header.data());
  Feed(header, &decoder);
  EXPECT_EQ(Next(&decoder), "<frame exceeds the limit>");
}

TEST(FrameDecoder, NewLimitsHoldFromTheNextHeaderOn) {
  FrameDecoder decoder({.frame_bytes_max = 20, .uncompressed_bytes_max = 20});
  const std::string lz4 = CompressedFrame(Lz4Payload(16, Lz4Match(10)));
  Feed(lz4.substr(0, 5), &decoder);
  EXPECT_EQ(Next(&decoder), "<need more>");
  decoder.set_limits({.frame_bytes_max = 4, .uncompressed_bytes_max = 4});
  Feed(lz4.substr(5) + PlainFrame("four") + PlainFrame("fives"), &decoder);
  EXPECT_EQ(Next(&decoder), "aaaaaaaaaaa12345");
  EXPECT_EQ(Next(&decoder), "four");
  EXPECT_TRUE(decoder.frame_buffered());
  EXPECT_EQ(Next(&decoder), "<frame exceeds the limit>");
}

TEST(FrameDecoder, RaisedLimitsHoldForAHeaderNotLookedAtYet) {
  FrameDecoder decoder({.frame_bytes_max = 4, .uncompressed_bytes_max = 4});
  Feed(PlainFrame("hello") + PlainFrame("hello again"), &decoder);
  decoder.set_limits({});
  EXPECT_EQ(Next(&decoder), "hello");
  EXPECT_EQ(Next(&decoder), "hello again");
}

// A read may be under way while frames that came before are taken, whatever
// these are: their sizes, their compression, an error among them.
TEST(FrameDecoder, RoomStaysWhileFramesAreTaken) {
  FrameDecoder decoder;
  const std::string large = PlainFrame(std::string(200000, 'x'));
  Feed(large + CompressedFrame(GzipStored("zipped")) +
           PlainFrame("partly").substr(0, 7),
       &decoder);
  const absl::Span<char> room = decoder.Prepare();
  EXPECT_EQ(Next(&decoder).size(), 200000u);
  EXPECT_EQ(Next(&decoder), "zipped");
  EXPECT_EQ(Next(&decoder), "<need more>");
  const std::string rest = "tly" + CompressedFrame("");
  ASSERT_GE(room.size(), rest.size());
  std::copy(rest.begin(), rest.end(), room.begin());
  decoder.Commit(rest.size());
  EXPECT_EQ(Next(&decoder), "partly");
  const absl::Span<char> last = decoder.Prepare();
  EXPECT_EQ(Next(&decoder), "<compressed block ends early>");
  std::fill(last.begin(), last.end(), 'x');
  decoder.Commit(last.size());
  EXPECT_EQ(Next(&decoder), "<compressed block ends early>");
}

TEST(FrameDecoder, PreparedTwiceOrCommittedNothingLosesNothing) {
  FrameDecoder decoder;
  const std::string frame = PlainFrame("payload");
  for (char c : frame) {
    decoder.Prepare();
    decoder.Prepare()[0] = 'x';  // A read that was cancelled after all.
    decoder.Commit(0);
    EXPECT_EQ(Next(&decoder), "<need more>");
    decoder.Prepare()[0] = c;
    decoder.Commit(1);
  }
  EXPECT_EQ(Next(&decoder), "payload");
}

TEST(FrameDecoder, ReadingOnWithoutTakingFramesKeepsThem) {
  FrameDecoder decoder;
  const std::string frame = PlainFrame(std::string(1000, 'x'));
  // The header of the first frame has been looked at.
  Feed(frame.substr(0, 10), &decoder);
  EXPECT_EQ(Next(&decoder), "<need more>");
  Feed(frame.substr(10), &decoder);
  for (int i = 1; i < 1000; ++i) Feed(frame, &decoder);
  EXPECT_EQ(decoder.buffered_bytes(), 1000 * frame.size());
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(Next(&decoder).size(), 1000u) << i;
  EXPECT_EQ(Next(&decoder), "<need more>");
}

TEST(FrameDecoder, MovedDecoderGoesOn) {
  FrameDecoder first;
  const std::string frame = PlainFrame("payload");
  Feed(frame.substr(0, 6), &first);
  EXPECT_EQ(Next(&first), "<need more>");
  FrameDecoder second(std::move(first));
  Feed(frame.substr(6) + frame, &second);
  EXPECT_EQ(Next(&second), "payload");
  first = std::move(second);
  EXPECT_EQ(Next(&first), "payload");
}

TEST(FrameDecoder, AfterAnErrorItTakesInputAndForgetsIt) {
  FrameDecoder decoder(kMalformedFrameLimits);
  Feed("\xff\xff\xff\xff", &decoder);
  EXPECT_EQ(Next(&decoder), "<frame exceeds the limit>");
  for (int i = 0; i < 1000; ++i) Feed(PlainFrame("late"), &decoder);
  EXPECT_EQ(decoder.buffered_bytes(), 0u);
  EXPECT_LE(decoder.memory_bytes(), 4096u);
  EXPECT_EQ(Next(&decoder), "<frame exceeds the limit>");
  decoder.set_limits({});
  decoder.FinishInput();
  EXPECT_EQ(Next(&decoder), "<frame exceeds the limit>");
  EXPECT_FALSE(decoder.at_boundary());
  EXPECT_TRUE(decoder.frame_buffered());
}

TEST(FrameDecoderDeathTest, CommitOfMoreThanTheRoomIsABug) {
  FrameDecoder decoder;
  const size_t room = decoder.Prepare().size();
  EXPECT_DEATH(decoder.Commit(room + 1), "room_bytes_");
}

TEST(FrameDecoderDeathTest, CommitAfterFinishInputIsABug) {
  FrameDecoder decoder;
  decoder.Prepare();
  decoder.FinishInput();
  EXPECT_DEATH(decoder.Commit(1), "FinishInput");
}

// Each way to be malformed, as a test of its own name.
class MalformedFrameTest : public testing::TestWithParam<MalformedFrame> {};

TEST_P(MalformedFrameTest, IsRefusedWithItsCode) {
  const DecodeOutcome outcome =
      DecodeInPieces(GetParam().bytes, {}, kMalformedFrameLimits);
  EXPECT_EQ(outcome.error, GetParam().code) << outcome;
  EXPECT_THAT(outcome.payloads, ElementsAre());
  EXPECT_EQ(outcome.status.code(), FrameError(GetParam().code, "").code());
  EXPECT_THAT(std::string(outcome.status.message()), HasSubstr(" bytes"));
}

TEST_P(MalformedFrameTest, ValidFramesBeforeItAreHandedOut) {
  const std::string before = PlainFrame("one") + PlainFrame("") +
                             CompressedFrame(Lz4Payload(16, Lz4Match(10)));
  const DecodeOutcome outcome =
      DecodeInPieces(before + GetParam().bytes, {}, kMalformedFrameLimits);
  EXPECT_THAT(outcome.payloads, ElementsAre("one", "", "aaaaaaaaaaa12345"));
  EXPECT_EQ(outcome.error, GetParam().code) << outcome;
}

TEST_P(MalformedFrameTest, NothingAfterItIsHandedOut) {
  // What ends early without more bytes is not malformed with them.
  if (GetParam().code == FrameErrc::kTruncatedHeader ||
      GetParam().code == FrameErrc::kTruncatedPayload) {
    FrameDecoder decoder(kMalformedFrameLimits);
    Feed(GetParam().bytes, &decoder);
    EXPECT_EQ(Next(&decoder), "<need more>");
    return;
  }
  const DecodeOutcome outcome = DecodeInPieces(
      GetParam().bytes + PlainFrame("after"), {}, kMalformedFrameLimits);
  EXPECT_THAT(outcome.payloads, ElementsAre());
  EXPECT_EQ(outcome.error, GetParam().code) << outcome;
}

// The original ended the process when it read on after an error.
TEST_P(MalformedFrameTest, ErrorIsFinal) {
  FrameDecoder decoder(kMalformedFrameLimits);
  Feed(GetParam().bytes, &decoder);
  decoder.FinishInput();
  const std::string error = Next(&decoder);
  const absl::Status status = decoder.status();
  EXPECT_EQ(decoder.error(), GetParam().code);
  for (int i = 0; i < 3; ++i) {
    decoder.Prepare();
    decoder.Commit(1);
    decoder.FinishInput();
    EXPECT_EQ(Next(&decoder), error);
    EXPECT_EQ(decoder.status(), status);
    EXPECT_TRUE(decoder.frame_buffered());
    EXPECT_FALSE(decoder.at_boundary());
    EXPECT_EQ(decoder.buffered_bytes(), 0u);
  }
}

TEST_P(MalformedFrameTest, AnySplitGivesTheSame) {
  const std::string bytes = PlainFrame("valid") + GetParam().bytes;
  const DecodeOutcome whole = DecodeInPieces(bytes, {}, kMalformedFrameLimits);
  EXPECT_EQ(DecodeByteByByte(bytes, kMalformedFrameLimits), whole);
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    EXPECT_EQ(DecodeInPieces(bytes, {cut}, kMalformedFrameLimits), whole)
        << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(FrameDecoder, MalformedFrameTest,
                         testing::ValuesIn(MalformedFrames()),
                         [](const testing::TestParamInfo<MalformedFrame>& i) {
                           return i.param.name;
                         });

}  // namespace
}  // namespace coffer
