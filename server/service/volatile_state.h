// VolatileState: what a server keeps beside its data and forgets when it ends:
// which writes it has executed, for those that send them again (a durable
// engine has notes of them: retry/durable_retries.h); what was published of
// late, what has changed of late of what is watched, and who subscribes and
// watches. All sessions of a process share one.
//
// Its epoch tells one from the next: a client that finds another epoch knows
// that the server has forgotten.
//
// Threads: any.

#ifndef COFFER_SERVER_SERVICE_VOLATILE_STATE_H_
#define COFFER_SERVER_SERVICE_VOLATILE_STATE_H_

#include <cstdint>
#include <memory>

#include "coffer/sdk/clock.h"
#include "coffer/server/service/retry/retry_limits.h"
#include "coffer/server/service/retry/retry_windows.h"
#include "coffer/server/service/topics/topic_limits.h"
#include "coffer/server/service/topics/topics.h"
#include "coffer/server/service/watch/change_feed.h"

namespace coffer::server {

// A random number, never 0.
std::uint64_t NewEpoch();

struct VolatileState {
  explicit VolatileState(std::uint64_t its_epoch = NewEpoch(),
                         const RetryLimits& retry_limits = {},
                         const TopicLimits& topic_limits = {},
                         const TopicLimits& watch_limits = {},
                         Clock* clock = &Clock::System())
      : epoch(its_epoch),
        retries(retry_limits),
        subscription_ids(std::make_shared<Topics::Ids>()),
        topics(topic_limits, its_epoch, subscription_ids),
        changes(watch_limits, its_epoch, subscription_ids, clock) {}

  const std::uint64_t epoch;
  RetryWindows retries;
  const std::shared_ptr<Topics::Ids> subscription_ids;
  Topics topics;
  // Attached to the storage by whoever opens it; without it nothing can be
  // watched.
  ChangeFeed changes;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_VOLATILE_STATE_H_
