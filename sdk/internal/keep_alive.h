// Finding out that the host of a TCP peer has vanished without a word, where
// nothing of the protocol does: a peer of the older one knows no Ping, and one
// that has half-closed is never read from.

#ifndef COFFER_SDK_INTERNAL_KEEP_ALIVE_H_
#define COFFER_SDK_INTERNAL_KEEP_ALIVE_H_

#include <boost/asio/ip/tcp.hpp>

namespace coffer::internal {

// After so many seconds without a word from the peer's host it is asked, so
// often, and then the connection is broken: after two minutes.
inline constexpr int kKeepAliveIdleSeconds = 60;
inline constexpr int kKeepAliveIntervalSeconds = 10;
inline constexpr int kKeepAliveProbes = 6;

void KeepAlive(boost::asio::ip::tcp::socket& socket);

// A host is not asked while something that was sent to it is not acknowledged,
// but sent that again, for a quarter of an hour: this makes it two minutes.
void GiveUpUnacknowledged(boost::asio::ip::tcp::socket& socket);

}  // namespace coffer::internal

#endif  // COFFER_SDK_INTERNAL_KEEP_ALIVE_H_
