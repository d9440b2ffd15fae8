// EncodeFrames: messages as the bytes that a peer would send, to preset the
// input of a DummyStream or to compare what was written:
//
//   DummyStream stream(executor, EncodeFrames(first_answer, second_answer));
//
// Plain frames, as a peer of the older protocol sends them.

#ifndef COFFER_TESTING_ENCODE_FRAMES_H_
#define COFFER_TESTING_ENCODE_FRAMES_H_

#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "coffer/sdk/frame/frame_encoder.h"
#include "google/protobuf/message_lite.h"
#include "gtest/gtest.h"

namespace coffer_testing {

template <class... Messages>
std::string EncodeFrames(const Messages&... messages) {
  coffer::FrameEncoder encoder;
  std::string bytes;
  for (const google::protobuf::MessageLite* message :
       std::initializer_list<const google::protobuf::MessageLite*>{
           &messages...}) {
    const absl::Status encoded = encoder.Encode(*message, &bytes);
    EXPECT_TRUE(encoded.ok()) << encoded;
  }
  return bytes;
}

}  // namespace coffer_testing

#endif  // COFFER_TESTING_ENCODE_FRAMES_H_
