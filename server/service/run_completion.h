// RunCompletion: what an executing run still waits for, and whom to tell when
// nothing is left: its storage batch, and answers to earlier attempts that
// other runs are about to give.
//
//   completion.Begin();
//   completion.Expect();                  // for each thing to wait for, before
//   <start it; it calls Arrived() once>   // it can arrive
//   if (completion.End(done)) <all of it has arrived> else <done will come>
//
// Threads: Begin, Expect and End on the thread that starts the run, Arrived on
// any. Ownership: outlives its last Arrived, which calls `done`, at which the
// run may be reused or destroyed.

#ifndef COFFER_SERVER_SERVICE_RUN_COMPLETION_H_
#define COFFER_SERVER_SERVICE_RUN_COMPLETION_H_

#include <atomic>
#include <cstddef>
#include <utility>

#include "coffer/server/storage/storage.h"

namespace coffer::server {

class RunCompletion {
 public:
  // Counts itself, until End: nothing completes before.
  void Begin() { waiting_.store(1, std::memory_order_relaxed); }

  void Expect() { waiting_.fetch_add(1, std::memory_order_relaxed); }

  void Arrived() {
    if (waiting_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    // Taken out first: the run may be gone when it returns.
    Storage::Done done = std::exchange(done_, nullptr);
    done();
  }

  // True: everything has arrived, `done` is dropped without a call. False: the
  // last Arrived calls it, perhaps before this returns.
  bool End(Storage::Done done) {
    done_ = std::move(done);
    if (waiting_.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
    done_ = nullptr;
    return true;
  }

 private:
  std::atomic<std::size_t> waiting_{0};
  Storage::Done done_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_RUN_COMPLETION_H_
