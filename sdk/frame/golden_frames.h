// For tests: the golden frames of testdata/, recorded from a running server and
// client of the older protocol. They are facts about the wire: what we send has
// to equal them byte for byte, and what they say has to be what we read.

#ifndef COFFER_SDK_FRAME_GOLDEN_FRAMES_H_
#define COFFER_SDK_FRAME_GOLDEN_FRAMES_H_

#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "google/protobuf/message.h"

namespace coffer {

struct GoldenFrame {
  std::string name;
  std::string type;  // CommandRequest or CommandResponse.
  std::string textproto;
  std::string frame;  // Header and payload.
  bool compressed = false;
  size_t payload_bytes = 0;  // Uncompressed; 0 in frames.json.

  std::unique_ptr<google::protobuf::Message> NewMessage() const;
  friend std::ostream& operator<<(std::ostream& out, const GoldenFrame& f) {
    return out << f.name;
  }
};

// Every frame with its text form, none compressed.
std::vector<GoldenFrame> GoldenFrames();
// Frames around the older protocol's threshold of compression, without text.
std::vector<GoldenFrame> GoldenGzipFrames();

}  // namespace coffer

#endif  // COFFER_SDK_FRAME_GOLDEN_FRAMES_H_
