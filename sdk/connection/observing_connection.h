// ObservingConnection: a Connection that tells an Observer of the start and the
// end of each call. (What happens in between is told by the connection that it
// wraps.)

#ifndef COFFER_SDK_CONNECTION_OBSERVING_CONNECTION_H_
#define COFFER_SDK_CONNECTION_OBSERVING_CONNECTION_H_

#include <memory>

#include "coffer/sdk/clock.h"
#include "coffer/sdk/connection.h"
#include "coffer/sdk/connection/client_identity.h"
#include "coffer/sdk/observer.h"

namespace coffer::internal {

std::shared_ptr<Connection> MakeObservingConnection(
    std::shared_ptr<Connection> next, std::shared_ptr<Observer> observer,
    std::shared_ptr<ClientIdentity> identity, Clock* clock);

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_OBSERVING_CONNECTION_H_
