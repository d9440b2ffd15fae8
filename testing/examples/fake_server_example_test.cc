// How to test code that talks to Coffer, when what matters is what it does and
// not which bytes it sends. The code under test moves an item from one table to
// another.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <string>

#include "absl/status/status.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/status/status_codes.h"
#include "coffer/sdk/stream/client_stream.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using coffer::ClientStream;
using coffer::MakeHdel;
using coffer::MakeHset;
using coffer_testing::FakeServer;
using coffer_testing::MemoryPipe;
using coffer_testing::StatusIs;
using coffer_testing::VirtualTime;

asio::awaitable<absl::Status> Ask(ClientStream<MemoryPipe>& client,
                                  coffer::v1::CommandRequest request) {
  const auto answer = co_await client.Execute(std::move(request));
  co_return answer.ok() ? coffer::ToStatus(*answer) : answer.status();
}

// Written to its new place before it leaves the old one, so that it is never
// nowhere.
asio::awaitable<absl::Status> Move(ClientStream<MemoryPipe>& client,
                                   std::string key) {
  absl::Status status = co_await Ask(client, MakeHset("sold", key, 1));
  if (status.ok()) status = co_await Ask(client, MakeHdel("stock", key));
  co_return status;
}

// README: fake_server
TEST(Move, NeverLosesTheItem) {
  VirtualTime time;
  FakeServer fake(time.get_executor());
  ClientStream<MemoryPipe> client(fake.Connect());
  fake.DropRequest(::testing::ResultOf(
      [](const coffer::v1::CommandRequest& call) { return call.has_hdel(); },
      true));
  auto moved =
      asio::co_spawn(time.io(), Move(client, "lamp"), asio::use_future);
  time.RunUntilIdle();
  EXPECT_THAT(moved.get(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(fake.Contents()["sold"].count("lamp"), 1u);
}
// README: end

}  // namespace
