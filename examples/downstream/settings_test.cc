// How to test code that talks to Coffer: no server, no sockets, no sleeping.
// The doubles are those of @coffer//:testing; its README says which is for
// what.

#include "settings.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <string>
#include <utility>

#include "coffer/sdk/stream/framed_stream.h"
#include "coffer/testing/dummy_stream.h"
#include "coffer/testing/encode_frames.h"
#include "coffer/testing/frame_matchers.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using coffer::ClientStream;
using coffer::CommandRequest;
using coffer::CommandResponse;
using coffer_testing::DummyStream;
using coffer_testing::EqualsProto;
using coffer_testing::Frames;
using coffer_testing::IsOkAndHolds;
using coffer_testing::MakeMemoryPipe;
using coffer_testing::ManualClock;
using coffer_testing::MemoryPipe;
using coffer_testing::StatusIs;
using ::testing::ElementsAre;

// The server's side of a connection.
template <class Stream>
using PeerStream =
    coffer::FramedStream<Stream, CommandRequest, CommandResponse>;

CommandResponse Response(const std::string& text) {
  CommandResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response));
  return response;
}

// The bytes that a server sends for a response.
std::string Answer(const std::string& text) {
  return coffer_testing::EncodeFrames(Response(text));
}

// --- DummyStream: given bytes in, which bytes out.

// [test]
TEST(GetSetting, AbsentKeyGivesTheFallback) {
  asio::io_context io;
  ClientStream client(DummyStream(io.get_executor(), Answer("status: 404")));
  auto color =
      asio::co_spawn(io, GetSetting(client, "color", "blue"), asio::use_future);
  io.run();
  EXPECT_THAT(color.get(), IsOkAndHolds("blue"));
  EXPECT_THAT(client.framed().next_layer().written(),
              Frames<CommandRequest>(ElementsAre(
                  EqualsProto("hget { table: 'settings' key: 'color' }"))));
}
// [/test]

TEST(GetSetting, OtherErrorsAreNotHidden) {
  asio::io_context io;
  ClientStream client(
      DummyStream(io.get_executor(), Answer("status: 503 message: 'full'")));
  auto color =
      asio::co_spawn(io, GetSetting(client, "color", "blue"), asio::use_future);
  io.run();
  EXPECT_THAT(color.get(), StatusIs(absl::StatusCode::kUnavailable, "full"));
}

TEST(GetSetting, ServerThatEndsInsideAnAnswerIsDataLoss) {
  const std::string answer = Answer("status: 200 values { string: 'red' }");
  for (size_t sent = 1; sent < answer.size(); ++sent) {
    asio::io_context io;
    ClientStream client(DummyStream(io.get_executor(), answer.substr(0, sent)));
    auto color = asio::co_spawn(io, GetSetting(client, "color", "blue"),
                                asio::use_future);
    io.run();
    EXPECT_THAT(color.get(), StatusIs(absl::StatusCode::kDataLoss)) << sent;
  }
}

// --- MemoryPipe: both sides of a connection, with back-pressure.

// Answers one request with `response`.
asio::awaitable<void> AnswerOne(PeerStream<MemoryPipe>& peer,
                                CommandResponse response) {
  constexpr auto kAwaitTuple = asio::as_tuple(asio::use_awaitable);
  auto [error, request] = co_await peer.Next(kAwaitTuple);
  EXPECT_FALSE(error) << error.message();
  auto [send_error] = co_await peer.Send(response, kAwaitTuple);
  EXPECT_FALSE(send_error) << send_error.message();
}

TEST(GetSetting, WorksThroughAConnectionThatTakesAByteAtATime) {
  asio::io_context io;
  auto [near, far] = MakeMemoryPipe(io.get_executor(), {.capacity = 1});
  ClientStream client(std::move(near));
  PeerStream<MemoryPipe> peer(std::move(far));
  auto color =
      asio::co_spawn(io, GetSetting(client, "color", "blue"), asio::use_future);
  auto red = Response("status: 200 values { string: 'red' }");
  asio::co_spawn(io, AnswerOne(peer, red), asio::detached);
  io.run();
  EXPECT_THAT(color.get(), IsOkAndHolds("red"));
}

TEST(GetSetting, ServerThatClosesIsUnavailable) {
  asio::io_context io;
  auto [near, far] = MakeMemoryPipe(io.get_executor());
  ClientStream client(std::move(near));
  auto color =
      asio::co_spawn(io, GetSetting(client, "color", "blue"), asio::use_future);
  io.poll();  // as far as it gets: the request is sent, no answer comes
  far.close();
  io.run();
  EXPECT_THAT(color.get(), StatusIs(absl::StatusCode::kUnavailable));
}

// --- ManualClock: time that moves when told.

TEST(GetSettingWithin, LateAnswerIsDroppedAndTheNextCallGetsItsOwn) {
  asio::io_context io;
  ManualClock clock;
  auto [near, far] = MakeMemoryPipe(io.get_executor());
  ClientStream client(std::move(near));
  PeerStream<MemoryPipe> peer(std::move(far));

  auto color = asio::co_spawn(
      io,
      GetSettingWithin(client, clock, std::chrono::seconds(5), "color", "blue"),
      asio::use_future);
  io.poll();
  clock.AdvanceBy(std::chrono::seconds(5) - std::chrono::nanoseconds(1));
  io.poll();
  EXPECT_EQ(color.wait_for(std::chrono::seconds(0)),
            std::future_status::timeout);
  clock.AdvanceBy(std::chrono::nanoseconds(1));
  io.poll();
  EXPECT_THAT(color.get(), StatusIs(absl::StatusCode::kDeadlineExceeded));

  auto size = asio::co_spawn(
      io,
      GetSettingWithin(client, clock, std::chrono::seconds(5), "size", "10"),
      asio::use_future);
  auto late = Response("status: 200 values { string: 'red' }");
  auto own = Response("status: 200 values { string: '12' }");
  auto answer_both = [&]() -> asio::awaitable<void> {
    co_await AnswerOne(peer, late);
    co_await AnswerOne(peer, own);
  };
  asio::co_spawn(io, answer_both, asio::detached);
  io.restart();
  io.run();
  EXPECT_THAT(size.get(), IsOkAndHolds("12"));
}

}  // namespace
