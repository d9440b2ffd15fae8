// The seeds of frame_decoder_fuzz, by file name: every golden and every
// malformed frame, and streams of several. They are checked in under
// testdata/corpus/ so that a fuzzer can be pointed at them; a test compares the
// files with this.

#ifndef COFFER_SDK_FRAME_FRAME_CORPUS_H_
#define COFFER_SDK_FRAME_FRAME_CORPUS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace coffer {

// An input of the fuzz target is three bytes, then the stream of frames. The
// first says how the stream is decoded; the second and third make the cuts: a
// seed, and the most bytes a piece (more if the stream is large).
inline constexpr size_t kFuzzPreambleBytes = 3;

// The first byte. Two bits each: the limits; with kFuzzChangeLimits, those that
// they change to, and after how many frames, less one, they do.
inline constexpr uint8_t kFuzzLimits = 3;
inline constexpr uint8_t kFuzzTakeWhileReading = 1 << 2;
inline constexpr uint8_t kFuzzChangeLimits = 1 << 3;
inline constexpr int kFuzzLaterLimitsShift = 4;
inline constexpr int kFuzzChangeAfterShift = 6;

std::map<std::string, std::string> FrameCorpus();

}  // namespace coffer

#endif  // COFFER_SDK_FRAME_FRAME_CORPUS_H_
