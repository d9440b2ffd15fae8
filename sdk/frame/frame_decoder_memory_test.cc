// What a peer can make a decoder hold: in proportion to what it has sent, never
// to what it claims.

#include <zlib.h>

#include <string>
#include <vector>

#include "coffer/sdk/frame/decode_in_pieces.h"
#include "coffer/sdk/frame/frame_decoder.h"
#include "coffer/sdk/frame/malformed_frames.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using Step = FrameDecoder::Step;

constexpr size_t kKiB = 1024;
constexpr FrameLimits kLargestLimits = {
    .frame_bytes_max = kFrameBytesMaxCeiling,
    .uncompressed_bytes_max = kFrameBytesMaxCeiling};

std::string Header(bool compressed, uint32_t payload_bytes) {
  std::string header(kFrameHeaderBytes, '\0');
  EncodeFrameHeader({compressed, payload_bytes}, header.data());
  return header;
}

Step Next(FrameDecoder* decoder) {
  absl::string_view payload;
  return decoder->Next(&payload);
}

TEST(FrameDecoderMemory, NothingIsHeldBeforeTheFirstRead) {
  FrameDecoder decoder;
  EXPECT_EQ(Next(&decoder), Step::kNeedMore);
  EXPECT_EQ(decoder.memory_bytes(), 0u);
}

TEST(FrameDecoderMemory, FirstReadTakes4KiBWhateverTheLimits) {
  FrameDecoder decoder(kLargestLimits);
  EXPECT_EQ(decoder.Prepare().size(), 4 * kKiB);
  EXPECT_EQ(decoder.memory_bytes(), 4 * kKiB);
}

// In the original four bytes reserved 2 GiB.
TEST(FrameDecoderMemory, EightConnectionsThatClaim2GiBCostKilobytes) {
  std::vector<FrameDecoder> decoders;
  for (int i = 0; i < 8; ++i) decoders.emplace_back(kLargestLimits);
  size_t total = 0;
  for (FrameDecoder& decoder : decoders) {
    Feed("\x7f\xff\xff\xff", &decoder);
    EXPECT_EQ(Next(&decoder), Step::kError);
    EXPECT_EQ(decoder.error(), FrameErrc::kOversizeFrame);
    decoder.Prepare();
    total += decoder.memory_bytes();
  }
  EXPECT_LE(total, 8 * 4 * kKiB);
}

TEST(FrameDecoderMemory, LargestLegalClaimCosts4KiB) {
  for (bool compressed : {false, true}) {
    FrameDecoder decoder(kLargestLimits);
    Feed(Header(compressed, kFrameBytesMaxCeiling), &decoder);
    EXPECT_EQ(Next(&decoder), Step::kNeedMore);
    decoder.Prepare();
    EXPECT_EQ(decoder.memory_bytes(), 4 * kKiB);
  }
}

TEST(FrameDecoderMemory, GrowsWithWhatArrives) {
  FrameDecoder decoder(kLargestLimits);
  Feed(Header(false, kFrameBytesMaxCeiling), &decoder);
  EXPECT_EQ(Next(&decoder), Step::kNeedMore);
  const std::string piece(1000, 'x');
  for (size_t received = 1000; received < 3'000'000; received += 1000) {
    Feed(piece, &decoder);
    EXPECT_EQ(Next(&decoder), Step::kNeedMore);
    ASSERT_LE(decoder.memory_bytes(),
              std::max<size_t>(64 * kKiB, 3 * received));
  }
}

TEST(FrameDecoderMemory, FrameTakesItsSizeAndOneReadMore) {
  constexpr size_t kBytes = 5'000'000;
  FrameDecoder decoder;
  Feed(Header(false, kBytes), &decoder);
  EXPECT_EQ(Next(&decoder), Step::kNeedMore);
  Feed(std::string(kBytes, 'x'), &decoder);
  EXPECT_LE(decoder.memory_bytes(), kBytes + 8 * kKiB);
  EXPECT_EQ(Next(&decoder), Step::kFrame);
}

TEST(FrameDecoderMemory, LargeBufferIsGivenBackWhenItIsEmpty) {
  FrameDecoder decoder;
  Feed(PlainFrame(std::string(1'000'000, 'x')), &decoder);
  EXPECT_GE(decoder.memory_bytes(), 1'000'000u);
  EXPECT_EQ(Next(&decoder), Step::kFrame);
  EXPECT_EQ(Next(&decoder), Step::kNeedMore);
  decoder.Prepare();
  EXPECT_EQ(decoder.memory_bytes(), 4 * kKiB);
}

