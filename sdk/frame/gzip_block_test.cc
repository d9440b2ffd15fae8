#include "coffer/sdk/frame/gzip_block.h"

#include <zlib.h>

#include <random>
#include <string>

#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/frame/malformed_frames.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

// What an older peer would send.
std::string Gzip(absl::string_view plain) {
  z_stream stream = {};
  EXPECT_EQ(
      deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
      Z_OK);
  std::string out(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

absl::Status Uncompress(absl::string_view payload, uint32_t plain_bytes_max,
                        ByteBuffer* out, std::string* plain) {
  absl::string_view view;
  const absl::Status status =
      UncompressGzip(payload, plain_bytes_max, out, &view);
  *plain = status.ok() ? std::string(view) : "";
  return status;
}

boost::system::error_code ErrorOf(absl::string_view payload,
                                  uint32_t plain_bytes_max = 1 << 20) {
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

TEST(GzipBlock, UncompressesEverySize) {
  ByteBuffer out;
  for (size_t bytes : {0, 1, 1437, 4095, 4096, 4097, 8192, 70000, 3000000}) {
    for (const std::string& text :
         {std::string(bytes, 'a'), RandomBytes(bytes)}) {
      std::string plain;
      EXPECT_EQ(Uncompress(Gzip(text), 3000000, &out, &plain),
                absl::OkStatus());
      EXPECT_TRUE(plain == text) << bytes;
    }
  }
}

TEST(GzipBlock, UncompressesMemberMadeByHand) {
  ByteBuffer out;
  std::string plain;
  EXPECT_EQ(Uncompress(GzipStored("as it is"), 8, &out, &plain),
            absl::OkStatus());
  EXPECT_EQ(plain, "as it is");
}

TEST(GzipBlock, LimitIsInclusive) {
  for (size_t bytes : {0, 1, 100, 4095, 4096, 4097, 100000}) {
    const std::string payload = Gzip(std::string(bytes, 'a'));
    EXPECT_FALSE(ErrorOf(payload, bytes)) << bytes;
    if (bytes > 0) {
      EXPECT_EQ(ErrorOf(payload, bytes - 1), FrameErrc::kOversizeMessage)
          << bytes;
    }
  }
}

// The original inflated 306 kB to 300 MiB.
TEST(GzipBlock, BombCostsTheLimitAndNoMore) {
  constexpr uint32_t kLimit = 1 << 20;
  const std::string bomb = Gzip(std::string(64 << 20, '\0'));
  ASSERT_LT(bomb.size(), 100000u);
  ByteBuffer out;
  std::string plain;
  const absl::Status status = Uncompress(bomb, kLimit, &out, &plain);
  EXPECT_EQ(FrameErrorCode(status), FrameErrc::kOversizeMessage);
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr("exceeds the limit of 1048576"));
  EXPECT_LE(out.capacity(), kLimit + 1);
}

TEST(GzipBlock, OutputGrowsWithWhatComesOut) {
  ByteBuffer out;
  std::string plain;
  EXPECT_EQ(Uncompress(Gzip("short"), 512 << 20, &out, &plain),
            absl::OkStatus());
  EXPECT_LE(out.capacity(), 4096u);
}

TEST(GzipBlock, EveryCutIsTruncated) {
  const std::string payload = Gzip(std::string(300, 'a') + RandomBytes(300));
  for (size_t bytes = 2; bytes < payload.size(); ++bytes) {
    EXPECT_EQ(ErrorOf(absl::string_view(payload).substr(0, bytes)),
              FrameErrc::kTruncatedBlock)
        << bytes;
  }
}

TEST(GzipBlock, EveryTrailingByteIsRefused) {
  const std::string payload = Gzip(std::string(300, 'a'));
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(ErrorOf(payload + static_cast<char>(byte)),
              FrameErrc::kTrailingBytes)
        << byte;
  }
  EXPECT_EQ(ErrorOf(payload + payload), FrameErrc::kTrailingBytes);
}

// The checksum finds what the format does not. A few bits mean nothing: those
// that fill the last byte of the data, or give a length to a code that is not
// used.
TEST(GzipBlock, EveryChangedByteIsRefusedOrChangesNothing) {
  const std::string text = "header " + std::string(300, 'a') + RandomBytes(300);
  const std::string good = Gzip(text);
  const size_t header_bytes = 10;
  const size_t checksum_at = good.size() - 8;
  const size_t length_at = good.size() - 4;
  size_t accepted = 0;
  for (size_t i = header_bytes; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string payload = good;
      payload[i] = static_cast<char>(payload[i] ^ 1 << bit);
      ByteBuffer out;
      std::string plain;
      const absl::Status status = Uncompress(payload, 1 << 20, &out, &plain);
      if (i >= length_at) {
        EXPECT_EQ(FrameErrorCode(status), FrameErrc::kSizeMismatch) << i;
      } else if (i >= checksum_at) {
        EXPECT_EQ(FrameErrorCode(status), FrameErrc::kCorruptBlock) << i;
      } else if (status.ok()) {
        EXPECT_EQ(plain, text) << i;
        ++accepted;
      }
    }
  }
  EXPECT_LT(accepted, 100u);
}

TEST(GzipBlock, OptionalHeaderFieldsAreRead) {
  std::string member = GzipStored("text");
  member[3] = 0x08;  // A file name follows the header.
  member.insert(10, std::string("name\0", 5));
  EXPECT_FALSE(ErrorOf(member));
}

}  // namespace
}  // namespace coffer::internal
