#include "coffer/sdk/backoff_policy.h"

#include <algorithm>
#include <cmath>

namespace coffer {

Clock::Duration ExponentialBackoff::Wait(int attempt,
                                         std::uint64_t random) const {
  const double most =
      std::min(static_cast<double>(max_.count()),
               static_cast<double>(initial_.count()) *
                   std::pow(multiplier_, std::max(attempt, 1) - 1));
  // 53 bits, as many as a double holds: from 0, and below 1.
  const double share = static_cast<double>(random >> 11) * 0x1p-53;
  return Clock::Duration(static_cast<Clock::Duration::rep>(most * share));
}

}  // namespace coffer
