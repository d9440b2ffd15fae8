#include "coffer/server/storage/durable/commit_pacer.h"

#include <algorithm>
#include <chrono>

namespace coffer::server {
namespace {

// A disk that syncs faster gains less than the wait costs.
constexpr Clock::Duration kSyncLeast = std::chrono::microseconds(200);
constexpr Clock::Duration kWaitMost = std::chrono::milliseconds(5);
constexpr int kPauseMost = 64;
// After so many waits that were enough, more are waited for.
constexpr int kSuccesses = 8;

}  // namespace

// One that takes long is no reason to wait long: it is followed slowly upwards.
void CommitPacer::SetSync(Clock::Duration sync) {
  if (sync_ == Clock::Duration::zero() || sync < sync_) {
    sync_ = (sync_ + sync) / (sync_ == Clock::Duration::zero() ? 1 : 2);
  } else {
    sync_ = std::min(sync, sync_ + sync_ / 8);
  }
}

void CommitPacer::Committed(size_t batches, size_t waiting,
                            Clock::Duration sync, Clock::TimePoint now) {
  wait_ = Wait();
  if (sync > Clock::Duration::zero()) SetSync(sync);
  if (sync_ < kSyncLeast) return;
  if (pause_ > 0) {
    --pause_;
    return;
  }
  answered_ = batches;
  waiting_ = waiting;
  slack_ = std::min(slack_, batches);
  wait_ = {.batches = waiting + batches - slack_,
           .until = now + std::min(sync_ / 2, kWaitMost)};
}

void CommitPacer::Waited(size_t there) {
  const size_t came = there - std::min(there, waiting_);
  if (there >= wait_.batches) {
    next_pause_ = 1;
    if (++successes_ % kSuccesses == 0) slack_ /= 2;
    return;
  }
  if (2 * came >= answered_) {
    slack_ = answered_ - came;
    return;
  }
  pause_ = next_pause_;
  next_pause_ = std::min(2 * next_pause_, kPauseMost);
}

}  // namespace coffer::server
