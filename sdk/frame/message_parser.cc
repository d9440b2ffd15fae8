#include "coffer/sdk/frame/message_parser.h"

#include <limits>

#include "absl/strings/str_format.h"
#include "coffer/sdk/frame/frame_error.h"

namespace coffer {

absl::Status ParseMessage(absl::string_view payload,
                          google::protobuf::MessageLite* message) {
  // protobuf counts in int.
  if (payload.size() <= std::numeric_limits<int>::max() &&
      message->ParseFromArray(payload.data(),
                              static_cast<int>(payload.size()))) {
    return absl::OkStatus();
  }
  message->Clear();
  return FrameError(FrameErrc::kUnparsable,
                    absl::StrFormat("payload of %u bytes does not parse as %s",
                                    payload.size(), message->GetTypeName()));
}

}  // namespace coffer
