// ConnectionWatch: how far a connection of the SDK has got, so that kvc can say
// what was missing when the time was over. Not thread-safe: for a connection on
// the only thread.

#ifndef COFFER_TOOLS_CLI_CONNECTION_WATCH_H_
#define COFFER_TOOLS_CLI_CONNECTION_WATCH_H_

#include <memory>

#include "coffer/sdk/dialer.h"
#include "coffer/sdk/observer.h"

namespace coffer::cli {

struct ConnectionWatch {
  // An attempt to get a connection, from the look-up of the name on.
  bool dialing = false;
  // A call was: before that its time is spent on connecting.
  bool sent = false;
};

// Both keep what they tell of.
std::shared_ptr<Observer> WatchSending(std::shared_ptr<ConnectionWatch> watch);
std::shared_ptr<Dialer> WatchDialing(std::unique_ptr<Dialer> dialer,
                                     std::shared_ptr<ConnectionWatch> watch);

}  // namespace coffer::cli

#endif  // COFFER_TOOLS_CLI_CONNECTION_WATCH_H_
