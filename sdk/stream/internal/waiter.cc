#include "coffer/sdk/stream/internal/waiter.h"

#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <mutex>
#include <utility>

#include "coffer/sdk/internal/assert.h"

namespace coffer::internal {

namespace asio = boost::asio;
using boost::system::error_code;

// The Waiters of an execution context.
class WaiterService : public asio::execution_context::service {
 public:
  using key_type = WaiterService;
  static inline asio::execution_context::id id;

  explicit WaiterService(asio::execution_context& context) : service(context) {}
  // Again, for Waiters made while the context was being destroyed.
  ~WaiterService() override { DropAll(); }

  static WaiterService& Of(const asio::any_io_executor& io) {
    return asio::use_service<WaiterService>(
        asio::query(io, asio::execution::context));
  }

  void Add(Waiter* waiter) {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiter->service_ = this;
    waiter->next_ = first_;
    if (first_ != nullptr) first_->previous_ = waiter;
    first_ = waiter;
  }

  void Remove(Waiter* waiter) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Unlist(waiter);
  }

 private:
  void shutdown() override { DropAll(); }

  // A handler's destruction may be the end of its Waiter and of others, or make
  // new ones: so each is off the list, and the lock free, before.
  void DropAll() {
    for (;;) {
      Waiter::Handler handler;
      asio::any_completion_executor work;
      const std::lock_guard<std::mutex> lock(mutex_);
      if (first_ == nullptr) return;
      // Its cancellation slot is left alone: the signal may be gone.
      handler.swap(first_->handler_);
      work = std::exchange(first_->work_, {});
      Unlist(first_);
    }
  }

  void Unlist(Waiter* waiter) {
    if (waiter->next_ != nullptr) waiter->next_->previous_ = waiter->previous_;
    (waiter->previous_ != nullptr ? waiter->previous_->next_ : first_) =
        waiter->next_;
    waiter->service_ = nullptr;
    waiter->previous_ = waiter->next_ = nullptr;
  }

  std::mutex mutex_;
  Waiter* first_ = nullptr;
};

Waiter::Waiter(asio::any_io_executor io) : io_(std::move(io)) {
  WaiterService::Of(io_).Add(this);
}

Waiter::~Waiter() {
  if (service_ != nullptr) service_->Remove(this);
}

void Waiter::Arm(Handler handler) {
  COFFER_ASSERT(!pending() && "one operation at a time on this half");
  if (service_ == nullptr) return;  // too late: destroyed uninvoked
  // swap, because Boost 1.81's move assignment of this type recurses for ever.
  handler_.swap(handler);
  work_ = asio::prefer(asio::any_completion_executor(
                           asio::get_associated_executor(handler_, io_)),
                       asio::execution::outstanding_work.tracked);
  auto slot = asio::get_associated_cancellation_slot(handler_);
  if (!slot.is_connected()) return;
  slot.assign([weak = weak_from_this()](asio::cancellation_type type) {
    if (type == asio::cancellation_type::none) return;
    if (auto self = weak.lock()) self->Post(asio::error::operation_aborted);
  });
}

Waiter::Handler Waiter::Take() {
  // Cleared, or a late emission would cancel the next operation instead.
  auto slot = asio::get_associated_cancellation_slot(handler_);
  if (slot.is_connected()) slot.clear();
  Handler taken;
  taken.swap(handler_);
  return taken;
}

void Waiter::Dispatch(error_code error) {
  if (!pending()) return;
  auto executor = std::exchange(work_, {});
  asio::dispatch(executor, asio::append(Take(), error));
}

void Waiter::Post(error_code error) {
  if (!pending()) return;
  // By way of the stream's executor, for any_completion_executor cannot promise
  // not to run the handler in here.
  asio::post(io_, [executor = std::exchange(work_, {}), handler = Take(),
                   error]() mutable {
    asio::dispatch(executor, asio::append(std::move(handler), error));
  });
}

}  // namespace coffer::internal
