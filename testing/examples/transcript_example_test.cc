// How to keep a conversation as it is: a transcript of it, compared with a
// golden file, and the same file as the server of a later test.
//
// The file was written by:
//   bazel run //testing/examples:transcript_example_test -- --update_golden=1

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <fstream>
#include <future>
#include <sstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/stream/client_stream.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/script/scripted_peer.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "coffer/testing/transcript/replay.h"
#include "coffer/testing/transcript/transcript.h"
#include "coffer/testing/transcript/transcript_stream.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace {

namespace asio = boost::asio;
using coffer::ClientStream;
using coffer::v1::CommandRequest;
using coffer::v1::CommandResponse;
using coffer_testing::ExpectGolden;
using coffer_testing::FakeServer;
using coffer_testing::MakeMemoryPipe;
using coffer_testing::MemoryPipe;
using coffer_testing::ReplayServer;
using coffer_testing::ScriptedPeer;
using coffer_testing::Transcript;
using coffer_testing::TranscriptStream;
using coffer_testing::VirtualTime;

constexpr char kGolden[] = "testing/examples/sell.transcript";

// Takes one lamp out of stock; what is left. (Not safe with two shops.)
template <class Stream>
asio::awaitable<int64_t> SellALamp(ClientStream<Stream>& client) {
  const auto before =
      co_await client.Execute(coffer::MakeHget("stock", "lamp"));
  if (!before.ok() || before->values_size() == 0) co_return -1;
  const int64_t left = before->values(0).integer() - 1;
  const auto written =
      co_await client.Execute(coffer::MakeHset("stock", "lamp", left));
  co_return written.ok() && written->status() == 200 ? left : -1;
}

// README: transcript
TEST(SellALamp, SaysWhatItSaidBefore) {
  VirtualTime time;
  Transcript transcript(time.clock());
  FakeServer fake(time.get_executor());
  ClientStream<MemoryPipe> owner(fake.Connect());
  owner.Execute(coffer::MakeHset("stock", "lamp", 3), [](const auto&) {});
  time.RunUntilIdle();

  ClientStream client(
      TranscriptStream(fake.Connect(), transcript.Client("client")));
  auto left = asio::co_spawn(time.io(), SellALamp(client), asio::use_future);
  time.RunUntilIdle();
  EXPECT_EQ(left.get(), 2);
  ExpectGolden(transcript, kGolden);
}
// README: end

TEST(SellALamp, GoesWellWithARecordedServer) {
  std::stringstream text;
  text << std::ifstream(kGolden).rdbuf();
  const auto recorded = Transcript::Parse(text.str());
  ASSERT_TRUE(recorded.ok()) << recorded.status();

  VirtualTime time;
  auto [near, far] = MakeMemoryPipe(time.get_executor());
  ScriptedPeer<CommandRequest, CommandResponse> server(
      "recorded server", std::move(far), time.clock());
  ReplayServer(*recorded, "client", server);
  ClientStream<MemoryPipe> client(std::move(near));
  auto left = asio::co_spawn(time.io(), SellALamp(client), asio::use_future);
  time.RunUntilIdle();
  EXPECT_EQ(left.get(), 2);
}

}  // namespace
