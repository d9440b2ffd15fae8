#include "coffer/testing/transcript/frame_reader.h"

#include <algorithm>

#include "absl/types/span.h"

namespace coffer_testing::internal {

absl::Status FrameReader::Add(
    absl::string_view bytes,
    const std::function<void(absl::string_view)>& take) {
  while (!bytes.empty()) {
    const absl::Span<char> room = decoder_.Prepare();
    const size_t n = std::min(room.size(), bytes.size());
    std::copy_n(bytes.data(), n, room.data());
    decoder_.Commit(n);
    bytes.remove_prefix(n);
    absl::string_view payload;
    while (true) {
      const auto step = decoder_.Next(&payload);
      if (step == coffer::FrameDecoder::Step::kError) return decoder_.status();
      if (step == coffer::FrameDecoder::Step::kNeedMore) break;
      take(payload);
    }
  }
  return absl::OkStatus();
}

}  // namespace coffer_testing::internal
