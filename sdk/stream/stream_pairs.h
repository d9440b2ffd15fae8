// Pairs of connected transports of every kind that a FramedStream works over.

#ifndef COFFER_SDK_STREAM_STREAM_PAIRS_H_
#define COFFER_SDK_STREAM_STREAM_PAIRS_H_

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "coffer/sdk/stream/any_stream.h"

namespace coffer {

struct StreamPairKind {
  std::string name;
  // More than the transport takes at once, and not so much as to be slow.
  std::size_t many_bytes = 0;
  // Two ends, connected and, for TLS, with the handshake done.
  std::function<std::pair<AnyStream, AnyStream>(boost::asio::io_context&)> make;
};

// TCP, Unix sockets, memory pipes, wide and one byte wide, and TLS over them.
std::vector<StreamPairKind> StreamPairKinds();

}  // namespace coffer

#endif  // COFFER_SDK_STREAM_STREAM_PAIRS_H_
