// SyncSource: an EventSource that lives on a SyncLoop, for code without a loop.
//
// Threads: any but the loop's own, one Wait at a time. Movable.

#ifndef COFFER_SDK_SYNC_SOURCE_H_
#define COFFER_SDK_SYNC_SOURCE_H_

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/event.h"
#include "coffer/sdk/internal/sync_loop.h"

namespace coffer::internal {

class SyncSource {
 public:
  // `clock` outlives it.
  SyncSource(std::shared_ptr<SyncLoop> loop, Clock* clock,
             std::unique_ptr<EventSource> source);
  SyncSource(SyncSource&&) noexcept = default;
  SyncSource& operator=(SyncSource&& other) noexcept;
  ~SyncSource();

  // The next event. DeadlineExceeded: there was none within `timeout`, none is
  // lost, and it may be called again.
  absl::StatusOr<Event> Wait(std::optional<Clock::Duration> timeout);

  EventPosition position() const { return source_->position(); }

 private:
  void End();

  std::shared_ptr<SyncLoop> loop_;
  Clock* clock_;
  // Used, and destroyed, on the loop.
  std::unique_ptr<EventSource> source_;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_SYNC_SOURCE_H_
