// Observer: is told what becomes of each call, for metrics, logs and traces.
//
//   class Metrics final : public coffer::Observer {
//     void OnEnd(const CallInfo& call, const absl::Status& status) override {
//       latency_[call.command]->Record(clock_->Now() - call.started);
//     }
//   };
//
// A call starts, is attempted once or several times, each attempt is sent and
// its answer received, and it ends: OnStart and OnEnd once for each call, the
// others as often as they happen. Threads: OnStart is called on the caller's
// thread, OnEnd where the call's handler is, the others on the connection's
// executor; all inside the client's work, so they are to be quick. What they
// throw is caught and dropped: a call does not fail for being watched. Null in
// the options: nothing is paid.

#ifndef COFFER_SDK_OBSERVER_H_
#define COFFER_SDK_OBSERVER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "coffer/sdk/clock.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

struct CallInfo {
  // Of the client: the same for all attempts of a call.
  std::uint64_t request_id = 0;
  v1::CommandRequest::RequestDataCase command =
      v1::CommandRequest::REQUEST_DATA_NOT_SET;
  // As in its CallOptions. Valid during the call of the observer only.
  const std::string* trace_context = nullptr;
  // From 0.
  int attempt = 0;
  Clock::TimePoint started;
};

class Observer {
 public:
  virtual ~Observer() = default;

  virtual void OnStart(const CallInfo&) {}
  // An attempt begins; attempt 0 right after OnStart.
  virtual void OnAttempt(const CallInfo&) {}
  // Its request was put into the connection's write buffer; bytes of the
  // message.
  virtual void OnSent(const CallInfo&, std::size_t /*bytes*/) {}
  // Its answer has come; `status` is the wire's (200, 404, ...).
  virtual void OnReceived(const CallInfo&, std::uint32_t /*status*/,
                          std::size_t /*bytes*/) {}
  // The user is given its result: OK for a 2xx answer, else what ToStatus makes
  // of the answer, or the call's error.
  virtual void OnEnd(const CallInfo&, const absl::Status&) {}
};

}  // namespace coffer

#endif  // COFFER_SDK_OBSERVER_H_
