// What sessions with peers of ours have sent, in short, for tests of
// subscriptions and watches.

#ifndef COFFER_SERVER_SESSION_TOLD_H_
#define COFFER_SERVER_SESSION_TOLD_H_

#include <cstdint>
#include <string>

#include "coffer/server/session/session_harness.h"
#include "coffer/v1/kv.pb.h"

namespace coffer::server {

// Of the state of these sessions, and of what they tell.
inline constexpr std::uint64_t kToldEpoch = 7;

// Starts the session and says Hello; `hello` may be another one.
void SayHello(SessionHarness& harness);
void SayHello(SessionHarness& harness, const v1::CommandRequest& hello);

// All that has come after the Hello's answer, with ", " between:
//   "#1 200"           the answer to request 1
//   "#1 is 7 after 3"  request 1 has opened subscription 7
//   "7/4=5", "7/4 k=5", "7/4 REMOVED k"   its event 4: data, or a change
//   "7/4 EVICTED", "7/4 bookmark"         a gap; nothing for it up to there
//   "7 end 429"
std::string Told(const SessionHarness& harness);

}  // namespace coffer::server

#endif  // COFFER_SERVER_SESSION_TOLD_H_
