#include "coffer/sdk/connection/multiplexer.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/assert.h"

namespace coffer::internal {

Multiplexer::~Multiplexer() {
  first_.clear();
  queue_.clear();
  sent_.clear();
  by_deadline_.clear();
}

absl::Status Multiplexer::Admit(const Call& added) const {
  if (added.goes_first) return absl::OkStatus();
  if (limits_.refuse_when_full &&
      sent_.size() + queued() >= limits_.calls_in_flight_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat(sent_.size() + queued(),
                     " calls in flight: the limit of the connection is ",
                     limits_.calls_in_flight_max));
  }
  if (queue_.size() >= limits_.calls_queued_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat(queue_.size(),
                     " calls wait to be sent: the limit of the connection is ",
                     limits_.calls_queued_max));
  }
  // One of any size when none waits: the limit is not one of size.
  if (!queue_.empty() &&
      added.bytes + queued_bytes_ > limits_.bytes_queued_max) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "request of ", added.bytes, " bytes behind ", queued_bytes_,
        " bytes that wait to be sent: the limit of the connection is ",
        limits_.bytes_queued_max));
  }
  return absl::OkStatus();
}

absl::Status Multiplexer::Add(CallPtr* call) {
  Call& added = **call;
  absl::Status admitted = Admit(added);
  if (!admitted.ok()) return admitted;
  added.state = Call::State::kQueued;
  queued_bytes_ += added.bytes;
  if (added.goes_first) {
    // A connection may be lost before it has sent all of them again.
    auto behind = first_.end();
    while (behind != first_.begin() && std::prev(behind)->id > added.id) {
      --behind;
    }
    first_.insert(behind, added);
  } else {
    queue_.push_back(added);
  }
  by_deadline_.insert(by_deadline_.end(), added);
  const bool is_new = by_id_.emplace(added.id, std::move(*call)).second;
  COFFER_ASSERT(is_new && "ids of calls are unique");
  return absl::OkStatus();
}

Call* Multiplexer::Send() {
  if (!may_send()) return nullptr;
  List& queue = first_.empty() ? queue_ : first_;
  Call& call = queue.front();
  queue.pop_front();
  queued_bytes_ -= call.bytes;
  call.state = Call::State::kSent;
  sent_.push_back(call);
  return &call;
}

absl::Status Multiplexer::Answer(const v1::CommandResponse& answer,
                                 CallPtr* call) {
  call->reset();
  auto found = by_id_.end();
  if (answers_in_order_) {
    if (!sent_.empty()) found = by_id_.find(sent_.front().id);
  } else {
    found = by_id_.find(answer.request_id());
  }
  if (found == by_id_.end() || found->second->state == Call::State::kQueued) {
    return absl::DataLossError(absl::StrCat(
        "an answer to no request: its id is ", answer.request_id()));
  }
  const bool waited_for = found->second->state == Call::State::kSent;
  CallPtr answered = Remove(found);
  if (waited_for) *call = std::move(answered);
  return absl::OkStatus();
}

Multiplexer::CallPtr Multiplexer::GiveUp(std::uint64_t id, bool* was_sent) {
  *was_sent = false;
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  Call& call = *found->second;
  if (call.state == Call::State::kAbandoned) return nullptr;
  if (call.state == Call::State::kQueued) return Remove(found);
  *was_sent = true;
  by_deadline_.erase(by_deadline_.iterator_to(call));
  call.state = Call::State::kAbandoned;
  ++abandoned_;
  auto given_up = std::make_unique<Call>();
  given_up->id = id;
  given_up->request.Swap(&call.request);
  given_up->deadline = call.deadline;
  given_up->started = call.started;
  given_up->command = call.command;
  given_up->is_read = call.is_read;
  given_up->note = std::exchange(call.note, nullptr);
  given_up->handler = std::move(call.handler);
  return given_up;
}

Multiplexer::CallPtr Multiplexer::TakeBack(std::uint64_t id) {
  const auto found = by_id_.find(id);
  COFFER_ASSERT(found != by_id_.end());
  return Remove(found);
}

std::optional<Clock::TimePoint> Multiplexer::next_deadline() const {
  if (by_deadline_.empty()) return std::nullopt;
  return by_deadline_.begin()->deadline;
}

std::vector<Multiplexer::CallPtr> Multiplexer::Lost() {
  return TakeAll(&sent_);
}

std::vector<Multiplexer::CallPtr> Multiplexer::All() {
  std::vector<CallPtr> all = TakeAll(&sent_);
  for (List* queue : {&first_, &queue_}) {
    for (CallPtr& call : TakeAll(queue)) all.push_back(std::move(call));
  }
  return all;
}

void Multiplexer::set_answers_in_order(bool in_order) {
  COFFER_ASSERT(sent_.empty() && "agreed on before anything is sent");
  answers_in_order_ = in_order;
}

Multiplexer::CallPtr Multiplexer::Remove(Calls::iterator position) {
  CallPtr call = std::move(position->second);
  by_id_.erase(position);
  if (call->state == Call::State::kQueued) {
    List& queue = QueueOf(*call);
    queue.erase(queue.iterator_to(*call));
    queued_bytes_ -= call->bytes;
  } else {
    sent_.erase(sent_.iterator_to(*call));
  }
  if (call->state == Call::State::kAbandoned) {
    --abandoned_;
  } else {
    by_deadline_.erase(by_deadline_.iterator_to(*call));
  }
  return call;
}

// Abandoned ones are forgotten.
std::vector<Multiplexer::CallPtr> Multiplexer::TakeAll(List* list) {
  std::vector<CallPtr> taken;
  while (!list->empty()) {
    CallPtr call = Remove(by_id_.find(list->front().id));
    if (call->state != Call::State::kAbandoned)
      taken.push_back(std::move(call));
  }
  return taken;
}

}  // namespace coffer::internal
