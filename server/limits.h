// ServerLimits: every bound that the server holds its peers to.

#ifndef COFFER_SERVER_LIMITS_H_
#define COFFER_SERVER_LIMITS_H_

#include <chrono>
#include <cstddef>

#include "coffer/sdk/frame/frame_limits.h"

namespace coffer::server {

struct ServerLimits {
  // Of a frame, and of the message inside it, both ways.
  FrameLimits frame;

  // Fields of one request, nested ones included: what a small frame may unfold
  // to in memory (some tens of bytes each).
  std::size_t message_fields_max = 1 << 20;

  // Connections at once, over all listeners; further ones are closed.
  std::size_t connections_max = 10000;

  // Without a request; 0 is no limit.
  std::chrono::milliseconds idle_timeout = std::chrono::minutes(10);

  // For a frame that has begun to arrive to go on, and for a peer to go on
  // taking its answers: in each such time stall_bytes_per_second_min on
  // average, or what is left. 0 is no limit.
  std::chrono::milliseconds stall_timeout = std::chrono::seconds(30);
  std::size_t stall_bytes_per_second_min = 4096;

  // For a TLS handshake.
  std::chrono::milliseconds handshake_timeout = std::chrono::seconds(10);

  // For what is in flight when the server is told to stop.
  std::chrono::milliseconds drain_timeout = std::chrono::seconds(10);

  // After a bad frame its error is sent, and what the peer still sends is
  // thrown away for so long and so many bytes, so that it can read the error.
  std::chrono::milliseconds linger_timeout = std::chrono::seconds(5);
  std::size_t linger_bytes_max = 16 << 20;

  // What one connection may have executed before the others get their turn.
  std::size_t requests_per_run_max = 256;
  std::size_t request_bytes_per_run_max = 1 << 20;

  // Runs of one connection that the storage has not finished, at once; beyond
  // that its requests are not read.
  std::size_t runs_in_flight_max = 8;

  // Of one connection; further ones are refused.
  std::size_t subscriptions_max = 1024;

  // Of the answers that wait to be written to one connection.
  std::size_t write_high_mark_bytes = 1 << 20;
  std::size_t write_low_mark_bytes = 256 << 10;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_LIMITS_H_
