#include "coffer/sdk/key_state.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "absl/strings/cord.h"

namespace coffer {
namespace {

constexpr absl::string_view kKeyStateTypeUrl = "coffer.v1/KeyState";

absl::Time TimeOf(std::uint64_t ms) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return absl::FromUnixMillis(static_cast<std::int64_t>(std::min(ms, kMost)));
}

Clock::Duration DurationOf(std::uint64_t ms) {
  constexpr std::uint64_t kMost =
      std::chrono::duration_cast<std::chrono::milliseconds>(
          Clock::Duration::max())
          .count();
  return std::chrono::milliseconds(std::min(ms, kMost));
}

}  // namespace

std::optional<KeyState> PresentStateOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kKeyStateTypeUrl);
  if (!payload.has_value()) return std::nullopt;
  v1::KeyState state;
  if (!state.ParseFromString(std::string(*payload))) return std::nullopt;
  return internal::ToKeyState(std::move(state));
}

namespace internal {

absl::Status WithPresentState(absl::Status status, const v1::KeyState& state) {
  status.SetPayload(kKeyStateTypeUrl, absl::Cord(state.SerializeAsString()));
  return status;
}

KeyState ToKeyState(v1::KeyState state) {
  KeyState result;
  result.version = state.version();
  if (state.value().value_case() != Value::VALUE_NOT_SET) {
    result.value.emplace(std::move(*state.mutable_value()));
  }
  if (state.expires_at_ms() != 0) {
    result.expires_at = TimeOf(state.expires_at_ms());
  }
  if (state.expires_in_ms() != 0) {
    result.expires_in = DurationOf(state.expires_in_ms());
  }
  return result;
}

TableInfo ToTableInfo(v1::TableInfo info) {
  TableInfo result;
  result.name = std::move(*info.mutable_name());
  result.keys = info.keys();
  result.bytes = info.bytes();
  return result;
}

}  // namespace internal
}  // namespace coffer
