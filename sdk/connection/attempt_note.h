// AttemptNote: what the layer that sends a call again and the one that sends it
// tell each other of one attempt, beside its request and its result.
//
// Belongs to the upper layer, which keeps it until the attempt's handler has
// been called. Threads: the upper layer before the attempt and after it, the
// lower one in between.

#ifndef COFFER_SDK_CONNECTION_ATTEMPT_NOTE_H_
#define COFFER_SDK_CONNECTION_ATTEMPT_NOTE_H_

#include <cstdint>

#include "coffer/v1/kv.pb.h"

namespace coffer::internal {

struct AttemptNote {
  // --- Downwards

  // From 0. One after the first goes ahead of the calls that are queued: its
  // place was before theirs.
  int number = 0;
  // An earlier attempt may have been executed: this one goes only to a server
  // that knows requests which are sent again.
  bool needs_retry_window = false;
  // And, if not 0, only to one that says this retries_epoch: what another one
  // remembers is something else.
  std::uint64_t only_epoch = 0;

  // --- Upwards

  bool sent = false;
  // Not sent, for what was said downwards: nor will it be.
  bool refused = false;
  // retries_epoch of the server that it was sent to; 0: it has none.
  std::uint64_t epoch = 0;
  // The request, given back with the result.
  v1::CommandRequest request;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_ATTEMPT_NOTE_H_
