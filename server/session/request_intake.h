// RequestIntake: takes the requests of a session as they come, and sorts them:
// into the run that is executed next, a run that has to wait for others that
// are executing, pings, and what takes effect at once and has no answer.
//
// While nothing is executing, all go into one run, in order; but for a publish
// behind a request that subscribes or unsubscribes, and whatever is behind one
// that watches, which begin another run.
//
// Pure: it is given a function that hands out what has arrived. One thread; the
// objects it works with outlive it.

#ifndef COFFER_SERVER_SESSION_REQUEST_INTAKE_H_
#define COFFER_SERVER_SESSION_REQUEST_INTAKE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/stream/framed_stream.h"
#include "coffer/server/limits.h"
#include "coffer/server/session/peer.h"
#include "coffer/server/session/run_pipeline.h"
#include "coffer/server/session/subscriptions.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

class RequestIntake {
 public:
  // Why Collect stopped.
  enum class Result {
    kFull,  // its limits: more may have arrived
    kAllThatArrived,
    kBlocked,  // no more can be taken now
    kEnd,      // there will be no more
  };
  using TryNext = absl::FunctionRef<NextResult(v1::CommandRequest*)>;

  // `clock` is read for requests with a deadline, once for all that are
  // collected together.
  RequestIntake(const ServerLimits& limits, Clock* clock, Peer* peer,
                RunPipeline* pipeline, Subscriptions* subscriptions);

  // Takes what has arrived, within the limits of a turn.
  Result Collect(TryNext next);

  // What was collected, until the next Collect; each may be taken away.
  RunPipeline::EntryPtr& run() { return run_; }
  RunPipeline::EntryPtr& pings() { return pings_; }  // null: none
  // What was collected and has to wait goes to the end of the pipeline.
  void PutLaterIntoPipeline();

  // A Hello has come, and is to be answered after all that came before it;
  // until it is taken, nothing is collected.
  bool hello_waits() const { return hello_waits_; }
  v1::CommandRequest TakeHello();

  std::uint64_t received() const { return received_; }

 private:
  bool Room(std::size_t requests, std::size_t bytes) const;
  bool TakeAtOnce(const v1::CommandRequest& request);
  void Cancel(std::uint64_t request_id);
  void Place(const v1::CommandRequest& request);
  void NoteDeadline(ServiceRun& run, const v1::CommandRequest& request);

  const ServerLimits limits_;
  Clock& clock_;
  Peer& peer_;
  RunPipeline& pipeline_;
  Subscriptions& subscriptions_;
  RunPipeline::EntryPtr run_;
  RunPipeline::EntryPtr later_;  // null: nothing has to wait
  RunPipeline::EntryPtr pings_;
  v1::CommandRequest hello_;
  bool hello_waits_ = false;
  v1::CommandRequest held_;  // begins the next run, if `holds_`
  bool holds_ = false;
  std::optional<Clock::TimePoint> decoded_;  // if it was asked for
  std::uint64_t received_ = 0;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_REQUEST_INTAKE_H_
