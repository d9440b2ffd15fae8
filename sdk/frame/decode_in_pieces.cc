#include "coffer/sdk/frame/decode_in_pieces.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "absl/strings/escaping.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer {
namespace {

// What stays with a connection, or eight times what has arrived and was not
// taken, and the message it uncompresses to.
void CheckMemory(const FrameDecoder& decoder, size_t pending_bytes,
                 FrameLimits limits) {
  const size_t input_max =
      std::max<size_t>(internal::kKeepBytes, 8 * pending_bytes + 4096);
  const size_t uncompressed_max = std::max<size_t>(
      internal::kKeepBytes, size_t{limits.uncompressed_bytes_max} + 1);
  COFFER_ASSERT(decoder.memory_bytes() <= input_max + uncompressed_max);
}

class Decoding {
 public:
  explicit Decoding(const DecodePlan& plan)
      : plan_(plan), decoder_(plan.limits), limits_(plan.limits) {
    ChangeLimitsIfDue();
  }

  void Receive(absl::string_view piece) {
    const size_t pending = decoder_.buffered_bytes() + piece.size();
    if (plan_.take_while_reading) {
      TakeWhileReading(piece);
    } else {
      Feed(piece, &decoder_);
      CheckMemory(decoder_, pending, LargestLimits());
      TakeFrames();
    }
    CheckMemory(decoder_, pending, LargestLimits());
  }

  DecodeOutcome Finish() {
    decoder_.FinishInput();
    TakeFrames();
    // Final: nothing more comes, whatever is asked.
    TakeFrames();
    COFFER_ASSERT(decoder_.at_boundary() == decoder_.status().ok());
    COFFER_ASSERT(decoder_.buffered_bytes() == 0);
    outcome_.status = decoder_.status();
    outcome_.error = decoder_.error();
    return std::move(outcome_);
  }

 private:
  // The room has to outlive what is taken, and an error: the sanitizers see a
  // read into one that does not.
  void TakeWhileReading(absl::string_view piece) {
    do {
      const absl::Span<char> room = decoder_.Prepare();
      COFFER_ASSERT(!room.empty());
      TakeFrames();
      const size_t count = std::min(room.size(), piece.size());
      std::memcpy(room.data(), piece.data(), count);
      decoder_.Commit(count);
      piece.remove_prefix(count);
    } while (!piece.empty());
  }

  void TakeFrames() {
    while (true) {
      const bool frame_buffered = decoder_.frame_buffered();
      absl::string_view payload;
      const FrameDecoder::Step step = decoder_.Next(&payload);
      COFFER_ASSERT(frame_buffered == (step != FrameDecoder::Step::kNeedMore));
      COFFER_ASSERT(decoder_.status().ok() ==
                    (step != FrameDecoder::Step::kError));
      if (step != FrameDecoder::Step::kFrame) {
        COFFER_ASSERT(payload.empty());
        return;
      }
      COFFER_ASSERT(payload.size() <= limits_.uncompressed_bytes_max);
      // Reading each byte lets the sanitizers see a view that is not valid.
      outcome_.payloads.emplace_back(payload);
      ChangeLimitsIfDue();
    }
  }

  void ChangeLimitsIfDue() {
    if (outcome_.payloads.size() != plan_.change_limits_after) return;
    limits_ = plan_.later_limits;
    decoder_.set_limits(limits_);
  }

  FrameLimits LargestLimits() const {
    FrameLimits largest = plan_.limits;
    largest.uncompressed_bytes_max = std::max(largest.uncompressed_bytes_max,
                                              limits_.uncompressed_bytes_max);
    return largest;
  }

  const DecodePlan& plan_;
  FrameDecoder decoder_;
  FrameLimits limits_;  // Those that the next frame has to keep to.
  DecodeOutcome outcome_;
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const DecodeOutcome& o) {
  out << o.payloads.size() << " frames, " << o.status << ", " << o.error << ":";
  for (const std::string& payload : o.payloads) {
    out << " " << payload.size() << " \""
        << absl::CHexEscape(absl::string_view(payload).substr(0, 100)) << "\"";
  }
  return out;
}

void Feed(absl::string_view bytes, FrameDecoder* decoder) {
  while (!bytes.empty()) {
    const absl::Span<char> room = decoder->Prepare();
    COFFER_ASSERT(!room.empty());
    const size_t count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    decoder->Commit(count);
    bytes.remove_prefix(count);
  }
}

DecodeOutcome DecodeAsPlanned(absl::string_view bytes, const DecodePlan& plan) {
  Decoding decoding(plan);
  size_t received = 0;
  for (const size_t end : plan.cuts) {
    decoding.Receive(bytes.substr(received, end - received));
    received = end;
  }
  decoding.Receive(bytes.substr(received));
  return decoding.Finish();
}

DecodeOutcome DecodeInPieces(absl::string_view bytes,
                             absl::Span<const size_t> cuts,
                             FrameLimits limits) {
  return DecodeAsPlanned(bytes, {.cuts = cuts, .limits = limits});
}

DecodeOutcome DecodeByteByByte(absl::string_view bytes, FrameLimits limits) {
  std::vector<size_t> cuts(bytes.empty() ? 0 : bytes.size() - 1);
  std::iota(cuts.begin(), cuts.end(), size_t{1});
  return DecodeInPieces(bytes, cuts, limits);
}

}  // namespace coffer
