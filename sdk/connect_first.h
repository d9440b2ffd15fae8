// ConnectFirst: a TCP connection to one of several addresses.
//
// They are tried one after the other. Each but the last gets an equal share of
// the time that is left, so that one which does not answer leaves some to the
// others; the last one gets all.

#ifndef COFFER_SDK_CONNECT_FIRST_H_
#define COFFER_SDK_CONNECT_FIRST_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"

namespace coffer::internal {

// Without a deadline each attempt takes as long as the system lets it. The
// deadline itself is for the caller to see to. Errors are the last attempt's,
// behind `doing`: "connecting to db1:9527: Connection refused".
boost::asio::awaitable<absl::StatusOr<boost::asio::ip::tcp::socket>>
ConnectFirst(std::vector<boost::asio::ip::tcp::endpoint> addresses,
             std::string doing, Clock* clock,
             std::optional<Clock::TimePoint> deadline);

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECT_FIRST_H_
