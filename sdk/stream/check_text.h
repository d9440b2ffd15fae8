// CheckText: whether a message's text fields are UTF-8, as protobuf demands of
// every receiver. A peer that is sent others takes the frame for malformed and
// ends the connection; so they are refused before they are sent.

#ifndef COFFER_SDK_STREAM_CHECK_TEXT_H_
#define COFFER_SDK_STREAM_CHECK_TEXT_H_

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace coffer {

// InvalidArgument: which field, and where in it.
absl::Status CheckText(const google::protobuf::Message& message);

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_CHECK_TEXT_H_
