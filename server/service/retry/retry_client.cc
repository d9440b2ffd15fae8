#include "coffer/server/service/retry/retry_client.h"

#include <algorithm>
#include <utility>

#include "coffer/sdk/internal/assert.h"

namespace coffer::server {
namespace {

// After a window has become smaller.
constexpr std::size_t kExcessPerNote = 4;

// To each that waits; returns those whose runs are to be told.
EarlierAnswer* Deliver(EarlierAnswer* joined,
                       const v1::CommandResponse& response) {
  EarlierAnswer* to_tell = nullptr;
  while (joined != nullptr) {
    EarlierAnswer* const next = joined->next;
    response.SerializeToString(&joined->response);
    joined->there = true;
    if (joined->waits != nullptr) {
      joined->next = std::exchange(to_tell, joined);
    }
    joined = next;
  }
  return to_tell;
}

// A run that is told may be gone, its answers with it.
void Tell(EarlierAnswer* answers) {
  while (answers != nullptr) {
    RunCompletion* const waits = answers->waits;
    answers = answers->next;
    waits->Arrived();
  }
}

}  // namespace

RetryClient::RetryClient(const RetryLimits& limits,
                         std::atomic<std::size_t>& bytes, std::uint64_t floor)
    : answer_bytes_max_(limits.answer_bytes_max),
      all_bytes_(bytes),
      window_(limits.answers_per_client_max, floor) {}

RetryClient::~RetryClient() { all_bytes_ -= counted_bytes_; }

RetryVerdict RetryClient::Begin(std::uint64_t id, std::uint32_t attempt,
                                RunCompletion* run,
                                std::unique_ptr<EarlierAnswer>* earlier,
                                WriteKind kind) {
  std::lock_guard lock(mutex_);
  RetryWindow::Entry* const found = window_.Find(id);
  if (found == nullptr) {
    if (id <= FloorFor(attempt, kind)) return RetryVerdict::kRefused;
    RetryWindow::Entry& begun = window_.Add(id);
    begun.retried = attempt != 0;
    begun.run = run;
    CountBytes();
    return RetryVerdict::kExecute;
  }
  *earlier = std::make_unique<EarlierAnswer>();
  EarlierAnswer& answer = **earlier;
  if (!found->running) {
    answer.response = found->answer;
    answer.there = true;
    return RetryVerdict::kAnswered;
  }
  if (found->run != run) {
    run->Expect();
    answer.waits = run;
  }
  answer.next = std::exchange(found->joined, &answer);
  return RetryVerdict::kJoined;
}

void RetryClient::Finish(std::uint64_t id,
                         const v1::CommandResponse& response) {
  EarlierAnswer* to_tell = nullptr;
  {
    std::lock_guard lock(mutex_);
    RetryWindow::Entry* const entry = window_.Find(id);
    COFFER_ASSERT(entry != nullptr && entry->running);
    to_tell = Deliver(std::exchange(entry->joined, nullptr), response);
    if (response.outcome() == v1::NOT_EXECUTED) {
      window_.Remove(*entry);
    } else {
      KeepAnswer(response, answer_bytes_max_, &entry->answer);
      window_.SetAnswered(*entry);
      CountBytes();
    }
  }
  Tell(to_tell);
}

void RetryClient::Abandon(std::uint64_t id) {
  v1::CommandResponse response;
  AnswerOutcomeIsNotKnown(&response);
  Finish(id, response);
}

void RetryClient::Leave(std::uint64_t id, EarlierAnswer* earlier) {
  std::lock_guard lock(mutex_);
  if (earlier->there) return;
  RetryWindow::Entry* const entry = window_.Find(id);
  COFFER_ASSERT(entry != nullptr && entry->running);
  EarlierAnswer** link = &entry->joined;
  while (*link != earlier) link = &(*link)->next;
  *link = earlier->next;
}

std::uint64_t RetryClient::FloorFor(std::uint32_t attempt,
                                    WriteKind kind) const {
  if (attempt == 0) return window_.retried_floor();
  if (kind == WriteKind::kNoted) return window_.floor();
  return std::max(window_.floor(), unnoted_floor_);
}

void RetryClient::SetUnnotedFloor(std::uint64_t floor) {
  std::lock_guard lock(mutex_);
  unnoted_floor_ = floor;
}

RetryClient::NoteParts RetryClient::PartsOfNote(
    std::uint64_t id, std::atomic<std::uint64_t>& last_place) {
  std::lock_guard lock(mutex_);
  RetryWindow::Entry* const entry = window_.Find(id);
  COFFER_ASSERT(entry != nullptr && entry->running);
  entry->place = window_.TakePlace();
  if (entry->place == 0) {
    entry->place = last_place.fetch_add(1, std::memory_order_relaxed) + 1;
  }
  NoteParts parts{.place = entry->place,
                  .floor = window_.floor(),
                  .retried_floor = window_.retried_floor(),
                  .retried = entry->retried,
                  .excess = window_.TakeExcess(kExcessPerNote)};
  CountBytes();
  return parts;
}

void RetryClient::AddPlaces(const std::vector<std::uint64_t>& places) {
  std::lock_guard lock(mutex_);
  window_.AddPlaces(places);
  CountBytes();
}

void RetryClient::Restore(std::uint64_t place, const RetryNote& note) {
  std::lock_guard lock(mutex_);
  window_.RaiseFloors(note.floor(), note.retried_floor());
  window_.Restore(note.request_id(), note.retried(), place, note.answer());
  CountBytes();
}

std::vector<std::uint64_t> RetryClient::Places() const {
  std::lock_guard lock(mutex_);
  return window_.Places();
}

std::uint64_t RetryClient::floor() const {
  std::lock_guard lock(mutex_);
  return window_.floor();
}

void RetryClient::DropOlderHalf() {
  std::lock_guard lock(mutex_);
  window_.DropOlderHalf();
  CountBytes();
}

void RetryClient::CountBytes() {
  const std::size_t bytes = window_.bytes();
  if (bytes == counted_bytes_) return;
  all_bytes_ += bytes - counted_bytes_;
  counted_bytes_ = bytes;
}

}  // namespace coffer::server
