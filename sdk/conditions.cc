#include "coffer/sdk/conditions.h"

#include <algorithm>
#include <chrono>

namespace coffer {

v1::Condition IfAbsent() {
  v1::Condition condition;
  condition.set_absent(true);
  return condition;
}

v1::Condition IfPresent() {
  v1::Condition condition;
  condition.set_present(true);
  return condition;
}

v1::Condition IfVersion(std::uint64_t version) {
  v1::Condition condition;
  condition.set_version(version);
  return condition;
}

v1::Expiry ExpiresAt(absl::Time time) {
  if (time == absl::InfiniteFuture()) return NeverExpires();
  std::int64_t ms = absl::ToUnixMillis(time);
  if (absl::FromUnixMillis(ms) < time) ++ms;
  v1::Expiry expiry;
  expiry.set_at_ms(static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0)));
  return expiry;
}

v1::Expiry ExpiresAfter(Clock::Duration duration) {
  if (duration == Clock::Duration::max()) return NeverExpires();
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(duration);
  v1::Expiry expiry;
  expiry.set_after_ms(
      static_cast<std::uint64_t>(std::max<std::int64_t>(ms.count(), 0)));
  return expiry;
}

v1::Expiry KeepsExpiry() {
  v1::Expiry expiry;
  expiry.set_keep(true);
  return expiry;
}

v1::Expiry NeverExpires() {
  v1::Expiry expiry;
  expiry.set_never(true);
  return expiry;
}

}  // namespace coffer
