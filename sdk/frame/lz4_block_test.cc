#include "coffer/sdk/frame/lz4_block.h"

#include <lz4.h>
#include <sys/mman.h>

#include <random>
#include <string>

#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/frame/malformed_frames.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

constexpr uint32_t kNoLimit = 1u << 30;

std::string Compressed(absl::string_view plain) {
  std::string out(kLz4SizePrefixBytes + LZ4_compressBound(plain.size()), 'x');
  out.resize(CompressLz4(plain, out.data(), out.size()));
  return out;
}

absl::Status Uncompress(absl::string_view payload, uint32_t plain_bytes_max,
                        ByteBuffer* out, std::string* plain) {
  absl::string_view view;
  const absl::Status status =
      UncompressLz4(payload, plain_bytes_max, out, &view);
  *plain = status.ok() ? std::string(view) : "";
  return status;
}

boost::system::error_code ErrorOf(absl::string_view payload,
                                  uint32_t plain_bytes_max = kNoLimit) {
  ByteBuffer out;
  std::string plain;
  return FrameErrorCode(Uncompress(payload, plain_bytes_max, &out, &plain));
}

std::string RandomBytes(size_t count) {
  std::mt19937 random(1);
  std::string bytes(count, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

TEST(Lz4Block, UncompressesWhatItCompresses) {
  ByteBuffer out;
  for (size_t bytes : {0, 1, 2, 12, 13, 100, 1437, 70000, 3000000}) {
    for (const std::string& text :
         {std::string(bytes, 'a'), RandomBytes(bytes)}) {
      const std::string payload = Compressed(text);
      ASSERT_GT(payload.size(), kLz4SizePrefixBytes);
      std::string plain;
      EXPECT_EQ(Uncompress(payload, kNoLimit, &out, &plain), absl::OkStatus());
      EXPECT_TRUE(plain == text) << bytes;
    }
  }
}

TEST(Lz4Block, UncompressesBlocksMadeByHand) {
  ByteBuffer out;
  std::string plain;
  EXPECT_EQ(Uncompress(Lz4Payload(0, Lz4Literals("")), 0, &out, &plain),
            absl::OkStatus());
  EXPECT_EQ(plain, "");
  EXPECT_EQ(Uncompress(Lz4Payload(16, Lz4Match(10)), 16, &out, &plain),
            absl::OkStatus());
  EXPECT_EQ(plain, "aaaaaaaaaaa12345");
}

TEST(Lz4Block, PrefixIsTheUncompressedSizeBigEndian) {
  EXPECT_EQ(Compressed(std::string(0x010203, 'a')).substr(0, 4),
            std::string("\0\x01\x02\x03", 4));
}

TEST(Lz4Block, GivesUpWhereRoomEnds) {
  const std::string text(1000, 'a');
  const size_t needed = Compressed(text).size();
  std::string out(needed, 'x');
  for (size_t room = 0; room < needed; ++room) {
    EXPECT_EQ(CompressLz4(text, out.data(), room), 0u) << room;
  }
  EXPECT_EQ(CompressLz4(text, out.data(), needed), needed);
}

// The limits can be raised to 512 MiB, where a size prefix may look like the
// beginning of gzip. The zeros are mapped: they take no memory.
TEST(Lz4Block, SizeThatReadsAsGzipIsNotCompressed) {
  constexpr size_t kMapped = 0x1f8c0000;
  void* const mapped = mmap(nullptr, kMapped, PROT_READ,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  const absl::string_view zeros(static_cast<const char*>(mapped), kMapped);
  std::string out(4 << 20, 'x');
  for (size_t bytes : {0x1f8b0000, 0x1f8b1234, 0x1f8bffff}) {
    EXPECT_EQ(CompressLz4(zeros.substr(0, bytes), out.data(), out.size()), 0u);
  }
  // The sizes next to them are compressed.
  for (size_t bytes : {0x1f8affff, 0x1f8c0000}) {
    EXPECT_GT(CompressLz4(zeros.substr(0, bytes), out.data(), out.size()), 0u);
  }
  munmap(mapped, kMapped);
}

TEST(Lz4Block, LimitIsInclusive) {
  const std::string payload = Compressed(std::string(1000, 'a'));
  EXPECT_FALSE(ErrorOf(payload, 1000));
  EXPECT_EQ(ErrorOf(payload, 999), FrameErrc::kOversizeMessage);
}

TEST(Lz4Block, OversizeClaimIsRefusedBeforeMemoryIsTaken) {
  ByteBuffer out;
  std::string plain;
  const std::string block(1 << 20, '\xff');
  const absl::Status status =
      Uncompress(Lz4Payload((16 << 20) + 1, block), 16 << 20, &out, &plain);
  EXPECT_EQ(FrameErrorCode(status), FrameErrc::kOversizeMessage);
  EXPECT_EQ(status.message(),
            "message of 16777217 bytes in an LZ4 block exceeds the limit of "
            "16777216");
  EXPECT_EQ(out.capacity(), 0u);
}

TEST(Lz4Block, ImpossibleClaimIsRefusedBeforeMemoryIsTaken) {
  ByteBuffer out;
  std::string plain;
  EXPECT_EQ(FrameErrorCode(Uncompress(Lz4Payload(16 << 20, "0123456789"),
                                      16 << 20, &out, &plain)),
            FrameErrc::kSizeMismatch);
  EXPECT_EQ(out.capacity(), 0u);
}

TEST(Lz4Block, PossibleClaimTakesAtMostTheLimit) {
  ByteBuffer out;
  std::string plain;
  const std::string block(100, '\xff');
  EXPECT_EQ(
      FrameErrorCode(Uncompress(Lz4Payload(20000, block), 21000, &out, &plain)),
      FrameErrc::kTruncatedBlock);
  EXPECT_LE(out.capacity(), 21000u);
}

TEST(Lz4Block, MemoryIsReused) {
  ByteBuffer out;
  std::string plain;
  const std::string payload = Compressed(std::string(5000, 'a'));
  EXPECT_EQ(Uncompress(payload, kNoLimit, &out, &plain), absl::OkStatus());
  const char* const memory = out.data();
  EXPECT_EQ(Uncompress(payload, kNoLimit, &out, &plain), absl::OkStatus());
  EXPECT_EQ(out.data(), memory);
}

// A block cut between two of its runs is a complete block of fewer bytes: only
// its declared size tells.
TEST(Lz4Block, EveryCutIsRefused) {
  const std::string payload =
      Compressed("header " + std::string(300, 'a') + RandomBytes(300) +
                 std::string(50, 'b') + "the end of it");
  size_t truncated = 0;
  for (size_t bytes = 0; bytes < payload.size(); ++bytes) {
    const auto error = ErrorOf(absl::string_view(payload).substr(0, bytes));
    EXPECT_TRUE(error == FrameErrc::kTruncatedBlock ||
                error == FrameErrc::kSizeMismatch)
        << bytes << ": " << error;
    truncated += error == FrameErrc::kTruncatedBlock;
  }
  EXPECT_GT(truncated, payload.size() - 10);
}

// Where the declared size is reached at the end of a run of literals, here
// after the first byte, the rest counts as trailing.
TEST(Lz4Block, EveryWrongSizeIsRefused) {
  const std::string payload =
      Compressed(std::string(300, 'a') + RandomBytes(30));
  EXPECT_EQ(ErrorOf(Lz4Payload(1, payload.substr(4))),
            FrameErrc::kTrailingBytes);
  for (uint32_t declared = 0; declared < 1000; ++declared) {
    if (declared == 1 || declared == 330) continue;
    EXPECT_EQ(ErrorOf(Lz4Payload(declared, payload.substr(4))),
              FrameErrc::kSizeMismatch)
        << declared;
  }
}

// LZ4 has no checksum, so that a changed byte may give another message: it must
// have the declared size then, and no change may do harm.
TEST(Lz4Block, EveryChangedByteIsRefusedOrKeepsTheSize) {
  const std::string good =
      Compressed("header " + std::string(300, 'a') + RandomBytes(300));
  size_t corrupt = 0;
  for (size_t i = kLz4SizePrefixBytes; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string payload = good;
      payload[i] = static_cast<char>(payload[i] ^ 1 << bit);
      ByteBuffer out;
      std::string plain;
      const absl::Status status = Uncompress(payload, kNoLimit, &out, &plain);
      if (status.ok()) {
        EXPECT_EQ(plain.size(), 607u);
      }
      corrupt += FrameErrorCode(status) == FrameErrc::kCorruptBlock;
    }
  }
  EXPECT_GT(corrupt, 0u);
}

}  // namespace
}  // namespace coffer::internal
