#include "coffer/server/session/request_intake.h"

#include <utility>

#include "coffer/server/session/touched_keys.h"

namespace coffer::server {
namespace {

using v1::CommandRequest;

// A publish counts as so many requests of its size in the limits of a turn, so
// that subscribers get their turn before a ring has gone round.
constexpr std::size_t kPublishWeight = 4;

// A peer that has not said Hello is of the older protocol, in which a command
// of ours is a request without a command, and a field of ours is skipped.
void ForgetOurs(CommandRequest* request) {
  if (request->request_data_case() >= CommandRequest::kPing) {
    request->clear_request_data();
    return;
  }
  switch (request->request_data_case()) {
    case CommandRequest::kHset:
      return request->mutable_hset()->clear_no_previous();
    case CommandRequest::kHmset:
      return request->mutable_hmset()->clear_no_previous();
    case CommandRequest::kHdel:
      return request->mutable_hdel()->clear_no_previous();
    case CommandRequest::kHmdel:
      return request->mutable_hmdel()->clear_no_previous();
    default:
      return;
  }
}

bool ChangesSubscriptions(const CommandRequest& request) {
  return IsOrdered(request) && !request.has_publish();
}

}  // namespace

RequestIntake::RequestIntake(const ServerLimits& limits, Clock* clock,
                             Peer* peer, RunPipeline* pipeline,
                             Subscriptions* subscriptions)
    : limits_(limits),
      clock_(*clock),
      peer_(*peer),
      pipeline_(*pipeline),
      subscriptions_(*subscriptions) {}

RequestIntake::Result RequestIntake::Collect(TryNext next) {
  if (run_ == nullptr) run_ = pipeline_.Take();
  ServiceRun& run = run_->run;
  run.Clear();
  decoded_.reset();
  if (hello_waits_ || pipeline_.size() >= limits_.runs_in_flight_max) {
    return Result::kBlocked;
  }
  std::size_t requests = 0;
  std::size_t bytes = 0;
  bool subscribes = false;
  bool watches = false;
  while (Room(requests, bytes)) {
    CommandRequest& request = run.AddRequest();
    if (std::exchange(holds_, false)) {
      request = held_;
      held_.Clear();
    } else {
      const NextResult found = next(&request);
      if (found != NextResult::kMessage) {
        run.DropLast();
        return found == NextResult::kEnd ? Result::kEnd
                                         : Result::kAllThatArrived;
      }
      ++received_;
    }
    const std::size_t weight = request.has_publish() ? kPublishWeight : 1;
    requests += weight;
    bytes += weight * request.ByteSizeLong();
    if (request.has_hello()) {
      hello_ = request;
      hello_waits_ = true;
      run.DropLast();
      return Result::kBlocked;
    }
    peer_.Received(request);
    if (!peer_.said_hello()) ForgetOurs(&request);
    if (TakeAtOnce(request)) continue;
    // Both would be in one run, of which a publish may take effect ahead of its
    // turn (Service::KeepAnswers), and what is stored is read and written
    // before any request is answered, which is when a watch is opened.
    if ((subscribes && request.has_publish()) ||
        (watches && !request.has_open_watch())) {
      held_ = request;
      holds_ = true;
      run.DropLast();
      return Result::kFull;
    }
    subscribes = subscribes || ChangesSubscriptions(request);
    watches = watches || request.has_open_watch();
    if (pipeline_.empty()) {
      NoteDeadline(run, request);
    } else {
      Place(request);
    }
  }
  return Result::kFull;
}

bool RequestIntake::Room(std::size_t requests, std::size_t bytes) const {
  return requests < limits_.requests_per_run_max &&
         bytes < limits_.request_bytes_per_run_max && !run_->run.full() &&
         (later_ == nullptr || !later_->run.full());
}

void RequestIntake::PutLaterIntoPipeline() {
  if (later_ == nullptr) return;
  pipeline_.Add(std::move(later_), RunPipeline::State::kWaiting);
}

CommandRequest RequestIntake::TakeHello() {
  hello_waits_ = false;
  CommandRequest hello;
  hello.Swap(&hello_);
  return hello;
}

// What waits for nothing is taken out of the run, whose last it is. False if
// the request is none of these.
bool RequestIntake::TakeAtOnce(const CommandRequest& request) {
  switch (request.request_data_case()) {
    case CommandRequest::kPing:
      if (IsStrict(peer_, request)) return false;
      if (pings_ == nullptr) pings_ = pipeline_.Take();
      pings_->run.AddRequest() = request;
      run_->run.DropLast();
      return true;
    case CommandRequest::kCancel: {
      const std::uint64_t id = request.cancel().request_id();
      run_->run.DropLast();
      if (id != 0) Cancel(id);
      return true;
    }
    case CommandRequest::kGrantCredit:
      subscriptions_.Grant(request.grant_credit());
      run_->run.DropLast();
      return true;
    default:
      return false;
  }
}

// Nobody waits for the answer any more: what is not started never will be. It
// has its answer all the same, so that the client knows what is under way.
void RequestIntake::Cancel(std::uint64_t request_id) {
  CancelIn(run_->run, request_id);
  if (later_ != nullptr) CancelIn(later_->run, request_id);
  pipeline_.Cancel(request_id);
}

// Moves the last request of the run to the one behind it if it has to wait.
void RequestIntake::Place(const CommandRequest& request) {
  const bool strict = IsStrict(peer_, request);
  if (!pipeline_.Block(request, strict) &&
      (later_ == nullptr || !later_->touched.Block(request, strict))) {
    return NoteDeadline(run_->run, request);
  }
  if (later_ == nullptr) later_ = pipeline_.Take();
  later_->run.AddRequest() = request;
  NoteDeadline(later_->run, request);
  later_->touched.Add(request, strict);
  run_->run.DropLast();
}

// It counts from now on, also where the request, the last of `run`, has to
// wait.
void RequestIntake::NoteDeadline(ServiceRun& run,
                                 const CommandRequest& request) {
  if (request.deadline_ms() == 0 || !peer_.said_hello()) return;
  if (!decoded_.has_value()) decoded_ = clock_.Now();
  run.SetDecoded(*decoded_);
}

}  // namespace coffer::server
