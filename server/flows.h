// Flows of a client, for the tests that send them through faults: what a
// FlowHarness is to run. Each ends with OK if nothing fails.

#ifndef COFFER_SERVER_FLOWS_H_
#define COFFER_SERVER_FLOWS_H_

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/server/flow_harness.h"

namespace coffer::server {

// Handshake, hello, writes and reads one by one, close.
struct Conversation {
  template <class Flow>
  static boost::asio::awaitable<absl::Status> Run(Flow& flow) {
    return flow.Converse();
  }
};

// Handshake and hello alone.
struct Greeting {
  template <class Flow>
  static boost::asio::awaitable<absl::Status> Run(Flow& flow) {
    return flow.Greet();
  }
};

// Eight requests in one write, and their answers.
struct Pipeline {
  template <class Flow>
  static boost::asio::awaitable<absl::Status> Run(Flow& flow) {
    constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);
    absl::Status status = co_await flow.Greet();
    if (!status.ok()) co_return status;
    auto& framed = flow.client().framed();
    for (int i = 0; i < 8; ++i) {
      absl::Status fed =
          framed.Feed(MakeHset("p", absl::StrCat("k", i), std::string("v")));
      if (!fed.ok()) co_return fed;
    }
    auto [flushed] = co_await framed.Flush(kTuple);
    if (flushed) co_return ToStatus(flushed, "flushing");
    for (int i = 0; i < 8; ++i) {
      auto [error, answer] = co_await framed.Next(kTuple);
      if (error) co_return ToStatus(error, "reading");
      if (answer.status() != 200) co_return ToStatus(answer);
    }
    co_return absl::OkStatus();
  }
};

// The server is told to stop while the client is in the middle.
struct Drain {
  template <class Flow>
  static boost::asio::awaitable<absl::Status> Run(Flow& flow) {
    absl::Status status = co_await flow.Greet();
    if (status.ok()) status = co_await flow.Write("a", "1");
    if (!status.ok()) co_return status;
    for (const auto& connection : ConnectionSet(flow.connections())) {
      connection->Drain();
    }
    // Answered or not: the connection ends.
    status = co_await flow.Write("b", "2");
    if (status.ok()) status = co_await flow.Read("b", "2");
    co_return absl::IsUnavailable(status) ? absl::OkStatus() : status;
  }
};

}  // namespace coffer::server

#endif  // COFFER_SERVER_FLOWS_H_
