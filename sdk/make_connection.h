// MakeConnection: a Connection to a server, or to the one of several that is
// there, kept up in the background:
//
//   auto connection = coffer::MakeConnection(
//       io.get_executor(), coffer::MakeTcpDialer("localhost:9527"), options);
//   coffer::Client client(connection);
//
// It connects at once and again whenever the connection is lost, with backoff
// (ConnectionOptions). Calls made meanwhile wait as long as they have time. All
// calls share one connection (or a few): no call blocks another. Options that
// make no sense are told by every call, as InvalidArgument.
//
// Threads: `executor` must not run handlers side by side: that of an io_context
// that one thread runs, or a strand. The connection may be used from any
// thread. It is not to outlive the execution context.

#ifndef COFFER_SDK_MAKE_CONNECTION_H_
#define COFFER_SDK_MAKE_CONNECTION_H_

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <vector>

#include "coffer/sdk/connection.h"
#include "coffer/sdk/connection_options.h"
#include "coffer/sdk/dialer.h"

namespace coffer {

std::shared_ptr<Connection> MakeConnection(
    boost::asio::any_io_executor executor, std::shared_ptr<Dialer> dialer,
    ConnectionOptions options = ConnectionOptions());

// To one of several servers with the same data, at least one: the first that
// can be connected to, in turn from the one that was good last. One whose
// connection ends soon, or without an answer to any call, was not.
std::shared_ptr<Connection> MakeConnection(
    boost::asio::any_io_executor executor,
    std::vector<std::shared_ptr<Dialer>> dialers,
    ConnectionOptions options = ConnectionOptions());

}  // namespace coffer

#endif  // COFFER_SDK_MAKE_CONNECTION_H_
