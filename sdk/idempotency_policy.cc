#include "coffer/sdk/idempotency_policy.h"

namespace coffer {

bool IsRead(const v1::CommandRequest& request) {
  switch (request.request_data_case()) {
    case v1::CommandRequest::kHget:
    case v1::CommandRequest::kHgetall:
    case v1::CommandRequest::kHmget:
    case v1::CommandRequest::kHexist:
    case v1::CommandRequest::kHmexist:
    case v1::CommandRequest::kPing:
      return true;
    default:
      return false;
  }
}

bool DefaultIdempotency::MaySendAgain(const v1::CommandRequest& request,
                                      RetryWindow window) const {
  return window == RetryWindow::kKept || IsRead(request);
}

bool ReadsOnly::MaySendAgain(const v1::CommandRequest& request,
                             RetryWindow) const {
  return IsRead(request);
}

}  // namespace coffer
