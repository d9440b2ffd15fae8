#include "coffer/tools/cli/time_text.h"

#include <algorithm>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "coffer/sdk/conditions.h"
#include "coffer/tools/cli/escapes.h"

namespace coffer::cli {
namespace {

constexpr char kTimeForm[] = "a time such as 2026-11-26T10:00:00Z";
constexpr char kDurationForm[] = "a duration such as 10m or 1h30m";

absl::Status NoSuchTime(absl::string_view text, absl::string_view form) {
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(text), " is not ", form));
}

std::int64_t Clamp(std::uint64_t ms) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(ms, kMost));
}

}  // namespace

absl::StatusOr<v1::Expiry> ParseExpireAfter(absl::string_view text) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration)) {
    return NoSuchTime(text, kDurationForm);
  }
  if (duration < absl::ZeroDuration() ||
      duration > absl::Nanoseconds(std::numeric_limits<std::int64_t>::max())) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(text), " is not from 0 to 292 years"));
  }
  return ExpiresAfter(absl::ToChronoNanoseconds(duration));
}

absl::StatusOr<v1::Expiry> ParseExpireAt(absl::string_view text) {
  absl::Time time;
  std::string why;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &why) ||
      time == absl::InfiniteFuture() || time == absl::InfinitePast()) {
    return NoSuchTime(text, kTimeForm);
  }
  return ExpiresAt(time);
}

absl::StatusOr<v1::Expiry> ParseExpiry(absl::string_view text) {
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration)) return ParseExpireAfter(text);
  absl::StatusOr<v1::Expiry> at = ParseExpireAt(text);
  if (at.ok()) return at;
  return NoSuchTime(text, absl::StrCat(kDurationForm, ", nor ", kTimeForm));
}

std::string FormatTimeMs(std::uint64_t ms_since_1970) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ",
                          absl::FromUnixMillis(Clamp(ms_since_1970)),
                          absl::UTCTimeZone());
}

std::string FormatDurationMs(std::uint64_t ms) {
  return absl::FormatDuration(absl::Milliseconds(Clamp(ms)));
}

}  // namespace coffer::cli
