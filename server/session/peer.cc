#include "coffer/server/session/peer.h"

#include <algorithm>

#include "absl/status/statusor.h"
namespace coffer::server {

v1::Outcome OutcomeIfReplaced(const v1::CommandRequest& request,
                              const v1::CommandResponse& response) {
  if (response.outcome() != v1::OUTCOME_UNSPECIFIED) return response.outcome();
  switch (request.request_data_case()) {
    case v1::CommandRequest::kHset:
    case v1::CommandRequest::kHmset:
    case v1::CommandRequest::kHdel:
    case v1::CommandRequest::kHmdel:
      return v1::UNKNOWN;  // done, but the answer is lost
    default:
      return v1::NOT_EXECUTED;
  }
}

Peer::Peer(const FrameLimits& own)
    : answer_bytes_max_(
          std::min(own.frame_bytes_max, own.uncompressed_bytes_max)) {
  own_.limits = own;
}

void Peer::Received(const v1::CommandRequest&) { sent_requests_ = true; }

absl::Status Peer::CheckFirst() const {
  if (said_hello_) {
    return absl::InvalidArgumentError("hello: said twice");
  }
  if (sent_requests_) {
    return absl::InvalidArgumentError("hello: not the first message");
  }
  return absl::OkStatus();
}

absl::optional<FrameEncoderOptions> Peer::Hello(const v1::Hello& hello,
                                                v1::CommandResponse* response) {
  absl::Status refused = CheckFirst();
  if (refused.ok()) {
    auto encoder = AcceptHello(hello, own_);
    if (encoder.ok()) {
      said_hello_ = true;
      answer_bytes_max_ = std::min(encoder->limits.frame_bytes_max,
                                   encoder->limits.uncompressed_bytes_max);
      response->set_status(200);
      FillHelloReply(own_, response->mutable_hello());
      return *encoder;
    }
    refused = encoder.status();
  }
  MakeError(refused, v1::NOT_EXECUTED, 0, response);
  return absl::nullopt;
}

void Peer::MakeError(const absl::Status& error, v1::Outcome outcome,
                     std::uint64_t request_id,
                     v1::CommandResponse* response) const {
  response->Clear();
  response->set_status(absl::IsResourceExhausted(error) ? 413 : 400);
  response->set_message(std::string(error.message()));
  response->set_outcome(outcome);
  FinishAnswer(request_id, response);
}

void Peer::FinishAnswer(std::uint64_t request_id,
                        v1::CommandResponse* response) const {
  if (said_hello_) {
    response->set_request_id(request_id);
  } else {
    response->clear_request_id();
    response->clear_outcome();
  }
}

}  // namespace coffer::server
