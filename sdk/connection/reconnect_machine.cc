#include "coffer/sdk/connection/reconnect_machine.h"

#include <limits>

#include "coffer/sdk/internal/assert.h"

namespace coffer::internal {

ConnectAction ReconnectMachine::Start() {
  COFFER_ASSERT(endpoints_ > 0);
  return Dial();
}

ConnectAction ReconnectMachine::Failed() {
  NextEndpoint();
  if (++failed_in_round_ < endpoints_) return Dial();
  failed_in_round_ = 0;
  failing_ = true;
  return Wait();
}

ConnectAction ReconnectMachine::Connected(Clock::TimePoint now) {
  connected_ = true;
  connected_at_ = now;
  failed_in_round_ = 0;
  failing_ = false;
  return {};
}

ConnectAction ReconnectMachine::Lost(Clock::TimePoint now, bool in_vain) {
  COFFER_ASSERT(connected_);
  connected_ = false;
  if (!in_vain && now - connected_at_ >= lasting_) {
    failed_rounds_ = 0;
  } else {
    NextEndpoint();
  }
  return Wait();
}

ConnectAction ReconnectMachine::Waited() { return Dial(); }

ConnectAction ReconnectMachine::Dial() const {
  ConnectAction action;
  action.kind = ConnectAction::Kind::kDial;
  action.endpoint = endpoint_;
  return action;
}

ConnectAction ReconnectMachine::Wait() {
  if (failed_rounds_ < std::numeric_limits<int>::max()) ++failed_rounds_;
  ConnectAction action;
  action.kind = ConnectAction::Kind::kWait;
  action.wait = backoff_->Wait(failed_rounds_, random_());
  return action;
}

}  // namespace coffer::internal
