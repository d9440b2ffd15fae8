// SyncCalls: how the functions of SyncClient (sync_client.h) wait for those of
// Client. For SyncClient's parts.

#ifndef COFFER_SDK_SYNC_CALLS_H_
#define COFFER_SDK_SYNC_CALLS_H_

#include <memory>
#include <utility>

#include "coffer/sdk/client.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/internal/sync_loop.h"

namespace coffer {

class SyncCalls {
 public:
  SyncCalls(const SyncCalls&) = delete;
  SyncCalls& operator=(const SyncCalls&) = delete;

 protected:
  // `client` lives on `loop`; `clock` outlives this.
  SyncCalls(Clock* clock, std::shared_ptr<internal::SyncLoop> loop,
            Client client)
      : clock_(clock), loop_(std::move(loop)), client_(std::move(client)) {}
  // Ends the connection.
  ~SyncCalls();

  // `start` is given a handler. Without a thread: its error.
  template <class Result, class Start>
  Result Wait(Start start) {
    if (!loop_->MayBlock().ok()) return loop_->MayBlock();
    internal::BlockingCall<Result> call;
    start(call.Handler());
    return call.Wait();
  }

  Clock* clock() const { return clock_; }
  const std::shared_ptr<internal::SyncLoop>& loop() const { return loop_; }
  Client& client() { return client_; }
  const Client& client() const { return client_; }

 private:
  Clock* const clock_;
  const std::shared_ptr<internal::SyncLoop> loop_;
  Client client_;
};

}  // namespace coffer

#endif  // COFFER_SDK_SYNC_CALLS_H_
