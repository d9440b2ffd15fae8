// Call: one request on its way, from the user's Execute to its result.

#ifndef COFFER_SDK_CONNECTION_CALL_H_
#define COFFER_SDK_CONNECTION_CALL_H_

#include <boost/intrusive/list_hook.hpp>
#include <boost/intrusive/set_hook.hpp>
#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/connection/attempt_note.h"
#include "coffer/sdk/internal/pending_handler.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::internal {

struct Call {
  enum class State {
    kQueued,     // not yet given to the stream
    kSent,       // its answer is waited for
    kAbandoned,  // sent; its caller is gone, its answer will be dropped
  };

  v1::CommandRequest request;
  // Of the request, and the call's name everywhere. Not 0.
  std::uint64_t id = 0;
  // Of the encoded request.
  std::size_t bytes = 0;
  Clock::TimePoint deadline = Clock::TimePoint::max();
  Clock::TimePoint started;
  v1::CommandRequest::RequestDataCase command =
      v1::CommandRequest::REQUEST_DATA_NOT_SET;
  // What became of a request that is not answered does not matter.
  bool is_read = false;
  // It was sent before: it goes ahead of the others, and no limit keeps it out.
  bool goes_first = false;
  // Of the layer above, if it wants to know; outlives the handler.
  AttemptNote* note = nullptr;

  PendingHandler<absl::StatusOr<v1::CommandResponse>> handler;

  // The multiplexer's own.
  State state = State::kQueued;
  boost::intrusive::list_member_hook<> in_order;
  boost::intrusive::set_member_hook<> by_deadline;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_CALL_H_
