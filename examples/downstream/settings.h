// Settings that are kept in Coffer. The functions are templates over the
// transport of their client, so that the tests can do without a network.

#ifndef DOWNSTREAM_SETTINGS_H_
#define DOWNSTREAM_SETTINGS_H_

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/sdk/stream/client_stream.h"

// The text of `key` in the table "settings"; `fallback` if there is none.
template <class Stream>
boost::asio::awaitable<absl::StatusOr<std::string>> GetSetting(
    coffer::ClientStream<Stream>& client, std::string key,
    std::string fallback) {
  auto answer = co_await client.Execute(coffer::MakeHget("settings", key));
  if (!answer.ok()) co_return answer.status();  // no answer came
  const absl::Status status = coffer::ToStatus(*answer);
  if (absl::IsNotFound(status)) co_return fallback;
  if (!status.ok()) co_return status;  // the server said no
  if (answer->values().empty()) co_return absl::DataLossError("no value");
  co_return coffer::FromValue<std::string>(answer->values(0));
}

// The same, but DeadlineExceeded when no answer has come within `timeout`. The
// client stays good: an answer that comes too late is dropped.
template <class Stream>
boost::asio::awaitable<absl::StatusOr<std::string>> GetSettingWithin(
    coffer::ClientStream<Stream>& client, coffer::Clock& clock,
    coffer::Clock::Duration timeout, std::string key, std::string fallback) {
  namespace asio = boost::asio;
  using asio::experimental::awaitable_operators::operator||;
  const auto timer = clock.MakeTimer(client.get_executor());
  // Whichever ends first cancels the other.
  auto first =
      co_await (GetSetting(client, std::move(key), std::move(fallback)) ||
                timer->AsyncWaitUntil(clock.Now() + timeout,
                                      asio::as_tuple(asio::use_awaitable)));
  if (first.index() == 0) co_return std::get<0>(std::move(first));
  co_return absl::DeadlineExceededError("no answer in time");
}

#endif  // DOWNSTREAM_SETTINGS_H_
