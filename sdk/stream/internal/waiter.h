// Waiter: the one user operation that may be waiting on one half of a stream.
//
// A framed stream's transport operations belong to the stream, not to the
// user's operations; a user's operation only waits for them. So it can be
// cancelled at any moment without touching the transport, and no byte is lost:
// that is what this class is for.
//
// Where the execution context is destroyed with an operation pending, its
// handler is destroyed with it, uninvoked, as Asio does: even when it belongs
// to a coroutine that keeps the stream, and so this object, alive. A Waiter may
// outlive its context, unused.
//
// Not thread-safe; used on the stream's executor only.

#ifndef COFFER_SDK_STREAM_INTERNAL_WAITER_H_
#define COFFER_SDK_STREAM_INTERNAL_WAITER_H_

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>
#include <memory>

namespace coffer::internal {

class WaiterService;

class Waiter : public std::enable_shared_from_this<Waiter> {
 public:
  using Handler =
      boost::asio::any_completion_handler<void(boost::system::error_code)>;

  explicit Waiter(boost::asio::any_io_executor io);
  ~Waiter();

  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  bool pending() const { return static_cast<bool>(handler_); }

  // Takes the handler, counts as work on its executor, and from now on
  // completes it with operation_aborted when its cancellation slot is emitted.
  // Nothing may be pending.
  void Arm(Handler handler);

  // Completes the pending handler on its own executor: Dispatch possibly before
  // it returns, Post never. Nothing happens when none is pending.
  void Dispatch(boost::system::error_code error);
  void Post(boost::system::error_code error);

 private:
  friend class WaiterService;

  Handler Take();

  const boost::asio::any_io_executor io_;
  Handler handler_;
  boost::asio::any_completion_executor work_;

  // Its context's, and its neighbours in that one's list; null once the context
  // is being destroyed.
  WaiterService* service_ = nullptr;
  Waiter* previous_ = nullptr;
  Waiter* next_ = nullptr;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_STREAM_INTERNAL_WAITER_H_
