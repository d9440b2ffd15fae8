#include "coffer/server/service/service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "coffer/sdk/internal/assert.h"
#include "coffer/server/service/answer.h"
#include "coffer/server/service/command.h"
#include "coffer/server/service/retry/earlier_answer.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/unknown_field_set.h"

namespace coffer::server {
namespace {

// What the results of requests that are executed together may hold in memory.
constexpr size_t kHeldBytesMax = size_t{64} << 20;

// Of an answer, without what the session adds to echo its request's id.
size_t RoomForAnswer(const v1::CommandRequest& request,
                     size_t answer_bytes_max) {
  using google::protobuf::io::CodedOutputStream;
  if (request.request_id() == 0) return answer_bytes_max;
  const size_t envelope =
      2 + CodedOutputStream::VarintSize64(request.request_id());
  return answer_bytes_max - std::min(answer_bytes_max, envelope);
}

// The answer that an earlier attempt got, if this peer accepts so much.
void AnswerAsBefore(const AnswerContext& context,
                    const EarlierAnswer& earlier) {
  COFFER_ASSERT(earlier.there);
  const size_t bytes = earlier.response.size();
  if (bytes <= context.bytes_max) {
    COFFER_ASSERT(context.response->ParseFromString(earlier.response));
    return;
  }
  AnswerError(context, absl::ResourceExhaustedError(absl::StrCat(
                           "answer of ", bytes, " bytes exceeds the limit of ",
                           context.bytes_max, ": ", context.advice)));
  context.response->set_outcome(v1::UNKNOWN);
}

}  // namespace

Service::Service(Storage* storage, std::shared_ptr<VolatileState> state,
                 const ServiceOptions& options)
    : storage_(*storage),
      state_(state != nullptr ? std::move(state)
                              : std::make_shared<VolatileState>()),
      options_(options) {
  // protobuf makes it when it is first asked for, perhaps on two threads, with
  // a lock that the thread sanitizer does not see. No session is there yet.
  google::protobuf::UnknownFieldSet::default_instance();
}

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
  run.completion_.Begin();
  Planner planner(&run.batch_, &*run.arena_,
                  {.answer_bytes_max = run.answer_bytes_max_,
                   .value_bytes_max = options_.value_bytes_max});
  bool has_notes = false;
  for (ServiceRun::Slot& slot : run.slots_) {
    hooks_.CallReceived(*slot.request);
    slot.first_op = run.batch_.size();
    Plan(run, slot, planner);
    slot.op_count = run.batch_.size() - slot.first_op;
    if (slot.refused.ok()) AddNote(run, slot, planner);
    slot.note_ops = run.batch_.size() - slot.first_op - slot.op_count;
    has_notes = has_notes || slot.note_ops > 0;
  }
  if (has_notes) AddForgotten(run, planner);
  run.batch_.set_result_bytes_max(run.answer_bytes_max_);
  // More than one answer may take, however large.
  run.batch_.set_held_bytes_max(
      std::max(kHeldBytesMax, 2 * size_t{run.answer_bytes_max_}));
  if (run.joined_ > 0) return SubmitAndJoin(run, std::move(done));
  if (run.batch_.empty()) return true;
  return storage_.Submit(run.batch_, std::move(done));
}

void Service::Plan(ServiceRun& run, Slot& slot, Planner& planner) {
  const v1::CommandRequest& request = *slot.request;
  if (slot.cancelled) {
    slot.refused = absl::CancelledError("cancelled before it was started");
    return;
  }
  if (admission_ != nullptr) slot.refused = admission_(request);
  if (!slot.refused.ok() || !BeginWrite(run, slot)) return;
  if (slot.deadline <= run.start_) {
    slot.refused = absl::DeadlineExceededError(absl::StrCat(
        "not started within its deadline of ", request.deadline_ms(), " ms"));
    return;
  }
  slot.refused = PlanRequest(request, planner);
}

void Service::Answer(ServiceRun& run, size_t i, uint32_t answer_bytes_max,
                     v1::CommandResponse* response) {
  COFFER_ASSERT(run.executed_ && i < run.size());
  Slot& slot = run.slots_[i];
  MakeAnswer(run, slot, answer_bytes_max, response);
  slot.answered = true;
  FinishWrite(run, slot, *response);
  // For the hooks to know it by; an older peer is not told it.
  response->set_request_id(slot.request->request_id());
  hooks_.CallExecuted(*response);
}

AnswerContext Service::ContextOf(const ServiceRun& run, const Slot& slot,
                                 uint32_t answer_bytes_max,
                                 v1::CommandResponse* response) {
  const Command& command = FindCommand(*slot.request);
  const absl::Span<const Op> ops = run.batch_.ops();
  return {
      .request = *slot.request,
      .ops = ops.subspan(slot.first_op, slot.op_count),
      .unit = ops.subspan(slot.first_op, slot.op_count + slot.note_ops),
      .advice = command.advice,
      .where = command.where,
      .bytes_max = RoomForAnswer(*slot.request, answer_bytes_max),
      .clock = *options_.clock,
      .topics = state_->topics,
      .backups = storage_.backups(),
      .subscriber = run.subscriber_,
      .response = response,
  };
}

void Service::MakeAnswer(const ServiceRun& run, const Slot& slot,
                         uint32_t answer_bytes_max,
                         v1::CommandResponse* response) {
  const AnswerContext context =
      ContextOf(run, slot, answer_bytes_max, response);
  response->Clear();
  if (slot.retry == ServiceRun::Retry::kRefused) {
    AnswerOutcomeIsNotKnown(response);
  } else if (slot.earlier != nullptr) {
    AnswerAsBefore(context, *slot.earlier);
  } else if (!slot.refused.ok()) {
    AnswerError(context, slot.refused);
  } else if (!AnswerStorageError(context)) {
    FindCommand(*slot.request).answer(context);
  }
}

void Service::BeforeSend(v1::CommandResponse& response) {
  hooks_.CallBeforeSend(response);
}

void Service::AfterSend(const absl::Status& status) {
  hooks_.CallAfterSend(status);
}

}  // namespace coffer::server
