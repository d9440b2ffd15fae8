// Hooks: functions of the server's owner that are called for each request, in
// this order: received(request), executed(response), before_send(response,
// which it may change), after_send(status) once the answer is flushed or could
// not be.
//
// Any number of each, called in the order of registration. They are called on
// the session's thread: with several threads, of several sessions at once, so
// what they capture must bear that. They must not throw and should not block:
// the session waits. All are registered before the first call.

#ifndef COFFER_SERVER_SERVICE_HOOKS_H_
#define COFFER_SERVER_SERVICE_HOOKS_H_

#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

class Hooks {
 public:
  using Received = absl::AnyInvocable<void(const v1::CommandRequest&)>;
  using Executed = absl::AnyInvocable<void(const v1::CommandResponse&)>;
  using BeforeSend = absl::AnyInvocable<void(v1::CommandResponse&)>;
  using AfterSend = absl::AnyInvocable<void(const absl::Status&)>;

  void AddReceived(Received hook);
  void AddExecuted(Executed hook);
  void AddBeforeSend(BeforeSend hook);
  void AddAfterSend(AfterSend hook);

  void CallReceived(const v1::CommandRequest& request);
  void CallExecuted(const v1::CommandResponse& response);
  void CallBeforeSend(v1::CommandResponse& response);
  void CallAfterSend(const absl::Status& status);

 private:
  std::vector<Received> received_;
  std::vector<Executed> executed_;
  std::vector<BeforeSend> before_send_;
  std::vector<AfterSend> after_send_;
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_SERVICE_HOOKS_H_
