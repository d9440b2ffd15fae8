// CallOptions: what one call asks for beside its request.

#ifndef COFFER_SDK_CALL_OPTIONS_H_
#define COFFER_SDK_CALL_OPTIONS_H_

#include <memory>
#include <optional>
#include <string>

#include "coffer/sdk/clock.h"

namespace coffer {

class RetryPolicy;
class BackoffPolicy;
class IdempotencyPolicy;

namespace internal {
struct AttemptNote;
}

struct CallOptions {
  // Not an aggregate on purpose: g++ 12 miscompiles a braced {.timeout = ...}
  // inside a co_await expression. Name the options first.
  CallOptions() {}

  // From the call to its result, retries and waiting for a connection included;
  // then it fails with DeadlineExceeded. Unset: the connection's default. The
  // server is told what is left of it, and does not start what is too late.
  std::optional<Clock::Duration> timeout;

  // Passed to the server and to observers as it is; not interpreted.
  std::string trace_context;

  // Each in place of the connection's own; null: the connection's.
  std::shared_ptr<const RetryPolicy> retry;
  std::shared_ptr<const BackoffPolicy> backoff;
  std::shared_ptr<const IdempotencyPolicy> idempotency;

  // The client's own; leave it null.
  internal::AttemptNote* attempt = nullptr;
};

}  // namespace coffer

#endif  // COFFER_SDK_CALL_OPTIONS_H_
