// For tests and the fuzz target: what a FrameDecoder makes of bytes that arrive
// in given pieces. However the bytes are cut, the outcome has to be the same.
// On the way every claim of the decoder about itself is checked against what it
// then does, and its memory against what it was given; a breach aborts.

#ifndef COFFER_SDK_FRAME_DECODE_IN_PIECES_H_
#define COFFER_SDK_FRAME_DECODE_IN_PIECES_H_

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/sdk/frame/frame_decoder.h"
#include "coffer/sdk/frame/frame_limits.h"

namespace coffer {

// The end of the input is always part of it.
struct DecodeOutcome {
  std::vector<std::string> payloads;
  absl::Status status;
  boost::system::error_code error;

  friend bool operator==(const DecodeOutcome&, const DecodeOutcome&) = default;
  friend std::ostream& operator<<(std::ostream& out, const DecodeOutcome& o);
};

// How bytes arrive, and what is done to the decoder meanwhile.
struct DecodePlan {
  // Ascending offsets that the bytes are cut before.
  absl::Span<const size_t> cuts = {};
  FrameLimits limits = {};
  // Once that many frames were taken the limits become `later_limits`.
  size_t change_limits_after = std::numeric_limits<size_t>::max();
  FrameLimits later_limits = {};
  // Frames are taken between Prepare and Commit, as a stream does that has a
  // read under way, and not after Commit.
  bool take_while_reading = false;
};

DecodeOutcome DecodeAsPlanned(absl::string_view bytes, const DecodePlan& plan);

// Commits all of `bytes`, in as many reads as the rooms of Prepare make it.
void Feed(absl::string_view bytes, FrameDecoder* decoder);

// Decodes `bytes`, cut before each of the ascending offsets `cuts`; the frames
// are taken after each piece.
DecodeOutcome DecodeInPieces(absl::string_view bytes,
                             absl::Span<const size_t> cuts,
                             FrameLimits limits = {});

// One byte a read.
DecodeOutcome DecodeByteByByte(absl::string_view bytes,
                               FrameLimits limits = {});

}  // namespace coffer

#endif  // COFFER_SDK_FRAME_DECODE_IN_PIECES_H_
