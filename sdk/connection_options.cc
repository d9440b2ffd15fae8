#include "coffer/sdk/connection_options.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/internal/utf8.h"

namespace coffer {
namespace {

absl::Status Wrong(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("ConnectionOptions: ", what));
}

absl::Status CheckTimes(const ConnectionOptions& options) {
  const Clock::Duration zero = Clock::Duration::zero();
  if (options.call_timeout <= zero) {
    return Wrong("call_timeout is not more than 0");
  }
  if (options.connect_timeout <= zero) {
    return Wrong("connect_timeout is not more than 0");
  }
  if (options.ping_interval < zero) return Wrong("ping_interval is negative");
  return absl::OkStatus();
}

absl::Status CheckBounds(const ConnectionOptions& options) {
  if (options.connections < 1) {
    return Wrong(absl::StrCat("connections is ", options.connections,
                              " instead of at least 1"));
  }
  if (options.calls_in_flight_max < 1) {
    return Wrong("calls_in_flight_max is 0: no call would ever be sent");
  }
  if (options.calls_queued_max < 1) {
    return Wrong("calls_queued_max is 0: every call would be refused");
  }
  if (options.write_low_mark_bytes > options.write_high_mark_bytes) {
    return Wrong(absl::StrCat(
        "write_low_mark_bytes of ", options.write_low_mark_bytes,
        " is above write_high_mark_bytes of ", options.write_high_mark_bytes));
  }
  return absl::OkStatus();
}

absl::Status CheckPolicies(const ConnectionOptions& options) {
  if (options.reconnect_backoff == nullptr) {
    return Wrong("reconnect_backoff is null");
  }
  if (options.backoff == nullptr) return Wrong("backoff is null");
  if (options.idempotency == nullptr) return Wrong("idempotency is null");
  return absl::OkStatus();
}

// A server answers what it refuses of these as one of the older protocol
// answers any Hello, for which it would be taken.
absl::Status CheckHello(const ConnectionOptions& options) {
  if (!options.client_id.empty() && options.client_id.size() != 16) {
    return Wrong(absl::StrCat("client_id of ", options.client_id.size(),
                              " bytes instead of 16"));
  }
  if (options.client_name.size() > kClientNameBytesMax) {
    return Wrong(absl::StrCat("client_name of ", options.client_name.size(),
                              " bytes exceeds the limit of ",
                              kClientNameBytesMax));
  }
  if (!internal::IsUtf8(options.client_name)) {
    return Wrong("client_name is not UTF-8");
  }
  const FrameLimits& limits = options.hello.limits;
  if (limits.frame_bytes_max < kFrameBytesMaxLeast ||
      limits.uncompressed_bytes_max < kFrameBytesMaxLeast) {
    return Wrong(absl::StrCat("hello: limits of ", limits.frame_bytes_max,
                              " and ", limits.uncompressed_bytes_max,
                              " bytes: the least is ", kFrameBytesMaxLeast));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckConnectionOptions(const ConnectionOptions& options) {
  for (const auto check :
       {CheckTimes, CheckBounds, CheckPolicies, CheckHello}) {
    absl::Status checked = check(options);
    if (!checked.ok()) return checked;
  }
  return absl::OkStatus();
}

}  // namespace coffer
