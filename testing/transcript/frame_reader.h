// FrameReader: the messages in bytes that come in pieces.

#ifndef COFFER_TESTING_TRANSCRIPT_FRAME_READER_H_
#define COFFER_TESTING_TRANSCRIPT_FRAME_READER_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/frame/frame_decoder.h"

namespace coffer_testing::internal {

class FrameReader {
 public:
  // Calls `take` with the payload of each frame that is complete. The error is
  // final.
  absl::Status Add(absl::string_view bytes,
                   const std::function<void(absl::string_view)>& take);

  // A part of a frame is pending.
  size_t pending_bytes() const { return decoder_.buffered_bytes(); }

 private:
  coffer::FrameDecoder decoder_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_TRANSCRIPT_FRAME_READER_H_
