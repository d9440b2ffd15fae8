#include "coffer/server/service/hooks.h"

#include <utility>

namespace coffer::server {

void Hooks::AddReceived(Received hook) { received_.push_back(std::move(hook)); }
void Hooks::AddExecuted(Executed hook) { executed_.push_back(std::move(hook)); }
void Hooks::AddBeforeSend(BeforeSend hook) {
  before_send_.push_back(std::move(hook));
}
void Hooks::AddAfterSend(AfterSend hook) {
  after_send_.push_back(std::move(hook));
}

void Hooks::CallReceived(const v1::CommandRequest& request) {
  for (Received& hook : received_) hook(request);
}
void Hooks::CallExecuted(const v1::CommandResponse& response) {
  for (Executed& hook : executed_) hook(response);
}
void Hooks::CallBeforeSend(v1::CommandResponse& response) {
  for (BeforeSend& hook : before_send_) hook(response);
}
void Hooks::CallAfterSend(const absl::Status& status) {
  for (AfterSend& hook : after_send_) hook(status);
}

}  // namespace coffer::server
