// StoredValue: what the serialized v1::Values of the store hold, without
// parsing them: they may be large, and one byte tells the type. They are
// canonical: Planner::Serialize and the functions here have made them.

#ifndef COFFER_SERVER_SERVICE_COMMANDS_STORED_VALUE_H_
#define COFFER_SERVER_SERVICE_COMMANDS_STORED_VALUE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

using ValueCase = v1::Value::ValueCase;

// VALUE_NOT_SET for one of no type. DataLoss if it is no value.
absl::StatusOr<ValueCase> TypeOf(absl::string_view stored);

// "a string", "an integer", ..., "empty".
absl::string_view TypeName(ValueCase type);

// The text of a string, or the bytes of a binary value. DataLoss if `stored` is
// neither.
absl::StatusOr<absl::string_view> TextOf(absl::string_view stored);

// How long a value is whose text, or bytes, are so long.
size_t TextValueBytes(size_t text_bytes);

// A string or binary value of the two texts one after the other.
void MakeText(ValueCase type, absl::string_view first, absl::string_view second,
              std::string* stored);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_COMMANDS_STORED_VALUE_H_
