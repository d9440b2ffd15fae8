// Fuzzes FrameDecoder with any bytes in any pieces. An input is a preamble
// (frame_corpus.h) that chooses limits, a change of them, cuts, and when frames
// are taken; then a stream of frames.
// Aborts unless
//   - the pieces give the frames and the final status that the whole gives, and
//     so do single bytes if the stream is small;
//   - memory stays within what was received and the limits, and no claim of the
//     decoder about itself is broken (both in DecodeAsPlanned);
//   - every payload that parses is encoded, plain and compressed, to a frame
//     that decodes to the same message.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "coffer/sdk/frame/decode_in_pieces.h"
#include "coffer/sdk/frame/frame_corpus.h"
#include "coffer/sdk/frame/frame_encoder.h"
#include "coffer/sdk/frame/frame_limits.h"
#include "coffer/sdk/frame/message_parser.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/v1/kv.pb.h"
#include "google/protobuf/stubs/logging.h"

namespace coffer {
namespace {

constexpr FrameLimits kLimits[] = {
    {.frame_bytes_max = 1 << 20, .uncompressed_bytes_max = 1 << 20},
    {.frame_bytes_max = 64, .uncompressed_bytes_max = 1 << 16},
    {.frame_bytes_max = 0, .uncompressed_bytes_max = 0},
    {.frame_bytes_max = 64 << 10, .uncompressed_bytes_max = 4 << 10},
};
static_assert(std::size(kLimits) == kFuzzLimits + 1);

// A large stream byte by byte shows nothing that a small one does not, slowly.
constexpr size_t kSmallStreamBytes = 16 << 10;

// Ascending offsets up to `bytes`, repeated ones included: pieces of no bytes.
// Pieces grow with the stream, so that some outgrow the room for them.
std::vector<size_t> Cuts(uint8_t seed, uint8_t piece_bytes_max, size_t bytes) {
  const size_t cuts_max = 2 * std::min(bytes, kSmallStreamBytes);
  const size_t piece_max = piece_bytes_max * (1 + bytes / kSmallStreamBytes);
  std::vector<size_t> cuts;
  uint32_t state = seed;
  size_t at = 0;
  while (true) {
    // A linear congruential generator; its high bits are the random ones.
    state = state * 1664525 + 1013904223;
    at += (state >> 16) % (piece_max + 1);
    if (at > bytes || cuts.size() == cuts_max) return cuts;
    cuts.push_back(at);
  }
}

template <class Message>
void CheckRoundTrip(absl::string_view payload, bool lz4) {
  Message message;
  if (!ParseMessage(payload, &message).ok()) {
    COFFER_ASSERT(message.ByteSizeLong() == 0);
    return;
  }
  FrameEncoder encoder(
      {.limits = {kFrameBytesMaxCeiling, kFrameBytesMaxCeiling},
       .lz4 = lz4,
       .compress_above_bytes = 0});
  std::string frame = "before";
  COFFER_ASSERT(encoder.Encode(message, &frame).ok());
  const DecodeOutcome decoded = DecodeInPieces(
      absl::string_view(frame).substr(6), {}, encoder.options().limits);
  COFFER_ASSERT(decoded.status.ok());
  COFFER_ASSERT(decoded.payloads.size() == 1);
  COFFER_ASSERT(decoded.payloads[0] == message.SerializeAsString());
  Message again;
  COFFER_ASSERT(ParseMessage(decoded.payloads[0], &again).ok());
  COFFER_ASSERT(again.SerializeAsString() == decoded.payloads[0]);
}

DecodePlan PlanFrom(uint8_t chosen) {
  DecodePlan plan = {.limits = kLimits[chosen & kFuzzLimits]};
  if (chosen & kFuzzChangeLimits) {
    plan.change_limits_after = 1 + (chosen >> kFuzzChangeAfterShift);
    plan.later_limits =
        kLimits[(chosen >> kFuzzLaterLimitsShift) & kFuzzLimits];
  }
  return plan;
}

void CheckStream(absl::string_view input) {
  if (input.size() < kFuzzPreambleBytes) return;
  const auto chosen = static_cast<uint8_t>(input[0]);
  const auto seed = static_cast<uint8_t>(input[1]);
  const auto piece_bytes_max = static_cast<uint8_t>(input[2]);
  const absl::string_view stream = input.substr(kFuzzPreambleBytes);

  DecodePlan plan = PlanFrom(chosen);
  const DecodeOutcome whole = DecodeAsPlanned(stream, plan);
  plan.take_while_reading = chosen & kFuzzTakeWhileReading;
  std::vector<size_t> cuts = Cuts(seed, piece_bytes_max, stream.size());
  plan.cuts = cuts;
  COFFER_ASSERT(DecodeAsPlanned(stream, plan) == whole);
  if (stream.size() <= kSmallStreamBytes) {
    cuts.resize(stream.size());
    std::iota(cuts.begin(), cuts.end(), size_t{0});
    plan.cuts = cuts;
    COFFER_ASSERT(DecodeAsPlanned(stream, plan) == whole);
  }
  for (const std::string& payload : whole.payloads) {
    CheckRoundTrip<v1::CommandRequest>(payload, /*lz4=*/false);
    CheckRoundTrip<v1::CommandRequest>(payload, /*lz4=*/true);
    CheckRoundTrip<v1::CommandResponse>(payload, /*lz4=*/true);
  }
}

}  // namespace
}  // namespace coffer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // protobuf logs each string that is not UTF-8.
  static google::protobuf::LogSilencer silencer;
  coffer::CheckStream(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
