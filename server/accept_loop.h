// AcceptLoop: accepts until the acceptor is closed, whatever goes wrong
// meanwhile.
//
// An error of one connection (the peer was gone before it was accepted, it
// could not be set up) costs nothing. An error of ours (descriptors or memory
// exhausted) would come back at once: the loop waits before it tries again, and
// the connection stays in the system's backlog meanwhile. A template, so that a
// test can play the acceptor.

#ifndef COFFER_SERVER_ACCEPT_LOOP_H_
#define COFFER_SERVER_ACCEPT_LOOP_H_

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/log.h"

namespace coffer::server {

inline constexpr std::chrono::milliseconds kAcceptBackoffLeast(10);
inline constexpr std::chrono::milliseconds kAcceptBackoffMost(1000);

inline bool IsFaultOfOneConnection(const boost::system::error_code& error) {
  return error == boost::asio::error::connection_aborted ||
         error == boost::system::errc::protocol_error ||
         error == boost::asio::error::interrupted;
}

// `on_accept(socket)` takes each connection; what it throws is logged. Runs on
// the acceptor's executor, and so does `backoff_timer`, which is the loop's
// alone. To end it, close the acceptor, then cancel the timer.
template <class Acceptor, class OnAccept>
boost::asio::awaitable<void> AcceptLoop(Acceptor* acceptor, Clock* clock,
                                        Timer* backoff_timer,
                                        OnAccept on_accept) {
  constexpr auto kAwaitTuple =
      boost::asio::as_tuple(boost::asio::use_awaitable);
  std::chrono::milliseconds backoff = kAcceptBackoffLeast;
  while (acceptor->is_open()) {
    auto [error, socket] = co_await acceptor->async_accept(kAwaitTuple);
    if (!error) {
      backoff = kAcceptBackoffLeast;
      try {
        on_accept(std::move(socket));
      } catch (const std::exception& thrown) {
        Log(LogLevel::kError, "connection not served",
            {{"error", thrown.what()}});
      } catch (...) {
        Log(LogLevel::kError, "connection not served",
            {{"error", "unknown exception"}});
      }
      continue;
    }
    if (!acceptor->is_open() || IsFaultOfOneConnection(error)) continue;
    Log(LogLevel::kError, "accept failed",
        {{"error", error.message()},
         {"retry_ms", absl::StrCat(backoff.count())}});
    co_await backoff_timer->AsyncWaitUntil(clock->Now() + backoff, kAwaitTuple);
    backoff = std::min(2 * backoff, kAcceptBackoffMost);
  }
}

}  // namespace coffer::server

#endif  // COFFER_SERVER_ACCEPT_LOOP_H_
