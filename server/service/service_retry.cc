// What a Service does about writes that may come again.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "coffer/server/service/answer.h"
#include "coffer/server/service/command.h"
#include "coffer/server/service/retry/earlier_answer.h"
#include "coffer/server/service/retry/note_names.h"
#include "coffer/server/service/retry/retry_note.pb.h"
#include "coffer/server/service/retry/state_note.h"
#include "coffer/server/service/service.h"

namespace coffer::server {
namespace {

using Names = std::vector<std::string>;

// Topics, backups, and tables as a whole stand in no group with a note.
WriteKind KindOf(const v1::CommandRequest& request) {
  switch (request.request_data_case()) {
    case v1::CommandRequest::kPublish:
    case v1::CommandRequest::kStartBackup:
    case v1::CommandRequest::kDropTable:
    case v1::CommandRequest::kRenameTable:
      return WriteKind::kUnnoted;
    default:
      return WriteKind::kNoted;
  }
}

// What becomes the note of a write when the engine executes it: its answer, as
// the service will make it.
class AnswerNote final : public ValueChange {
 public:
  // `context` without results; what it refers to outlives this.
  AnswerNote(const AnswerContext& context, const RetryNote& note,
             size_t answer_bytes_max)
      : context_(context), note_(note), answer_bytes_max_(answer_bytes_max) {}

  absl::Status Apply(absl::optional<absl::string_view>,
                     absl::Span<const Op> unit,
                     std::string* changed) const override {
    v1::CommandResponse response;
    AnswerContext context = context_;
    context.ops = context.unit = unit.subspan(0, context_.ops.size());
    context.response = &response;
    FindCommand(context.request).answer(context);
    RetryNote note = note_;
    KeepAnswer(response, answer_bytes_max_, note.mutable_answer());
    note.SerializeToString(changed);
    return absl::OkStatus();
  }

 private:
  const AnswerContext context_;
  const RetryNote note_;
  const size_t answer_bytes_max_;
};

}  // namespace

// False: the write is not to be executed, its answer comes from elsewhere.
bool Service::BeginWrite(ServiceRun& run, Slot& slot) {
  const v1::CommandRequest& request = *slot.request;
  if (run.retries_ == nullptr || request.request_id() == 0 ||
      !IsWriteCommand(request)) {
    return true;
  }
  using Retry = ServiceRun::Retry;
  switch (run.retries_->Begin(request.request_id(), request.attempt(),
                              &run.completion_, &slot.earlier,
                              KindOf(request))) {
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

// Puts the note of a write that has begun into its group.
void Service::AddNote(ServiceRun& run, Slot& slot, Planner& planner) {
  if (slot.retry != ServiceRun::Retry::kBegun || slot.op_count == 0 ||
      !state_->retries.durable() ||
      KindOf(*slot.request) == WriteKind::kUnnoted) {
    return;
  }
  const uint64_t id = slot.request->request_id();
  const std::string& client_id = run.retries_->client_id();
  RetryClient::NoteParts parts = run.retries_->PartsOfNote(id);
  RetryNote note;
  note.set_request_id(id);
  note.set_floor(parts.floor);
  note.set_retried_floor(parts.retried_floor);
  note.set_retried(parts.retried);
  note.set_at_ms(static_cast<uint64_t>(
      std::max<int64_t>(absl::ToUnixMillis(options_.clock->WallNow()), 0)));
  const AnswerContext context =
      ContextOf(run, slot, run.answer_bytes_max_, nullptr);
  const auto* change = planner.Make<AnswerNote>(
      context, note, state_->retries.limits().answer_bytes_max);

  Batch& batch = planner.batch();
  Op& first = batch.op(slot.first_op);
  if (first.group == 0) first.group = batch.NewGroup();
  const uint32_t group = first.group;  // which adding to the batch may move
  Names& names = *planner.Make<Names>();
  names.push_back(RetryNoteName(client_id, parts.place));
  for (const uint64_t place : parts.excess) {
    names.push_back(RetryNoteName(client_id, place));
  }
  batch.SetNote(names[0], change, group);
  for (size_t i = 1; i < names.size(); ++i) batch.DeleteNote(names[i], group);
  slot.excess = std::move(parts.excess);
}

// All of a client's notes go together, with the word that one was forgotten:
// what is left of it could not tell what is missing.
void Service::AddForgotten(ServiceRun& run, Planner& planner) {
  run.forgotten_ = state_->retries.TakeForgotten();
  if (!run.forgotten_.has_value()) return;
  RetryState state;
  state.set_epoch(state_->retries.epoch());
  state.set_forgotten(true);
  Batch& batch = planner.batch();
  const uint32_t group = batch.NewGroup();
  run.forgotten_op_ =
      batch.SetNote(kRetryStateName, planner.Make<StateNote>(state), group);
  Names& names = *planner.Make<Names>();
  for (const uint64_t place : run.forgotten_->places) {
    names.push_back(RetryNoteName(run.forgotten_->client_id, place));
  }
  for (const std::string& name : names) batch.DeleteNote(name, group);
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
