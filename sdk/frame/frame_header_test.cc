#include "coffer/sdk/frame/frame_header.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

std::string Encoded(FrameHeader header) {
  std::string bytes(kFrameHeaderBytes, 'x');
  EncodeFrameHeader(header, bytes.data());
  return absl::BytesToHexString(bytes);
}

FrameHeader Decoded(absl::string_view hex) {
  return DecodeFrameHeader(absl::HexStringToBytes(hex).data());
}

TEST(FrameHeader, EncodesBigEndianWithCompressedBitOnTop) {
  EXPECT_EQ(Encoded({false, 0}), "00000000");
  EXPECT_EQ(Encoded({true, 0}), "80000000");
  EXPECT_EQ(Encoded({false, 0x01020304}), "01020304");
  EXPECT_EQ(Encoded({true, 0x7fffffff}), "ffffffff");
}

TEST(FrameHeader, DecodesWhatItEncodes) {
  EXPECT_EQ(Decoded("00000000"), (FrameHeader{false, 0}));
  EXPECT_EQ(Decoded("80000000"), (FrameHeader{true, 0}));
  EXPECT_EQ(Decoded("81fefdfc"), (FrameHeader{true, 0x01fefdfc}));
  EXPECT_EQ(Decoded("7fffffff"), (FrameHeader{false, 0x7fffffff}));
}

TEST(FrameHeaderDeathTest, PayloadOf2GiBIsABug) {
  char bytes[kFrameHeaderBytes];
  EXPECT_DEATH(EncodeFrameHeader({false, kFrameCompressedBit}, bytes),
               "payload_bytes");
}

TEST(FrameLimits, ClampsToCeilingAndKeepsWhatIsBelow) {
  const FrameLimits limits =
      ClampToCeiling({.frame_bytes_max = kFrameBytesMaxCeiling + 1,
                      .uncompressed_bytes_max = kFrameBytesMaxCeiling});
  EXPECT_EQ(limits.frame_bytes_max, 512u * 1024 * 1024);
  EXPECT_EQ(limits.uncompressed_bytes_max, kFrameBytesMaxCeiling);
  EXPECT_EQ(ClampToCeiling({0, 7}), (FrameLimits{0, 7}));
}

}  // namespace
}  // namespace coffer
