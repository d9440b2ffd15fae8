// What the typed calls of Client make of an answer. One that does not fit its
// request is DataLoss.

#ifndef COFFER_SDK_CONNECTION_DECODE_ANSWER_H_
#define COFFER_SDK_CONNECTION_DECODE_ANSWER_H_

#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/value.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::internal {

using Answer = absl::StatusOr<v1::CommandResponse>;

// The error of the call, or of an answer that is none of success; or that there
// are not `values` values. -1: any number.
absl::Status CheckAnswer(const Answer& answer, int values);

inline bool IsEmpty(const Value& value) {
  return value.value_case() == Value::VALUE_NOT_SET;
}

template <class T>
absl::StatusOr<T> DecodeValue(Value& value) {
  if constexpr (std::is_same_v<T, Value>) {
    return std::move(value);
  } else {
    return FromValue<T>(value);
  }
}

inline Answer DecodeAnswer(Answer answer) { return answer; }

inline absl::Status DecodeNothing(Answer answer) {
  return CheckAnswer(answer, -1);
}

template <class T>
absl::StatusOr<T> DecodeOne(Answer answer) {
  const absl::Status status = CheckAnswer(answer, 1);
  if (!status.ok()) return status;
  return DecodeValue<T>(*answer->mutable_values(0));
}

template <class T>
absl::StatusOr<std::optional<T>> DecodeOptional(Answer answer) {
  const absl::Status status = CheckAnswer(answer, 1);
  if (!status.ok()) return status;
  if (IsEmpty(answer->values(0))) return std::optional<T>();
  absl::StatusOr<T> value = DecodeValue<T>(*answer->mutable_values(0));
  if (!value.ok()) return value.status();
  return std::optional<T>(*std::move(value));
}

// A value a key, of `keys`.
template <class T>
auto DecodeMany(int keys) {
  return
      [keys](Answer answer) -> absl::StatusOr<std::vector<std::optional<T>>> {
        const absl::Status status = CheckAnswer(answer, keys);
        if (!status.ok()) return status;
        std::vector<std::optional<T>> values;
        values.reserve(keys);
        for (Value& value : *answer->mutable_values()) {
          if (IsEmpty(value)) {
            values.emplace_back();
            continue;
          }
          absl::StatusOr<T> decoded = DecodeValue<T>(value);
          if (!decoded.ok()) return decoded.status();
          values.emplace_back(*std::move(decoded));
        }
        return values;
      };
}

inline auto DecodeBools(int keys) {
  return [keys](Answer answer) -> absl::StatusOr<std::vector<bool>> {
    const absl::Status status = CheckAnswer(answer, keys);
    if (!status.ok()) return status;
    std::vector<bool> values;
    for (const Value& value : answer->values()) {
      absl::StatusOr<bool> decoded = FromValue<bool>(value);
      if (!decoded.ok()) return decoded.status();
      values.push_back(*decoded);
    }
    return values;
  };
}

template <class T>
absl::StatusOr<std::map<std::string, T>> DecodeAll(Answer answer) {
  const absl::Status status = CheckAnswer(answer, -1);
  if (!status.ok()) return status;
  std::map<std::string, T> all;
  for (Kvpair& pair : *answer->mutable_pairs()) {
    absl::StatusOr<T> value = DecodeValue<T>(*pair.mutable_value());
    if (!value.ok()) return value.status();
    all.emplace(std::move(*pair.mutable_key()), *std::move(value));
  }
  return all;
}

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_DECODE_ANSWER_H_
