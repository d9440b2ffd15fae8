// Peer: what a session knows of the one it talks to, and what follows from it
// for each answer. Pure.
//
// A peer that never said Hello is of the older protocol: it is never shown a
// field of ours, and is sent plain frames.

#ifndef COFFER_SERVER_SESSION_PEER_H_
#define COFFER_SERVER_SESSION_PEER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "coffer/sdk/frame/frame_encoder.h"
#include "coffer/sdk/frame/frame_limits.h"
#include "coffer/sdk/server_info.h"
#include "coffer/sdk/stream/hello.h"
#include "coffer/server/limits.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

// What to tell of the outcome when `response`, the answer to `request`, is
// replaced by an error because it cannot be sent.
v1::Outcome OutcomeIfReplaced(const v1::CommandRequest& request,
                              const v1::CommandResponse& response);

// What this server tells a peer of ours about itself. `epoch` is that of its
// VolatileState, `retries_epoch` that of its RetryWindows; `watch`: whether it
// tells changes.
ServerInfo MakeServerInfo(const ServerLimits& limits, std::uint64_t epoch,
                          std::uint64_t retries_epoch = 0, bool watch = false);

class Peer {
 public:
  // `info` is what it is told of the server.
  explicit Peer(const FrameLimits& own, ServerInfo info = {});

  // A request that is not a Hello has come: a Hello is too late from now on.
  void Received(const v1::CommandRequest& request);

  // Answers a Hello. Gives how to encode for the peer, once that answer is
  // sent; nullopt when the Hello was refused.
  absl::optional<FrameEncoderOptions> Hello(const v1::Hello& hello,
                                            v1::CommandResponse* response);

  // Turns `response` into the answer that tells `error`, a fault of what the
  // peer sent or asked for: 413 for ResourceExhausted, else 400.
  void MakeError(const absl::Status& error, v1::Outcome outcome,
                 std::uint64_t request_id, v1::CommandResponse* response) const;

  // Adds what a peer of ours is told with each answer, and takes away from an
  // answer what an older peer must not see.
  void FinishAnswer(std::uint64_t request_id,
                    v1::CommandResponse* response) const;

  // The largest answer that the peer accepts.
  std::uint32_t answer_bytes_max() const { return answer_bytes_max_; }
  bool said_hello() const { return said_hello_; }

 private:
  absl::Status CheckFirst() const;

  HelloOptions own_;
  const ServerInfo info_;
  std::uint32_t answer_bytes_max_;
  bool said_hello_ = false;
  bool sent_requests_ = false;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_PEER_H_
