// Flows of a client, for the tests that send them through faults: what a
// FlowHarness is to run. Each ends with OK if nothing fails.

#ifndef COFFER_SERVER_FLOWS_H_
#define COFFER_SERVER_FLOWS_H_

#include <boost/asio/awaitable.hpp>

#include "absl/status/status.h"
#include "coffer/server/flow_harness.h"

namespace coffer::server {

using Flow = boost::asio::awaitable<absl::Status>(FlowHarness& harness);

// Handshake, hello, writes and reads one by one, close.
Flow Conversation;
// Handshake and hello alone.
Flow Greeting;
// Eight requests in one write, and their answers.
Flow Pipeline;
// The server is told to stop while the client is in the middle.
Flow Drain;

}  // namespace coffer::server

#endif  // COFFER_SERVER_FLOWS_H_
