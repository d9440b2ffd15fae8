#include "coffer/sdk/internal/keep_alive.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>

namespace coffer::internal {

using boost::asio::ip::tcp;

namespace {

// One that is refused is not worth a connection.
void Set(tcp::socket& socket, int option, int value) {
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value,
               sizeof(value));
}

}  // namespace

void KeepAlive(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(boost::asio::socket_base::keep_alive(true), ignored);
  Set(socket, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  Set(socket, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  Set(socket, TCP_KEEPCNT, kKeepAliveProbes);
}

void GiveUpUnacknowledged(tcp::socket& socket) {
  constexpr int kSeconds =
      kKeepAliveIdleSeconds + kKeepAliveProbes * kKeepAliveIntervalSeconds;
  Set(socket, TCP_USER_TIMEOUT, 1000 * kSeconds);
}

}  // namespace coffer::internal
