// OpenSession: from a dialer to a stream on which calls can be sent: dials, and
// says Hello.

#ifndef COFFER_SDK_CONNECTION_OPEN_SESSION_H_
#define COFFER_SDK_CONNECTION_OPEN_SESSION_H_

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/connection/client_identity.h"
#include "coffer/sdk/connection_options.h"
#include "coffer/sdk/dialer.h"
#include "coffer/sdk/server_info.h"
#include "coffer/sdk/stream/any_stream.h"
#include "coffer/sdk/stream/framed_stream.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::internal {

using ClientFramedStream =
    FramedStream<AnyStream, v1::CommandResponse, v1::CommandRequest>;

struct OpenedSession {
  std::unique_ptr<ClientFramedStream> stream;
  // Unset: a server of the older protocol, which knows no request ids.
  std::optional<ServerInfo> server;
};

// Within options->connect_timeout. Cancelled by every type, as an error. What
// the pointers refer to is kept by the caller until then.
boost::asio::awaitable<absl::StatusOr<OpenedSession>> OpenSession(
    Dialer* dialer, const ConnectionOptions* options,
    const ClientIdentity* identity);

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_OPEN_SESSION_H_
