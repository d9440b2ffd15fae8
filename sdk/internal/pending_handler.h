// PendingHandler: the handler of an operation that is under way, with what a
// completion has to see to: that the handler's executor does not run out of
// work before, and that it is called there.
//
// It is called once, or destroyed uncalled where its execution context is
// destroyed first. What it throws leaves io_context::run, as with any handler,
// and never goes through whoever calls it here. Not thread-safe.

#ifndef COFFER_SDK_INTERNAL_PENDING_HANDLER_H_
#define COFFER_SDK_INTERNAL_PENDING_HANDLER_H_

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <exception>
#include <utility>

namespace coffer::internal {

template <class Result>
class PendingHandler {
 public:
  using Handler = boost::asio::any_completion_handler<void(Result)>;

  PendingHandler() = default;
  // `otherwise`: where it is called if it has no executor of its own.
  PendingHandler(Handler handler, const boost::asio::any_io_executor& otherwise)
      : io_(otherwise),
        handler_(std::move(handler)),
        // Not with `otherwise` as the default: an executor of one type made
        // into one of the other costs an allocation.
        own_(boost::asio::get_associated_executor(
            handler_, boost::asio::any_completion_executor())) {
    using boost::asio::execution::outstanding_work;
    if (own_) {
      own_ = boost::asio::prefer(own_, outstanding_work.tracked);
    } else {
      io_ = boost::asio::prefer(io_, outstanding_work.tracked);
    }
  }

  PendingHandler(PendingHandler&& other) noexcept { swap(other); }
  PendingHandler& operator=(PendingHandler&& other) noexcept {
    PendingHandler taken(std::move(other));
    swap(taken);
    return *this;
  }
  void swap(PendingHandler& other) noexcept {
    io_.swap(other.io_);
    // Boost 1.81's move assignment of this type recurses for ever.
    handler_.swap(other.handler_);
    own_.swap(other.own_);
  }

  explicit operator bool() const { return static_cast<bool>(handler_); }

  // Calls it, possibly before this returns.
  void Dispatch(Result result) {
    const auto own = std::exchange(own_, {});
    const auto io = std::exchange(io_, {});
    try {
      if (own) {
        boost::asio::dispatch(
            own, boost::asio::append(std::move(handler_), std::move(result)));
      } else {
        boost::asio::dispatch(io, [handler = std::move(handler_),
                                   result = std::move(result)]() mutable {
          std::move(handler)(std::move(result));
        });
      }
    } catch (...) {
      // A strand has called it in here.
      boost::asio::post(io, [thrown = std::current_exception()] {
        std::rethrow_exception(thrown);
      });
    }
  }

  // Calls it, never before this returns. By way of the other executor, for
  // any_completion_executor cannot promise not to call it in here.
  void Post(Result result) {
    boost::asio::any_io_executor io = io_;
    boost::asio::post(
        io, [pending = std::move(*this), result = std::move(result)]() mutable {
          pending.Dispatch(std::move(result));
        });
  }

 private:
  boost::asio::any_io_executor io_;
  Handler handler_;
  // The handler's, if it has one.
  boost::asio::any_completion_executor own_;
};

// Calls `cancel` when the handler's operation is cancelled, by every type, on
// the thread of whoever cancels it. Not taken back when the operation is over:
// `cancel` has to know by itself that there is nothing to cancel any more.
template <class Handler, class Cancel>
void OnCancel(const Handler& handler, Cancel cancel) {
  auto slot = boost::asio::get_associated_cancellation_slot(handler);
  if (!slot.is_connected()) return;
  slot.assign([cancel = std::move(cancel)](
                  boost::asio::cancellation_type) mutable { cancel(); });
}

}  // namespace coffer::internal

#endif  // COFFER_SDK_INTERNAL_PENDING_HANDLER_H_
