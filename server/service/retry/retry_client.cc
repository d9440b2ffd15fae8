#include "coffer/server/service/retry/retry_client.h"

#include <string>
#include <utility>

#include "coffer/sdk/internal/assert.h"

namespace coffer::server {
namespace {

// `response` as it is remembered: into `kept`, whose memory is reused.
void Keep(const v1::CommandResponse& response, std::size_t bytes_max,
          std::string* kept) {
  const std::size_t bytes = response.ByteSizeLong();
  if (bytes <= bytes_max) {
    kept->resize(bytes);
    response.SerializeWithCachedSizesToArray(
        reinterpret_cast<google::protobuf::uint8*>(kept->data()));
    return;
  }
  v1::CommandResponse without;
  without.set_status(response.status());
  without.set_outcome(response.outcome());
  without.set_message(response.status() == 200
                          ? "done by an earlier attempt, whose values were too "
                            "large to be kept"
                          : "an earlier attempt failed, with a message that "
                            "was too large to be kept");
  without.SerializeToString(kept);
}

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
                                std::unique_ptr<EarlierAnswer>* earlier) {
  std::lock_guard lock(mutex_);
  RetryWindow::Entry* const found = window_.Find(id);
  if (found == nullptr) {
    const std::uint64_t floor =
        attempt == 0 ? window_.retried_floor() : window_.floor();
    if (id <= floor) return RetryVerdict::kRefused;
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
      Keep(response, answer_bytes_max_, &entry->answer);
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
