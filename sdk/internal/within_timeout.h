// WithinTimeout: a coroutine, given a time to finish in.

#ifndef COFFER_SDK_INTERNAL_WITHIN_TIMEOUT_H_
#define COFFER_SDK_INTERNAL_WITHIN_TIMEOUT_H_

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/clock.h"

namespace coffer::internal {

inline boost::asio::awaitable<bool> WaitFor(Timer* timer,
                                            Clock::TimePoint deadline) {
  co_await boost::asio::this_coro::reset_cancellation_state(
      boost::asio::enable_total_cancellation());
  auto [error] = co_await timer->AsyncWaitUntil(
      deadline, boost::asio::as_tuple(boost::asio::use_awaitable));
  co_return !error;
}

// `work`, cancelled by every type: what runs beside something else is by
// default only by one.
template <class Result>
boost::asio::awaitable<Result> CancelledByEveryType(
    boost::asio::awaitable<Result> work) {
  co_await boost::asio::this_coro::reset_cancellation_state(
      boost::asio::enable_total_cancellation());
  co_return co_await std::move(work);
}

// The result of `work`, or DeadlineExceeded ("`doing` did not finish within N
// ms") once `timeout` has passed on `clock`: `work` is then cancelled and
// waited for. A timeout of 0 or less is none. Result is absl::Status or
// absl::StatusOr<T>.
template <class Result>
boost::asio::awaitable<Result> WithinTimeout(
    Clock* clock, Clock::Duration timeout, std::string doing,
    boost::asio::awaitable<Result> work) {
  using boost::asio::experimental::awaitable_operators::operator||;
  if (timeout <= Clock::Duration::zero()) co_return co_await std::move(work);
  auto executor = co_await boost::asio::this_coro::executor;
  const std::unique_ptr<Timer> timer = clock->MakeTimer(executor);
  auto wait = WaitFor(timer.get(), clock->Now() + timeout);
  auto cancellable = CancelledByEveryType(std::move(work));
  auto first = co_await (std::move(cancellable) || std::move(wait));
  if (first.index() == 0) co_return std::get<0>(std::move(first));
  if (!std::get<1>(first)) {
    co_return absl::CancelledError(absl::StrCat(doing, ": cancelled"));
  }
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  co_return absl::DeadlineExceededError(
      absl::StrCat(doing, " did not finish within ", ms, " ms"));
}

}  // namespace coffer::internal

#endif  // COFFER_SDK_INTERNAL_WITHIN_TIMEOUT_H_
