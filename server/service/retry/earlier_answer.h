// EarlierAnswer: the answer that an earlier attempt of a write got, for the
// request that is its retry; or the place where it will be put, while that
// attempt still runs.
//
// It belongs to the run of the retry. Until it is there, the RetryClient that
// made it has hold of it too (RetryClient::Leave ends that).

#ifndef COFFER_SERVER_SERVICE_RETRY_EARLIER_ANSWER_H_
#define COFFER_SERVER_SERVICE_RETRY_EARLIER_ANSWER_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "coffer/server/service/run_completion.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

struct EarlierAnswer {
  // A serialized v1::CommandResponse, as the service made it.
  std::string response;
  bool there = false;
  // Is told when it is there. Null for a run that is not to wait for it: it is
  // there already, or the earlier attempt is in the same run.
  RunCompletion* waits = nullptr;
  // Of those that wait for the same attempt.
  EarlierAnswer* next = nullptr;
};

// `response` as it is remembered, into `kept`: as it is, or, over so many
// bytes, that it was given.
void KeepAnswer(const v1::CommandResponse& response, std::size_t bytes_max,
                std::string* kept);

inline constexpr absl::string_view kOutcomeIsNotKnown =
    "the outcome of an earlier attempt is not known";

// The answer to a retry of which nobody knows whether it was executed: 500,
// UNKNOWN.
inline void AnswerOutcomeIsNotKnown(v1::CommandResponse* response) {
  response->Clear();
  response->set_status(500);
  response->set_message(std::string(kOutcomeIsNotKnown));
  response->set_outcome(v1::UNKNOWN);
}

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_RETRY_EARLIER_ANSWER_H_
