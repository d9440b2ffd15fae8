// CallWithin: an asynchronous operation as a blocking call that always returns.
//
//   auto answer = CallWithin<absl::StatusOr<CommandResponse>>(
//       io, clock, timeout, "no answer from db1:9527",
//       [&](auto handler) { client.Execute(request, std::move(handler)); });
//
// Not thread-safe; nothing else may run the io_context.

#ifndef COFFER_TOOLS_CLI_CALL_WITHIN_H_
#define COFFER_TOOLS_CLI_CALL_WITHIN_H_

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/sdk/clock.h"

namespace coffer::cli {

// How long a cancelled operation may take to end.
inline constexpr std::chrono::milliseconds kCancelGrace{500};

template <class Result>
struct Call {
  // Of the operation, or DeadlineExceeded.
  Result result;

  // The operation did not even end when it was cancelled: looking up a name in
  // the DNS cannot be interrupted. It is still pending, and the destructor of
  // the io_context may wait for it.
  bool stuck = false;
};

// Starts an operation and runs `io` until it has completed. After `timeout` the
// operation is cancelled, and waited for no longer than kCancelGrace; its
// result is then DeadlineExceeded ("MISSING within N ms"), whatever it turns
// out to be.
//
// `start(handler)` starts it; the handler is called with Result, which is
// absl::Status or absl::StatusOr<T>, at most once, and has a cancellation slot.
template <class Result, class Start>
Call<Result> CallWithin(boost::asio::io_context& io, Clock& clock,
                        std::chrono::milliseconds timeout,
                        absl::string_view missing, Start start) {
  // Shared with handlers that may outlive this call.
  struct State {
    std::optional<Result> result;
    bool time_is_up = false;
    boost::asio::cancellation_signal cancel;
  };
  const auto state = std::make_shared<State>();
  start(boost::asio::bind_cancellation_slot(
      state->cancel.slot(),
      [state](Result result) { state->result.emplace(std::move(result)); }));

  const auto timer = clock.MakeTimer(io.get_executor());
  const auto run_for = [&](std::chrono::milliseconds duration) {
    state->time_is_up = false;
    timer->AsyncWaitUntil(clock.Now() + duration,
                          [state](boost::system::error_code error) {
                            if (!error) state->time_is_up = true;
                          });
    while (!state->result.has_value() && !state->time_is_up) {
      if (io.stopped()) io.restart();
      io.run_one();
    }
  };
  run_for(timeout);
  if (state->result.has_value()) return {*std::move(state->result)};

  state->cancel.emit(boost::asio::cancellation_type::total);
  run_for(kCancelGrace);
  return {absl::DeadlineExceededError(
              absl::StrCat(missing, " within ", timeout.count(), " ms")),
          !state->result.has_value()};
}

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_CALL_WITHIN_H_
