#include "coffer/server/session/peer.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "coffer/server/service/command.h"
#include "coffer/server/version.h"

namespace coffer::server {

v1::Outcome OutcomeIfReplaced(const v1::CommandRequest& request,
                              const v1::CommandResponse& response) {
  if (response.outcome() != v1::OUTCOME_UNSPECIFIED) return response.outcome();
  // A write was done, but its answer is lost.
  return IsWriteCommand(request) ? v1::UNKNOWN : v1::NOT_EXECUTED;
}

ServerInfo MakeServerInfo(const ServerLimits& limits, std::uint64_t epoch,
                          std::uint64_t retries_epoch, bool watch) {
  ServerInfo info;
  info.version = kVersion;
  info.epoch = epoch;
  info.retries_epoch = retries_epoch;
  info.features.subscriptions = true;
  info.features.retries = true;
  info.features.deadlines = true;
  info.features.any_order = true;
  info.features.data_commands = true;
  info.features.watch = watch;
  info.limits = limits.frame;
  info.request_keys_max = kRequestKeysMax;
  info.subscriptions_max = static_cast<std::uint32_t>(limits.subscriptions_max);
  return info;
}

Peer::Peer(const FrameLimits& own, ServerInfo info)
    : info_(std::move(info)),
      answer_bytes_max_(
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
      FillHelloReply(own_, info_, response->mutable_hello());
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
