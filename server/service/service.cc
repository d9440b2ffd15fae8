#include "coffer/server/service/service.h"

#include <utility>

#include "absl/types/span.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/server/service/answer.h"
#include "coffer/server/service/command.h"
#include "google/protobuf/io/coded_stream.h"

namespace coffer::server {
namespace {

// What the session adds to an answer to echo its request's id.
size_t EnvelopeBytes(const v1::CommandRequest& request) {
  using google::protobuf::io::CodedOutputStream;
  if (request.request_id() == 0) return 0;
  return 2 + CodedOutputStream::VarintSize64(request.request_id());
}

}  // namespace

Hooks& Service::OpenHooks() {
  COFFER_ASSERT(!started_ && "hooks come before the first request");
  return hooks_;
}

void Service::OnReceived(Hooks::Received hook) {
  OpenHooks().AddReceived(std::move(hook));
}
void Service::OnExecuted(Hooks::Executed hook) {
  OpenHooks().AddExecuted(std::move(hook));
}
void Service::OnBeforeSend(Hooks::BeforeSend hook) {
  OpenHooks().AddBeforeSend(std::move(hook));
}
void Service::OnAfterSend(Hooks::AfterSend hook) {
  OpenHooks().AddAfterSend(std::move(hook));
}

void Service::SetAdmission(Admission admission) {
  COFFER_ASSERT(!started_ && "admission comes before the first request");
  admission_ = std::move(admission);
}

bool Service::Execute(ServiceRun& run, Storage::Done done) {
  COFFER_ASSERT(!run.executed_ && "cleared between runs");
  // Read first: a store would take the cache line from the other threads.
  if (!started_.load(std::memory_order_relaxed)) started_ = true;
  run.executed_ = true;
  if (run.empty()) return true;
  Planner planner(&run.batch_, &*run.arena_);
  for (ServiceRun::Slot& slot : run.slots_) {
    hooks_.CallReceived(*slot.request);
    slot.first_op = run.batch_.size();
    if (admission_ != nullptr) slot.refused = admission_(*slot.request);
    if (slot.refused.ok()) slot.refused = PlanRequest(*slot.request, planner);
    slot.op_count = run.batch_.size() - slot.first_op;
  }
  if (run.batch_.empty()) return true;
  run.batch_.set_result_bytes_max(run.answer_bytes_max_);
  return storage_.Submit(run.batch_, std::move(done));
}

void Service::Answer(ServiceRun& run, size_t i, uint32_t answer_bytes_max,
                     v1::CommandResponse* response) {
  COFFER_ASSERT(run.executed_ && i < run.size());
  const ServiceRun::Slot& slot = run.slots_[i];
  const Command& command = FindCommand(*slot.request);
  const size_t envelope = EnvelopeBytes(*slot.request);
  const AnswerContext context = {
      .request = *slot.request,
      .ops =
          std::as_const(run.batch_).ops().subspan(slot.first_op, slot.op_count),
      .advice = command.advice,
      .bytes_max =
          answer_bytes_max > envelope ? answer_bytes_max - envelope : 0,
      .response = response,
  };
  response->Clear();
  if (!slot.refused.ok()) {
    AnswerError(context, slot.refused);
  } else if (!AnswerStorageError(context)) {
    command.answer(context);
  }
  hooks_.CallExecuted(*response);
}

void Service::BeforeSend(v1::CommandResponse& response) {
  hooks_.CallBeforeSend(response);
}

void Service::AfterSend(const absl::Status& status) {
  hooks_.CallAfterSend(status);
}

}  // namespace coffer::server
