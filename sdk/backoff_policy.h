// BackoffPolicy: how long to wait before the next attempt.

#ifndef COFFER_SDK_BACKOFF_POLICY_H_
#define COFFER_SDK_BACKOFF_POLICY_H_

#include <chrono>
#include <cstdint>

#include "coffer/sdk/clock.h"

namespace coffer {

// Stateless: any thread. A user's own may be given wherever one is taken.
class BackoffPolicy {
 public:
  virtual ~BackoffPolicy() = default;

  // Before attempt `attempt`, which is 1 for the first one that is repeated.
  // `random` is uniformly distributed over all its values, and the only chance
  // that is to be used: the same one gives the same wait.
  virtual Clock::Duration Wait(int attempt, std::uint64_t random) const = 0;
};

// Exponential with full jitter: uniformly distributed between 0 and the least
// of `max` and `initial` * `multiplier` ^ (attempt - 1). So clients that lost
// the same server do not come back together.
class ExponentialBackoff final : public BackoffPolicy {
 public:
  explicit ExponentialBackoff(
      Clock::Duration initial = std::chrono::milliseconds(100),
      Clock::Duration max = std::chrono::seconds(10), double multiplier = 2)
      : initial_(initial), max_(max), multiplier_(multiplier) {}

  Clock::Duration Wait(int attempt, std::uint64_t random) const override;

 private:
  const Clock::Duration initial_;
  const Clock::Duration max_;
  const double multiplier_;
};

}  // namespace coffer

#endif  // COFFER_SDK_BACKOFF_POLICY_H_
