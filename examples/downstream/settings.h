// Settings that are kept in Coffer.

#ifndef DOWNSTREAM_SETTINGS_H_
#define DOWNSTREAM_SETTINGS_H_

#include <boost/asio/awaitable.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/clock.h"

// The text of `key` in the table "settings"; `fallback` if there is none.
inline boost::asio::awaitable<absl::StatusOr<std::string>> GetSetting(
    coffer::Client client, std::string key, std::string fallback,
    coffer::CallOptions options = coffer::CallOptions()) {
  auto setting = co_await client.Get<std::string>("settings", key, options);
  if (absl::IsNotFound(setting.status())) co_return fallback;
  co_return setting;
}

// The same, but DeadlineExceeded when no answer has come within `timeout`,
// whatever has to be connected, waited for or tried again meanwhile.
inline boost::asio::awaitable<absl::StatusOr<std::string>> GetSettingWithin(
    coffer::Client client, coffer::Clock::Duration timeout, std::string key,
    std::string fallback) {
  coffer::CallOptions options;
  options.timeout = timeout;
  co_return co_await GetSetting(client, key, fallback, options);
}

#endif  // DOWNSTREAM_SETTINGS_H_
