#include "coffer/sdk/frame/frame_corpus.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/frame/frame_limits.h"
#include "coffer/sdk/frame/golden_frames.h"
#include "coffer/sdk/frame/malformed_frames.h"

namespace coffer {
namespace {

// Large limits; the limits that the malformed frames are against.
constexpr uint8_t kLargeLimits = 0;
constexpr uint8_t kSmallLimits = 3;

std::string Seed(uint8_t chosen, uint8_t cut, absl::string_view stream,
                 char piece_bytes_max = '\x07') {
  const std::string preamble = {static_cast<char>(chosen),
                                static_cast<char>(cut), piece_bytes_max};
  return absl::StrCat(preamble, stream);
}

// A field of `number` up to 15 that has a length.
std::string Field(int number, absl::string_view content) {
  std::string field(1, static_cast<char>(number << 3 | 2));
  size_t length = content.size();
  for (; length >= 0x80; length >>= 7) {
    field += static_cast<char>(length | 0x80);
  }
  field += static_cast<char>(length);
  return absl::StrCat(field, content);
}

// An HGETALL of a table with a name of `bytes` bytes.
std::string LargeRequest(size_t bytes) {
  return Field(2, Field(1, std::string(bytes, 't')));
}

// Streams that the buffer has to grow for, and shrinks after.
void AddLargeSeeds(absl::string_view small_frames,
                   std::map<std::string, std::string>* seeds) {
  (*seeds)["large_frame_between_small_ones"] =
      Seed(kLargeLimits | kFuzzTakeWhileReading, 6,
           absl::StrCat(small_frames, PlainFrame(LargeRequest(160'000)),
                        small_frames, small_frames),
           '\x50');
  const std::string empty(4 * kFrameHeaderBytes, '\0');
  const std::string gzip = CompressedFrame(GzipStored(LargeRequest(60'000)));
  // The limits are for the large frames only after the four empty ones.
  (*seeds)["large_gzip_frames_after_limits_rise"] = Seed(
      kSmallLimits | kFuzzTakeWhileReading | kFuzzChangeLimits |
          kLargeLimits << kFuzzLaterLimitsShift | 3 << kFuzzChangeAfterShift,
      7, absl::StrCat(empty, gzip, gzip, small_frames, gzip), '\xff');
}

}  // namespace

std::map<std::string, std::string> FrameCorpus() {
  std::map<std::string, std::string> seeds;
  std::string all;
  uint8_t cut = 0;
  for (const GoldenFrame& golden : GoldenFrames()) {
    seeds[absl::StrCat("golden_", golden.name)] =
        Seed(kLargeLimits, ++cut, golden.frame);
    all += golden.frame;
  }
  for (const GoldenFrame& golden : GoldenGzipFrames()) {
    seeds[absl::StrCat("golden_", golden.name)] =
        Seed(kLargeLimits, ++cut, golden.frame);
    all += golden.frame;
  }
  seeds["stream_of_all_golden_frames"] = Seed(kLargeLimits, 40, all);
  seeds["stream_of_empty_frames"] =
      Seed(kSmallLimits, 3, std::string(40, '\0'));

  const std::string valid = absl::StrCat(
      PlainFrame(""), PlainFrame(absl::string_view("\x0a\x05\x0a\x03tbl", 7)),
      CompressedFrame(Lz4Payload(0, Lz4Literals(""))),
      CompressedFrame(Lz4Payload(16, Lz4Match(10))),
      CompressedFrame(GzipStored("")),
      // An HGETALL of the table "aaaaaaaaaaaaaaaaaaaa".
      CompressedFrame(Lz4Payload(24, absl::string_view("\x5a\x12\x16\x0a\x14"
                                                       "a\x01\0\x50"
                                                       "aaaaa",
                                                       14))));
  seeds["stream_of_valid_frames"] = Seed(kSmallLimits, 5, valid);
  seeds["stream_with_a_bad_frame"] =
      Seed(kSmallLimits, 4,
           absl::StrCat(valid, MalformedFrames().back().bytes, valid));
  seeds["stream_taken_while_reading"] =
      Seed(kSmallLimits | kFuzzTakeWhileReading, 5, valid);
  // The first frame would be over the limits that hold for the last one.
  seeds["stream_after_limits_fall"] =
      Seed(kLargeLimits | kFuzzTakeWhileReading | kFuzzChangeLimits |
               1 << kFuzzLaterLimitsShift | 1 << kFuzzChangeAfterShift,
           5,
           absl::StrCat(PlainFrame(LargeRequest(100)), valid,
                        PlainFrame(LargeRequest(100))));
  AddLargeSeeds(valid, &seeds);
  for (const MalformedFrame& malformed : MalformedFrames()) {
    seeds[absl::StrCat("malformed_", malformed.name)] =
        Seed(kSmallLimits, ++cut, malformed.bytes);
  }
  return seeds;
}

}  // namespace coffer
