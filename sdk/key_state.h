// Versioned: a key as a server has it: version, value and expiry; and what
// writes give. PresentStateOf: why a condition did not hold. Pure; any thread.

#ifndef COFFER_SDK_KEY_STATE_H_
#define COFFER_SDK_KEY_STATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/clock.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

template <class T = Value>
struct Versioned {
  // Another one after every change, and never used for anything else in the
  // store. 0: there is no such key, and nothing else is set.
  std::uint64_t version = 0;
  // Nullopt also for a key that is there and holds an empty value, and where
  // values were not asked for.
  std::optional<T> value;
  // By the server's clock; nullopt: it does not expire.
  std::optional<absl::Time> expires_at;
  // What was left of that, in whole milliseconds, when the server looked.
  std::optional<Clock::Duration> expires_in;

  bool exists() const { return version != 0; }
};

using KeyState = Versioned<Value>;

// What Client::Put and its like have stored.
struct PutResult {
  std::uint64_t version = 0;
  std::optional<absl::Time> expires_at;
  // If PutOptions asks for it: version 0 if there was none.
  std::optional<KeyState> previous;
};

struct RemoveResult {
  // Of the removal: higher than any that the key has had. 0: there was nothing
  // to remove.
  std::uint64_t version = 0;
  // If RemoveOptions asks for it: version 0 if there was none.
  std::optional<KeyState> previous;
};

// A table, by Client::ListTables, CountKeys and others.
struct TableInfo {
  std::string name;
  std::uint64_t keys = 0;
  // Of keys and values as they are stored, uncompressed.
  std::uint64_t bytes = 0;
};

// Of FailedPrecondition, from a write whose condition did not hold: how the key
// was, with its value if that fits into the answer. Nullopt: not said. It is a
// payload of the status, as OutcomeOf (status/outcome.h).
std::optional<KeyState> PresentStateOf(const absl::Status& status);

namespace internal {

absl::Status WithPresentState(absl::Status status, const v1::KeyState& state);

// Total.
KeyState ToKeyState(v1::KeyState state);

template <class T>
absl::StatusOr<Versioned<T>> ToTyped(KeyState any) {
  if constexpr (std::is_same_v<T, Value>) {
    return any;
  } else {
    Versioned<T> typed;
    typed.version = any.version;
    typed.expires_at = any.expires_at;
    typed.expires_in = any.expires_in;
    if (any.value.has_value()) {
      absl::StatusOr<T> value = FromValue<T>(*any.value);
      if (!value.ok()) return value.status();
      typed.value.emplace(*std::move(value));
    }
    return typed;
  }
}

template <class T>
absl::StatusOr<Versioned<T>> ToVersioned(v1::KeyState state) {
  return ToTyped<T>(ToKeyState(std::move(state)));
}

TableInfo ToTableInfo(v1::TableInfo info);

}  // namespace internal
}  // namespace coffer

#endif  // COFFER_SDK_KEY_STATE_H_
