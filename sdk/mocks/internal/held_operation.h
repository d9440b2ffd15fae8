// HeldOperation: an operation that a double has been given and that a test
// completes, or whoever cancels it: then it completes with Cancelled. It
// completes once, never inside the call that completes it, on its handler's
// executor, by default the one that is given.
//
// Result: absl::Status or absl::StatusOr<T>. Threads: any. It is to be
// completed, or to go, before the execution context does.

#ifndef COFFER_SDK_MOCKS_INTERNAL_HELD_OPERATION_H_
#define COFFER_SDK_MOCKS_INTERNAL_HELD_OPERATION_H_

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "coffer/sdk/internal/pending_handler.h"

namespace coffer_testing::internal {

template <class Result>
class HeldOperation {
 public:
  using Handler = boost::asio::any_completion_handler<void(Result)>;

  // `on_cancel` is called when it is cancelled, if it is pending then.
  static std::shared_ptr<HeldOperation> Make(
      Handler handler, const boost::asio::any_io_executor& executor,
      std::function<void()> on_cancel = nullptr) {
    const auto held = std::make_shared<HeldOperation>();
    held->on_cancel_ = std::move(on_cancel);
    coffer::internal::OnCancel(handler,
                               [weak = std::weak_ptr<HeldOperation>(held)] {
                                 if (const auto operation = weak.lock())
                                   operation->Cancel();
                               });
    held->handler_ =
        coffer::internal::PendingHandler<Result>(std::move(handler), executor);
    return held;
  }

  // False: it was over.
  bool Complete(Result result) { return Finish(std::move(result), false); }

  bool pending() const {
    const std::lock_guard lock(mutex_);
    return static_cast<bool>(handler_);
  }
  bool cancelled() const {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

 private:
  void Cancel() {
    const bool was_pending =
        Finish(absl::CancelledError("cancelled by the caller"), true);
    if (was_pending && on_cancel_ != nullptr) on_cancel_();
  }

  bool Finish(Result result, bool cancelled) {
    coffer::internal::PendingHandler<Result> handler;
    {
      const std::lock_guard lock(mutex_);
      if (!handler_) return false;
      cancelled_ = cancelled;
      handler = std::move(handler_);
    }
    handler.Post(std::move(result));
    return true;
  }

  std::function<void()> on_cancel_;
  mutable std::mutex mutex_;
  bool cancelled_ = false;
  coffer::internal::PendingHandler<Result> handler_;
};

}  // namespace coffer_testing::internal

#endif  // COFFER_SDK_MOCKS_INTERNAL_HELD_OPERATION_H_
