// ReconnectMachine: what a connection does next to have a server: dial one of
// its endpoints, wait, or nothing. It does no I/O and has no clock: it is told
// what happened and answers with an action.
//
// Endpoints are tried in turn, from the one that was good last; only when a
// round over all of them has failed there is a wait, by the backoff policy, the
// longer the more rounds have failed. A connection that was lost is made anew
// after a wait as before the first repeated attempt. One that did not last is
// counted as a failed round, so that a server that accepts and hangs up is not
// hammered, and the next endpoint is tried, so that it is not stayed with.
//
// A connection has lasted if it lived for a while, and was of use: a server
// that was asked and has never answered is none to come back to.

#ifndef COFFER_SDK_CONNECTION_RECONNECT_MACHINE_H_
#define COFFER_SDK_CONNECTION_RECONNECT_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>

#include "coffer/sdk/backoff_policy.h"
#include "coffer/sdk/clock.h"

namespace coffer::internal {

struct ConnectAction {
  enum class Kind { kDial, kWait, kNothing };

  Kind kind = Kind::kNothing;
  std::size_t endpoint = 0;   // kDial
  Clock::Duration wait = {};  // kWait

  bool operator==(const ConnectAction&) const = default;
};

class ReconnectMachine {
 public:
  // At least one endpoint. `lasting`: how long a connection lives that lasts.
  ReconnectMachine(std::size_t endpoints,
                   std::shared_ptr<const BackoffPolicy> backoff,
                   Clock::Duration lasting, std::uint64_t seed)
      : endpoints_(endpoints),
        backoff_(std::move(backoff)),
        lasting_(lasting),
        random_(seed) {}

  // kDial.
  ConnectAction Start();
  // The dial, or what makes a connection of it, failed. kDial or kWait.
  ConnectAction Failed();
  // It succeeded. kNothing.
  ConnectAction Connected(Clock::TimePoint now);
  // What was connected is lost. `in_vain`: it was given calls, and has answered
  // none. kWait.
  ConnectAction Lost(Clock::TimePoint now, bool in_vain);
  // A wait is over. kDial.
  ConnectAction Waited();

  bool connected() const { return connected_; }
  // The last attempt at each endpoint failed, and no connection has been made
  // since. (One that was made and lost has not failed.)
  bool failing() const { return failing_; }

 private:
  void NextEndpoint() { endpoint_ = (endpoint_ + 1) % endpoints_; }
  ConnectAction Dial() const;
  ConnectAction Wait();

  const std::size_t endpoints_;
  const std::shared_ptr<const BackoffPolicy> backoff_;
  const Clock::Duration lasting_;
  std::mt19937_64 random_;

  std::size_t endpoint_ = 0;
  std::size_t failed_in_round_ = 0;
  // For the backoff: those that did not last included.
  int failed_rounds_ = 0;
  bool failing_ = false;
  bool connected_ = false;
  Clock::TimePoint connected_at_;
};

}  // namespace coffer::internal

#endif  // COFFER_SDK_CONNECTION_RECONNECT_MACHINE_H_
