// VolatileState: what a server keeps beside its data and forgets when it ends:
// which writes it has executed, for those that send them again; what was
// published of late, and who subscribes. All sessions of a process share one.
//
// Its epoch tells one from the next: a client that finds another epoch knows
// that the server has forgotten.
//
// Threads: any.

#ifndef COFFER_SERVER_SERVICE_VOLATILE_STATE_H_
#define COFFER_SERVER_SERVICE_VOLATILE_STATE_H_

#include <cstdint>

#include "coffer/server/service/retry/retry_limits.h"
#include "coffer/server/service/retry/retry_windows.h"
#include "coffer/server/service/topics/topic_limits.h"
#include "coffer/server/service/topics/topics.h"

namespace coffer::server {

// A random number, never 0.
std::uint64_t NewEpoch();

struct VolatileState {
  explicit VolatileState(std::uint64_t its_epoch = NewEpoch(),
                         const RetryLimits& retry_limits = {},
                         const TopicLimits& topic_limits = {})
      : epoch(its_epoch),
        retries(retry_limits),
        topics(topic_limits, its_epoch) {}

  const std::uint64_t epoch;
  RetryWindows retries;
  Topics topics;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_VOLATILE_STATE_H_
