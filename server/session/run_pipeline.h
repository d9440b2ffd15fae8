// RunPipeline: the runs of one session that are not answered yet, in their
// order of arrival, and which of them may start.
//
// A run waits for each earlier one that touches a key of its own, and for all
// of them if it has a request without an id, or one that publishes or
// subscribes; a run behind a request without an id waits for it. The others
// execute at the same time and are answered as they finish. So requests on one
// key take effect in the order of arrival.
//
// Pure: it neither executes nor waits. One thread. It reuses runs.

#ifndef COFFER_SERVER_SESSION_RUN_PIPELINE_H_
#define COFFER_SERVER_SESSION_RUN_PIPELINE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "coffer/server/service/service_run.h"
#include "coffer/server/session/peer.h"
#include "coffer/server/session/touched_keys.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

class RunPipeline {
 public:
  enum class State { kWaiting, kExecuting, kDone };

  struct Entry {
    ServiceRun run;
    TouchedKeys touched;  // of a run in the pipeline
    State state = State::kWaiting;
  };
  using EntryPtr = std::unique_ptr<Entry>;

  // An empty run that is not in the pipeline, and back.
  EntryPtr Take();
  void GiveBack(EntryPtr entry);

  // The latest arrival from now on.
  Entry* Add(EntryPtr entry, State state);
  EntryPtr Remove(Entry* entry);

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }

  // Whether a request that comes now has to wait for one that is in here.
  bool Block(const v1::CommandRequest& later, bool strict) const;

  // The first one that waits and need not any more; null if there is none.
  Entry* NextToStart() const;
  // The first one that is done; null if there is none.
  Entry* NextDone() const;

  template <class Visit>
  void ForEachDone(Visit visit) {
    for (const EntryPtr& entry : entries_) {
      if (entry->state == State::kDone) visit(*entry);
    }
  }

  // Takes a request that is not started out of its run. False if it is not
  // there.
  bool Cancel(std::uint64_t request_id);
  // Forgets all that wait.
  void DropWaiting();

 private:
  static constexpr std::size_t kSparesMax = 2;

  std::list<EntryPtr> entries_;
  std::vector<EntryPtr> spares_;
};

// Whether a request waits for all before it, and all after it for it: it has no
// id, or comes from an older peer, which knows none.
inline bool IsStrict(const Peer& peer, const v1::CommandRequest& request) {
  return !peer.said_hello() || request.request_id() == 0;
}

// Takes the requests with this id out of a run that is not executed yet. False
// if there is none.
bool CancelIn(ServiceRun& run, std::uint64_t request_id);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_RUN_PIPELINE_H_
