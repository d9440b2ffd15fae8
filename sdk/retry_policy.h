// RetryPolicy: whether a call that failed is tried again. It is asked only for
// what IdempotencyPolicy says may be sent again (idempotency_policy.h), and
// never beyond the call's deadline.

#ifndef COFFER_SDK_RETRY_POLICY_H_
#define COFFER_SDK_RETRY_POLICY_H_

#include "absl/status/status.h"

namespace coffer {

// Stateless: any thread.
class RetryPolicy {
 public:
  virtual ~RetryPolicy() = default;

  // After attempt `attempt` (from 1) has failed with `status`.
  virtual bool Again(int attempt, const absl::Status& status) const = 0;
};

// Whether waiting a while may help: Unavailable (a connection that was lost, a
// server that is starting or overloaded), or an Aborted call.
bool IsTransient(const absl::Status& status);

// At most `attempts` in all, as long as the failure is transient.
class LimitedAttempts final : public RetryPolicy {
 public:
  explicit LimitedAttempts(int attempts) : attempts_(attempts) {}
  bool Again(int attempt, const absl::Status& status) const override;

 private:
  const int attempts_;
};

// Until the call's deadline, as long as the failure is transient.
class UntilDeadline final : public RetryPolicy {
 public:
  bool Again(int attempt, const absl::Status& status) const override;
};

}  // namespace coffer

#endif  // COFFER_SDK_RETRY_POLICY_H_
