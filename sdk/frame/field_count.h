// CheckFieldCount bounds what a payload unfolds to before it is parsed. Two
// bytes on the wire can be an object of fifty in memory, and compression makes
// thousands of those two bytes cost nothing; a limit on bytes alone does not
// hold them.

#ifndef COFFER_SDK_FRAME_FIELD_COUNT_H_
#define COFFER_SDK_FRAME_FIELD_COUNT_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace coffer {

// kOversizeMessage (ResourceExhausted) if `payload`, a message of the given
// type, has more than `fields_max` fields, those of nested messages included; 0
// is no limit. A payload that is too short to have so many is not looked at;
// one that is malformed is left to ParseMessage.
absl::Status CheckFieldCount(absl::string_view payload,
                             const google::protobuf::Descriptor& type,
                             std::size_t fields_max);

}  // namespace coffer

#endif  // COFFER_SDK_FRAME_FIELD_COUNT_H_
