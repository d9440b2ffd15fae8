#include "coffer/proto/value.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace coffer {
namespace {

const char* TypeName(Value::ValueCase type) {
  switch (type) {
    case Value::kString:
      return "text";
    case Value::kBinary:
      return "bytes";
    case Value::kInteger:
      return "an integer";
    case Value::kFloat:
      return "a float";
    case Value::kBool:
      return "a bool";
    case Value::VALUE_NOT_SET:
      break;
  }
  return "empty";
}

absl::Status Check(const Value& value, Value::ValueCase wanted) {
  if (value.value_case() == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "value is ", TypeName(value.value_case()), ", not ", TypeName(wanted)));
}

}  // namespace

Value BytesValue(TextArg bytes) {
  Value value;
  value.set_binary(bytes.data(), bytes.size());
  return value;
}

template <>
absl::StatusOr<std::string> FromValue<std::string>(const Value& value) {
  const absl::Status status = Check(value, Value::kString);
  if (!status.ok()) return status;
  return value.string();
}

template <>
absl::StatusOr<int64_t> FromValue<int64_t>(const Value& value) {
  const absl::Status status = Check(value, Value::kInteger);
  if (!status.ok()) return status;
  return value.integer();
}

template <>
absl::StatusOr<double> FromValue<double>(const Value& value) {
  const absl::Status status = Check(value, Value::kFloat);
  if (!status.ok()) return status;
  return value.float_();
}

template <>
absl::StatusOr<bool> FromValue<bool>(const Value& value) {
  const absl::Status status = Check(value, Value::kBool);
  if (!status.ok()) return status;
  return value.bool_();
}

absl::StatusOr<std::string> BytesFromValue(const Value& value) {
  const absl::Status status = Check(value, Value::kBinary);
  if (!status.ok()) return status;
  return value.binary();
}

}  // namespace coffer
