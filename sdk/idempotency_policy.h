// IdempotencyPolicy: whether a request may be sent again when what became of it
// is not known. What is known to have had no effect may always be sent again.

#ifndef COFFER_SDK_IDEMPOTENCY_POLICY_H_
#define COFFER_SDK_IDEMPOTENCY_POLICY_H_

#include "coffer/v1/kv.pb.h"

namespace coffer {

// What a server does about requests that are sent again under their id.
enum class RetryWindow {
  kNone,  // it executes them again: an older server
  kKept,  // it knows them, and executes none twice
};

// Stateless: any thread.
class IdempotencyPolicy {
 public:
  virtual ~IdempotencyPolicy() = default;
  virtual bool MaySendAgain(const v1::CommandRequest& request,
                            RetryWindow window) const = 0;
};

// Reads always; writes if the server keeps a window of retries.
class DefaultIdempotency final : public IdempotencyPolicy {
 public:
  bool MaySendAgain(const v1::CommandRequest& request,
                    RetryWindow window) const override;
};

// Everything, for users to whom a write that is done twice is no harm.
class AlwaysIdempotent final : public IdempotencyPolicy {
 public:
  bool MaySendAgain(const v1::CommandRequest&, RetryWindow) const override {
    return true;
  }
};

// Reads only.
class ReadsOnly final : public IdempotencyPolicy {
 public:
  bool MaySendAgain(const v1::CommandRequest& request,
                    RetryWindow window) const override;
};

// Has no effect on what is stored, and none on others.
bool IsRead(const v1::CommandRequest& request);

}  // namespace coffer

#endif  // COFFER_SDK_IDEMPOTENCY_POLICY_H_
