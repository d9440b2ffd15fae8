// Values from and to C++ types. ToValue takes text (text_arg.h), any integer
// that fits into 64 bits, any floating-point number and bool; bytes have a name
// of their own, as text and bytes are the same C++ types. FromValue gives the
// type it is asked for or an error: nothing is ever converted.
//
//   ToValue("text")  ToValue(5)  ToValue(1.5)  ToValue(true)  BytesValue(blob)
//   absl::StatusOr<int64_t> n = FromValue<int64_t>(value);
//
// Text has to be UTF-8: a peer refuses a message in which it is not.

#ifndef COFFER_PROTO_VALUE_H_
#define COFFER_PROTO_VALUE_H_

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "coffer/proto/text_arg.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

using v1::Kvpair;
using v1::Value;

// Neither characters nor bool, nor unsigned integers that may not fit.
template <class T>
concept Integer = std::integral<T> && sizeof(T) <= sizeof(int64_t) &&
                  (std::signed_integral<T> || sizeof(T) < sizeof(int64_t)) &&
                  !std::same_as<T, bool> && !std::same_as<T, char> &&
                  !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                  !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <Text T>
Value ToValue(const T& text) {
  const TextArg arg = text;
  Value value;
  value.set_string(arg.data(), arg.size());
  return value;
}

template <Integer T>
Value ToValue(T integer) {
  Value value;
  value.set_integer(integer);
  return value;
}

template <std::floating_point T>
Value ToValue(T number) {
  Value value;
  value.set_float_(static_cast<double>(number));
  return value;
}

// Of bool itself only: a pointer is not a bool here.
template <std::same_as<bool> T>
Value ToValue(T truth) {
  Value value;
  value.set_bool_(truth);
  return value;
}

// So that what takes a value takes a Value too.
inline Value ToValue(Value value) { return value; }

Value BytesValue(TextArg bytes);

// What ToValue takes.
template <class T>
concept ConvertibleToValue = requires(T&& source) {
  ToValue(std::forward<T>(source));
};

// T is std::string (text), int64_t, double or bool. InvalidArgument if the
// value is of another type, as in "value is text, not an integer".
template <class T>
absl::StatusOr<T> FromValue(const Value& value) = delete;
template <>
absl::StatusOr<std::string> FromValue<std::string>(const Value& value);
template <>
absl::StatusOr<int64_t> FromValue<int64_t>(const Value& value);
template <>
absl::StatusOr<double> FromValue<double>(const Value& value);
template <>
absl::StatusOr<bool> FromValue<bool>(const Value& value);

absl::StatusOr<std::string> BytesFromValue(const Value& value);

}  // namespace coffer

#endif  // COFFER_PROTO_VALUE_H_
