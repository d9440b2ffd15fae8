// ParseMessage reads a frame's payload as a protobuf message: the last thing
// that can be wrong with a frame. Apart from the decoder, so that the decoder's
// tests and fuzzing need no message type, and so that a message object can be
// reused from one frame to the next.

#ifndef COFFER_SDK_FRAME_MESSAGE_PARSER_H_
#define COFFER_SDK_FRAME_MESSAGE_PARSER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"

namespace coffer {

// Replaces `message` by what `payload` holds; an empty payload is a message
// with nothing set. Error: kUnparsable (InvalidArgument), with `message`
// cleared, so that no half of it can be executed.
absl::Status ParseMessage(absl::string_view payload,
                          google::protobuf::MessageLite* message);

}  // namespace coffer

#endif  // COFFER_SDK_FRAME_MESSAGE_PARSER_H_
