// CommitPacer: whether a commit waits a little for more batches to share its
// sync.
//
// A client that waits for each answer sends its next write when it has one. So
// of clients that write all the time, a part waits while the commit of the
// others runs: with a commit begun at once, two halves take turns, and each
// write waits for two syncs. But those that were just answered come back within
// a part of the time that a sync takes. The next commit waits for them: until
// as many are there as were known, for half a sync at most. When fewer come
// than were waited for, fewer are waited for the next time; when not even half
// of them do, it is not tried again for a while.
//
// Pure. One thread.

#ifndef COFFER_SERVER_STORAGE_DURABLE_COMMIT_PACER_H_
#define COFFER_SERVER_STORAGE_DURABLE_COMMIT_PACER_H_

#include <cstddef>

#include "coffer/sdk/clock.h"

namespace coffer::server {

class CommitPacer {
 public:
  struct Wait {
    // So many are to be there before the next commit begins; 0: it begins at
    // once.
    size_t batches = 0;
    Clock::TimePoint until;
  };

  // So many batches were committed and answered at `now`; the log's sync took
  // so long (0: there was none), and so many others wait already.
  void Committed(size_t batches, size_t waiting, Clock::Duration sync,
                 Clock::TimePoint now);

  const Wait& wait() const { return wait_; }

  // The next commit has waited as wait() says, and so many were there then.
  void Waited(size_t there);

 private:
  void SetSync(Clock::Duration sync);

  Clock::Duration sync_{};  // what it takes, about
  Wait wait_;
  size_t answered_ = 0;  // by the last commit
  size_t waiting_ = 0;   // when it was over
  // Of those that were answered, so many are thought not to come back.
  size_t slack_ = 0;
  int successes_ = 0;
  int pause_ = 0;       // commits before it is tried again
  int next_pause_ = 1;  // when it fails again
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_STORAGE_DURABLE_COMMIT_PACER_H_
