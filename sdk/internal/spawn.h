// Spawn: an asynchronous function with any completion token, written as a
// coroutine.
//
// The coroutine runs on `executor`; `token` completes with its result, once,
// never inside the initiating call, on the handler's associated executor, with
// signature void(Result). Result is absl::Status or absl::StatusOr<T>. Every
// type of cancellation reaches the operation that the coroutine waits for,
// which reports it as its error; an exception that leaves the coroutine becomes
// an Internal status. A signal may be emitted outside of io_context::run too,
// and destroyed as soon as the token has completed.

#ifndef COFFER_SDK_INTERNAL_SPAWN_H_
#define COFFER_SDK_INTERNAL_SPAWN_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <memory>
#include <utility>

#include "absl/status/status.h"

namespace coffer::internal {

inline absl::Status StatusOfException(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const std::exception& e) {
    return absl::InternalError(e.what());
  } catch (...) {
    return absl::InternalError("unknown exception");
  }
}

template <class Result, class Coroutine>
boost::asio::awaitable<Result> RunCancellable(Coroutine coroutine) {
  namespace this_coro = boost::asio::this_coro;
  co_await this_coro::reset_cancellation_state(
      boost::asio::enable_total_cancellation());
  co_await this_coro::throw_if_cancelled(false);
  co_return co_await coroutine();
}

// How a coroutine of Spawn is cancelled. co_spawn's own way is not used: for a
// handler with an executor of its own it queues a pointer into the user's
// signal, which may be gone when its turn comes.
class SpawnCancel {
 public:
  boost::asio::cancellation_slot slot() { return signal_.slot(); }

  // What an emission on `outer` does: it is passed on, on `executor`, as long
  // as the coroutine keeps `cancel`.
  template <class Slot>
  static void Connect(Slot outer, boost::asio::any_io_executor executor,
                      const std::shared_ptr<SpawnCancel>& cancel) {
    if (!outer.is_connected()) return;
    outer.assign([executor, weak = std::weak_ptr<SpawnCancel>(cancel)](
                     boost::asio::cancellation_type type) {
      auto alive = weak.lock();
      if (alive == nullptr) return;
      boost::asio::dispatch(executor, [alive = std::move(alive), type] {
        alive->signal_.emit(type);
      });
    });
  }

 private:
  boost::asio::cancellation_signal signal_;
};

// `coroutine` is a function object that returns asio::awaitable<Result>; it is
// kept until it has finished.
template <class Result, class Coroutine, class Token>
auto Spawn(boost::asio::any_io_executor executor, Coroutine coroutine,
           Token&& token) {
  auto initiation = [](auto handler, boost::asio::any_io_executor ex,
                       Coroutine body) {
    auto cancel = std::make_shared<SpawnCancel>();
    SpawnCancel::Connect(boost::asio::get_associated_cancellation_slot(handler),
                         ex, cancel);
    // Work of the handler's executor until then.
    auto work = boost::asio::make_work_guard(
        boost::asio::get_associated_executor(handler, ex));
    const auto slot = cancel->slot();
    // Has no executor of its own, so that co_spawn calls it on `ex`.
    auto finish = [handler = std::move(handler), work = std::move(work),
                   cancel = std::move(cancel)](std::exception_ptr thrown,
                                               Result result) mutable {
      if (thrown) result = StatusOfException(std::move(thrown));
      auto complete = [handler = std::move(handler),
                       result = std::move(result)]() mutable {
        std::move(handler)(std::move(result));
      };
      boost::asio::dispatch(work.get_executor(), std::move(complete));
    };
    boost::asio::co_spawn(
        ex, RunCancellable<Result, Coroutine>(std::move(body)),
        boost::asio::bind_cancellation_slot(slot, std::move(finish)));
  };
  return boost::asio::async_initiate<Token, void(Result)>(
      std::move(initiation), token, std::move(executor), std::move(coroutine));
}

}  // namespace coffer::internal

#endif  // COFFER_SDK_INTERNAL_SPAWN_H_
