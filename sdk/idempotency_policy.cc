#include "coffer/sdk/idempotency_policy.h"

#include "coffer/proto/request_keys.h"

namespace coffer {

bool IsRead(const v1::CommandRequest& request) {
  switch (request.request_data_case()) {
    case v1::CommandRequest::kHget:
    case v1::CommandRequest::kHgetall:
    case v1::CommandRequest::kHmget:
    case v1::CommandRequest::kHexist:
    case v1::CommandRequest::kHmexist:
    case v1::CommandRequest::kPing:
    case v1::CommandRequest::kListTables:
    case v1::CommandRequest::kCountKeys:
    case v1::CommandRequest::kScan:
    case v1::CommandRequest::kRead:
      return true;
    case v1::CommandRequest::kTransaction:
      return !WritesKeys(request);
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
