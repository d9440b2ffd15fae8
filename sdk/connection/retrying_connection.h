// RetryingConnection: a Connection that sends calls again which failed, by the
// policies of the options or of the call (retry_policy.h), under the same
// request id. What a call's result says of its outcome holds for all attempts
// together.
//
// A subscription looks after itself: it is passed on.

#ifndef COFFER_SDK_CONNECTION_RETRYING_CONNECTION_H_
#define COFFER_SDK_CONNECTION_RETRYING_CONNECTION_H_

#include <cstdint>
#include <memory>

#include "coffer/sdk/connection.h"
#include "coffer/sdk/connection/client_identity.h"
#include "coffer/sdk/connection_options.h"

namespace coffer::internal {

std::shared_ptr<Connection> MakeRetryingConnection(
    std::shared_ptr<Connection> next, const ConnectionOptions& options,
    std::shared_ptr<ClientIdentity> identity, std::uint64_t seed);

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_RETRYING_CONNECTION_H_
