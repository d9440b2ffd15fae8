#include "coffer/sdk/retry_policy.h"

namespace coffer {

bool IsTransient(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsAborted(status);
}

bool LimitedAttempts::Again(int attempt, const absl::Status& status) const {
  return attempt < attempts_ && IsTransient(status);
}

bool UntilDeadline::Again(int, const absl::Status& status) const {
  return IsTransient(status);
}

}  // namespace coffer
