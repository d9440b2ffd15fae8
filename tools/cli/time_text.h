// Times as a person types and reads them: a duration such as 10m or 1h30m, and
// a time of day with its zone, such as 2026-11-26T10:00:00Z. Pure functions;
// any thread.

#ifndef COFFER_TOOLS_CLI_TIME_TEXT_H_
#define COFFER_TOOLS_CLI_TIME_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::cli {

// InvalidArgument says what is wrong with `text`: no such form, a duration that
// is negative, or one that never ends.
absl::StatusOr<v1::Expiry> ParseExpireAfter(absl::string_view text);
absl::StatusOr<v1::Expiry> ParseExpireAt(absl::string_view text);
// Either of them.
absl::StatusOr<v1::Expiry> ParseExpiry(absl::string_view text);

// In UTC: "2026-11-26T10:00:00.250Z".
std::string FormatTimeMs(std::uint64_t ms_since_1970);
// "9m59.25s".
std::string FormatDurationMs(std::uint64_t ms);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_TIME_TEXT_H_
