#include "coffer/server/flows.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/status/status_codes.h"

namespace coffer::server {

using boost::asio::awaitable;

awaitable<absl::Status> Conversation(FlowHarness& harness) {
  return harness.Converse();
}

awaitable<absl::Status> Greeting(FlowHarness& harness) {
  return harness.Greet();
}

awaitable<absl::Status> Pipeline(FlowHarness& harness) {
  constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);
  absl::Status status = co_await harness.Greet();
  if (!status.ok()) co_return status;
  auto& framed = harness.client().framed();
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

awaitable<absl::Status> Drain(FlowHarness& harness) {
  absl::Status status = co_await harness.Greet();
  if (status.ok()) status = co_await harness.Write("a", "1");
  if (!status.ok()) co_return status;
  for (const auto& connection : ConnectionSet(harness.connections())) {
    connection->Drain();
  }
  // Answered or not: the connection ends.
  status = co_await harness.Write("b", "2");
  if (status.ok()) status = co_await harness.Read("b", "2");
  co_return absl::IsUnavailable(status) ? absl::OkStatus() : status;
}

}  // namespace coffer::server
