#include "coffer/sdk/connect_first.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/sdk/internal/within_timeout.h"
#include "coffer/sdk/status/status_codes.h"

namespace coffer::internal {

namespace asio = boost::asio;
using asio::ip::tcp;
using MaybeSocket = absl::StatusOr<tcp::socket>;

namespace {

asio::awaitable<MaybeSocket> ConnectOne(tcp::endpoint address,
                                        std::string doing) {
  tcp::socket socket(co_await asio::this_coro::executor);
  auto [error] = co_await socket.async_connect(
      address, asio::as_tuple(asio::use_awaitable));
  if (error) co_return ToStatus(error, doing);
  co_return std::move(socket);
}

// One of `left` attempts that are still to be made. 0: no limit.
Clock::Duration Share(Clock* clock, std::optional<Clock::TimePoint> deadline,
                      std::size_t left) {
  if (!deadline.has_value() || left == 1) return Clock::Duration::zero();
  const Clock::Duration share =
      (*deadline - clock->Now()) / static_cast<Clock::Duration::rep>(left);
  return std::max(share, Clock::Duration(1));
}

}  // namespace

asio::awaitable<MaybeSocket> ConnectFirst(
    std::vector<tcp::endpoint> addresses, std::string doing, Clock* clock,
    std::optional<Clock::TimePoint> deadline) {
  MaybeSocket socket =
      absl::UnavailableError(absl::StrCat(doing, ": no address"));
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto share = Share(clock, deadline, addresses.size() - i);
    auto attempt = ConnectOne(addresses[i], doing);
    socket = co_await WithinTimeout(clock, share, doing, std::move(attempt));
    if (socket.ok() || absl::IsCancelled(socket.status())) break;
  }
  co_return std::move(socket);
}

}  // namespace coffer::internal