// A peer that always leaves part of a frame behind.
TEST(FrameDecoderMemory, LargeBufferIsGivenBackWhenLittleIsLeft) {
  FrameDecoder decoder;
  Feed(PlainFrame(std::string(1'000'000, 'x')) + Header(false, 1000) + "rest",
       &decoder);
  EXPECT_EQ(Next(&decoder), Step::kFrame);
  EXPECT_EQ(Next(&decoder), Step::kNeedMore);
  decoder.Prepare();
  EXPECT_LE(decoder.memory_bytes(), 4 * kKiB);
  Feed(std::string(996, 'x'), &decoder);
  EXPECT_EQ(Next(&decoder), Step::kFrame);
}

TEST(FrameDecoderMemory, UncompressedMessageIsGivenBack) {
  FrameDecoder decoder;
  const std::string text(60'000, 'x');
  Feed(CompressedFrame(GzipStored(text)) + PlainFrame("after"), &decoder);
  EXPECT_EQ(Next(&decoder), Step::kFrame);
  const size_t with_small = decoder.memory_bytes();
  Feed(CompressedFrame(Lz4Payload(16, Lz4Match(10))), &decoder);
  EXPECT_EQ(Next(&decoder), Step::kFrame);
  EXPECT_EQ(Next(&decoder), Step::kFrame);
  EXPECT_LE(decoder.memory_bytes(), with_small) << "64 KiB are kept and reused";

  std::string large;
  {
    uLongf bytes = compressBound(1'000'000);
    large.resize(bytes);
    z_stream stream = {};
    ASSERT_EQ(
        deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
        Z_OK);
    std::string plain(1'000'000, 'x');
    stream.next_in = reinterpret_cast<Bytef*>(plain.data());
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(large.data());
    stream.avail_out = static_cast<uInt>(large.size());
    ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    large.resize(stream.total_out);
    deflateEnd(&stream);
  }
  Feed(CompressedFrame(large), &decoder);
  EXPECT_EQ(Next(&decoder), Step::kFrame);
  EXPECT_GE(decoder.memory_bytes(), 1'000'000u);
  decoder.Prepare();
  EXPECT_LE(decoder.memory_bytes(), 128 * kKiB);
}

TEST(FrameDecoderMemory, RefusedBombLeavesNothingBehind) {
  FrameDecoder decoder(kMalformedFrameLimits);
  Feed(CompressedFrame(GzipStored(std::string(5000, 'x'))), &decoder);
  EXPECT_EQ(Next(&decoder), Step::kError);
  EXPECT_EQ(decoder.error(), FrameErrc::kOversizeMessage);
  decoder.Prepare();
  EXPECT_EQ(decoder.memory_bytes(), 8 * kKiB) << "what 5000 bytes came into";
}

TEST(FrameDecoderMemory, BusyConnectionReadsMoreAtOnceUpTo64KiB) {
  FrameDecoder decoder;
  const std::string frame = PlainFrame(std::string(60, 'x'));
  size_t largest = 0;
  for (int i = 0; i < 20; ++i) {
    absl::Span<char> room = decoder.Prepare();
    largest = std::max(largest, room.size());
    // A peer whose bytes fill every read.
    for (size_t at = 0; at < room.size(); ++at) room[at] = frame[at % 64];
    ASSERT_EQ(room.size() % 64, 0u);
    decoder.Commit(room.size());
    while (Next(&decoder) == Step::kFrame) continue;
  }
  EXPECT_EQ(largest, 64 * kKiB);
  EXPECT_EQ(decoder.memory_bytes(), 64 * kKiB);
}

TEST(FrameDecoderMemory, SteadySmallFramesNeverReallocate) {
  FrameDecoder decoder;
  const std::string frame = PlainFrame(std::string(100, 'x'));
  Feed(frame.substr(0, 50), &decoder);
  for (int i = 0; i < 10000; ++i) {
    // Always half a frame ahead.
    Feed(frame.substr(50) + frame.substr(0, 50), &decoder);
    ASSERT_EQ(Next(&decoder), Step::kFrame);
    ASSERT_EQ(Next(&decoder), Step::kNeedMore);
    ASSERT_EQ(decoder.memory_bytes(), 4 * kKiB);
  }
}

}  // namespace
}  // namespace coffer
