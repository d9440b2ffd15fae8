// How to test a client against a server that says just this, however badly: by
// messages, and byte by byte.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <future>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/stream/client_stream.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/script/scripted_peer.h"
#include "coffer/testing/script/scripted_stream.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using coffer::ClientStream;
using coffer::v1::CommandRequest;
using coffer::v1::CommandResponse;
using coffer_testing::EqualsProto;
using coffer_testing::IsOkAndHolds;
using coffer_testing::MakeMemoryPipe;
using coffer_testing::MemoryPipe;
using coffer_testing::ScriptedPeer;
using coffer_testing::ScriptedStream;
using coffer_testing::StatusIs;
using coffer_testing::VirtualTime;

// How many of them there are; none, where nobody knows.
asio::awaitable<absl::StatusOr<int64_t>> CountOf(
    ClientStream<MemoryPipe>& client, std::string what) {
  const auto answer =
      co_await client.Execute(coffer::MakeHget("stock", std::move(what)));
  if (!answer.ok()) co_return answer.status();
  if (answer->status() == 404) co_return 0;
  co_return answer->values(0).integer();
}

CommandResponse Integer(int64_t value) {
  CommandResponse response;
  response.set_status(200);
  response.add_values()->set_integer(value);
  return response;
}

// README: scripted_peer
TEST(CountOf, TakesALateAnswerInPiecesAndNoHalfOne) {
  VirtualTime time;
  auto [near, far] = MakeMemoryPipe(time.get_executor());
  ScriptedPeer<CommandRequest, CommandResponse> server("server", std::move(far),
                                                       time.clock());
  server.Expect(EqualsProto("hget { table: 'stock' key: 'lamp' }"))
      .Reply(Integer(3))
      .After(std::chrono::seconds(5))
      .Chunked({1, 3});
  server.Expect(::testing::_).Reply(Integer(4)).ThenEof(6);

  ClientStream<MemoryPipe> client(std::move(near));
  auto lamps =
      asio::co_spawn(time.io(), CountOf(client, "lamp"), asio::use_future);
  time.RunUntilIdle();
  EXPECT_THAT(lamps.get(), IsOkAndHolds(3));
  auto chairs =
      asio::co_spawn(time.io(), CountOf(client, "chair"), asio::use_future);
  time.RunUntilIdle();
  EXPECT_THAT(chairs.get(), StatusIs(absl::StatusCode::kDataLoss));
}
// README: end

// A protocol of lines. Empty: the server has said nothing that is one.
template <class Stream>
asio::awaitable<std::string> Ping(Stream& stream) {
  constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
  co_await asio::async_write(stream, asio::buffer("PING\r\n", 6), kTuple);
  std::string said;
  const auto [error, bytes] = co_await asio::async_read_until(
      stream, asio::dynamic_buffer(said), "\r\n", kTuple);
  co_return error ? "" : said.substr(0, bytes);
}

TEST(Ping, ReadsToTheEndOfTheLine) {
  VirtualTime time;
  ScriptedStream stream("server", time.get_executor(), time.clock());
  stream.Expect("PING\r\n").Reply("PONG\r\n").Chunked({1, 4});
  auto said = asio::co_spawn(time.io(), Ping(stream), asio::use_future);
  time.RunUntilIdle();
  EXPECT_EQ(said.get(), "PONG\r\n");
}

}  // namespace
