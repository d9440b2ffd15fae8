// What a Service does about writes that may come again.

#include <utility>

#include "coffer/server/service/service.h"

namespace coffer::server {

// False: the write is not to be executed, its answer comes from elsewhere.
bool Service::BeginWrite(ServiceRun& run, Slot& slot) {
  const v1::CommandRequest& request = *slot.request;
  if (run.retries_ == nullptr || request.request_id() == 0 ||
      !IsWriteCommand(request)) {
    return true;
  }
  using Retry = ServiceRun::Retry;
  switch (run.retries_->Begin(request.request_id(), request.attempt(),
                              &run.completion_, &slot.earlier)) {
    case RetryVerdict::kExecute:
      slot.retry = Retry::kBegun;
      ++run.begun_;
      return true;
    case RetryVerdict::kAnswered:
      slot.retry = Retry::kEarlier;
      return false;
    case RetryVerdict::kJoined:
      slot.retry = Retry::kEarlier;
      if (slot.earlier->waits != nullptr) ++run.joined_;
      return false;
    case RetryVerdict::kRefused:
      slot.retry = Retry::kRefused;
      return false;
  }
  return false;
}

void Service::FinishWrite(ServiceRun& run, Slot& slot,
                          const v1::CommandResponse& response) {
  if (slot.retry != ServiceRun::Retry::kBegun) return;
  slot.retry = ServiceRun::Retry::kNone;
  --run.begun_;
  run.retries_->Finish(slot.request->request_id(), response);
}

void Service::KeepAnswers(ServiceRun& run) {
  if (run.begun_ == 0) return;
  v1::CommandResponse response;
  for (Slot& slot : run.slots_) {
    if (slot.answered || slot.earlier != nullptr) continue;
    // PUBLISH, which acts when its answer is made: in order, and once.
    const bool acts = slot.op_count == 0 && IsWriteCommand(*slot.request);
    if (slot.retry != ServiceRun::Retry::kBegun && !acts) continue;
    MakeAnswer(run, slot, run.answer_bytes_max_, &response);
    FinishWrite(run, slot, response);
    if (!acts) continue;
    slot.earlier = std::make_unique<EarlierAnswer>();
    slot.earlier->there = true;
    response.SerializeToString(&slot.earlier->response);
  }
}

// The run waits for others beside the storage.
bool Service::SubmitAndJoin(ServiceRun& run, Storage::Done done) {
  run.completion_.Expect();
  if (run.batch_.empty() ||
      storage_.Submit(run.batch_, [this, &run] { StorageDone(run); })) {
    StorageDone(run);
  }
  return run.completion_.End(std::move(done));
}

// The run's own writes are finished before what it has joined: two runs that
// have joined each other's writes would else wait for each other for ever.
void Service::StorageDone(ServiceRun& run) {
  KeepAnswers(run);
  run.completion_.Arrived();
}

}  // namespace coffer::server
