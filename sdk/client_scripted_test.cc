// Client against a server that says just what a script has it say: what the
// real one says only in rare moments.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/dialer.h"
#include "coffer/sdk/ends_dialer.h"
#include "coffer/sdk/make_connection.h"
#include "coffer/sdk/status/outcome.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/script/scripted_peer.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using coffer_testing::EqualsProto;
using coffer_testing::FakeServer;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::ScriptedPeer;
using coffer_testing::StatusIs;
using coffer_testing::VirtualTime;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Property;

CommandResponse Response(const std::string& text) {
  CommandResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response));
  return response;
}

// A sign of life between a ping and its answer makes room for another ping.
TEST(ClientScriptedTest, AnswerToAnEarlierPingIsAnAnswer) {
  VirtualTime time;
  const auto dialer = std::make_shared<EndsDialer>();
  ScriptedPeer<CommandRequest, CommandResponse> server(
      "server", dialer->Next(time.get_executor()), time.clock());
  server.Expect(Property(&CommandRequest::has_hello, true))
      .Reply(Response("status: 200 hello { protocol_version: 1 epoch: 7 }"));
  server.Expect(EqualsProto(
      "hget { table: 't' key: 'k' } request_id: 1 deadline_ms: 60000"));
  // What is of no subscription, half a second after the ping.
  server.Expect(EqualsProto("ping {} request_id: 2"))
      .Reply(Response("subscription_id: 99 event {}"))
      .After(milliseconds(500));
  server.Expect(EqualsProto("ping {} request_id: 2"))
      .Reply(Response("status: 200 request_id: 2"))
      .Reply(Response("status: 200 request_id: 2"))
      .Reply(Response("status: 200 request_id: 1 values { integer: 5 }"));

  ConnectionOptions options;
  options.clock = &time.clock();
  options.retry = nullptr;
  options.call_timeout = seconds(60);
  options.ping_interval = seconds(1);
  std::optional<absl::StatusOr<std::int64_t>> value;
  {
    Client client(MakeConnection(time.get_executor(), dialer, options));
    client.Get<std::int64_t>(
        "t", "k", [&](absl::StatusOr<std::int64_t> given) { value = given; });
    ASSERT_TRUE(time.RunUntil([&] { return value.has_value(); }));
    EXPECT_THAT(*value, IsOkAndHolds(5));
    server.ExpectEnd();
  }
  time.RunFor(seconds(5));
}

// It makes no sense, so neither does another try.
TEST(ClientScriptedTest, AnswerToNothingIsDataLossAndNotRetried) {
  VirtualTime time;
  const auto dialer = std::make_shared<EndsDialer>();
  ScriptedPeer<CommandRequest, CommandResponse> server(
      "server", dialer->Next(time.get_executor()), time.clock());
  server.Expect(Property(&CommandRequest::has_hello, true))
      .Reply(Response("status: 200 hello { protocol_version: 1 epoch: 7 "
                      "features: RETRIES }"));
  server.Expect(Property(&CommandRequest::has_hget, true))
      .Reply(Response("status: 200 request_id: 77"));
  FakeServer fake(time.get_executor(), {.clock = &time.clock()});
  ConnectionOptions options;
  options.clock = &time.clock();
  options.ping_interval = seconds(0);
  std::optional<absl::StatusOr<std::int64_t>> value;
  {
    Client client(MakeConnection(
        time.get_executor(),
        {dialer,
         std::shared_ptr<Dialer>(std::shared_ptr<Dialer>(), &fake.dialer())},
        options));
    client.Get<std::int64_t>(
        "t", "k", [&](absl::StatusOr<std::int64_t> given) { value = given; });
    server.ExpectEnd();
    ASSERT_TRUE(time.RunUntil([&] { return value.has_value(); }));
    EXPECT_THAT(*value, StatusIs(absl::StatusCode::kDataLoss,
                                 HasSubstr("its id is 77")));
    time.RunFor(seconds(5));
    EXPECT_TRUE(fake.Calls().empty());
  }
  time.RunFor(seconds(5));
}

// A server of the older protocol that is replaced: what it has done, no other
// one knows.
TEST(ClientScriptedTest, WriteToAnOlderServerIsNotSentToANewOne) {
  VirtualTime time;
  const auto dialer = std::make_shared<EndsDialer>();
  ScriptedPeer<CommandRequest, CommandResponse> older(
      "older", dialer->Next(time.get_executor()), time.clock());
  older.Expect(Property(&CommandRequest::has_hello, true))
      .Reply(Response("status: 400 message: 'Command is invalid'"));
  older
      .Expect(EqualsProto("hset { table: 't' pair { key: 'k' value { integer: "
                          "1 } } }"))
      .ThenEof();
  FakeServer fake(time.get_executor(), {.clock = &time.clock()});
  ConnectionOptions options;
  options.clock = &time.clock();
  options.seed = 1;
  options.ping_interval = seconds(0);
  std::optional<absl::Status> set, next;
  {
    Client client(MakeConnection(
        time.get_executor(),
        {dialer,
         std::shared_ptr<Dialer>(std::shared_ptr<Dialer>(), &fake.dialer())},
        options));
    client.Set("t", "k", 1, [&](absl::Status status) { set = status; });
    ASSERT_TRUE(time.RunUntil([&] { return set.has_value(); }));
    EXPECT_THAT(*set, StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_EQ(OutcomeOf(*set), v1::UNKNOWN);
    client.Set("t", "next", 2, [&](absl::Status status) { next = status; });
    ASSERT_TRUE(time.RunUntil([&] { return next.has_value(); }));
    EXPECT_THAT(*next, IsOk());
    EXPECT_EQ(fake.Contents()["t"].count("k"), 0u);
  }
  time.RunFor(seconds(5));
}

// A server that keeps what it has executed over a restart: its topics are gone,
// and a write may go to it again.
TEST(ClientScriptedTest, WriteIsSentAgainOverARestartThatForgetsNoWrite) {
  VirtualTime time;
  const auto dialer = std::make_shared<EndsDialer>();
  ScriptedPeer<CommandRequest, CommandResponse> before(
      "before", dialer->Next(time.get_executor()), time.clock());
  before.Expect(Property(&CommandRequest::has_hello, true))
      .Reply(Response("status: 200 hello { protocol_version: 1 epoch: 7 "
                      "retries_epoch: 3 features: RETRIES }"));
  before.Expect(Property(&CommandRequest::has_hset, true)).ThenEof();
  ScriptedPeer<CommandRequest, CommandResponse> after(
      "after", dialer->Next(time.get_executor()), time.clock());
  after.Expect(Property(&CommandRequest::has_hello, true))
      .Reply(Response("status: 200 hello { protocol_version: 1 epoch: 8 "
                      "retries_epoch: 3 features: RETRIES }"));
  after.Expect(Property(&CommandRequest::attempt, 1))
      .Reply(Response("status: 200 request_id: 1"));
  ConnectionOptions options;
  options.clock = &time.clock();
  options.seed = 1;
  options.ping_interval = seconds(0);
  std::optional<absl::Status> set;
  {
    Client client(MakeConnection(time.get_executor(), dialer, options));
    client.Set("t", "k", 1, [&](absl::Status status) { set = status; });
    ASSERT_TRUE(time.RunUntil([&] { return set.has_value(); }));
    EXPECT_THAT(*set, IsOk());
    after.ExpectEnd();
  }
  time.RunFor(seconds(5));
}

// What it would take for an empty request is not sent.
TEST(ClientScriptedTest, ServerWithoutDataCommandsIsSentNone) {
  VirtualTime time;
  for (const char* hello :
       {"status: 200 hello { protocol_version: 1 epoch: 7 server_version: "
        "'0.9' features: RETRIES }",
        "status: 400 message: 'Command is invalid'"}) {
    const bool older = absl::StartsWith(hello, "status: 400");
    const auto dialer = std::make_shared<EndsDialer>();
    ScriptedPeer<CommandRequest, CommandResponse> server(
        "server", dialer->Next(time.get_executor()), time.clock());
    server.Expect(Property(&CommandRequest::has_hello, true))
        .Reply(Response(hello));
    ConnectionOptions options;
    options.clock = &time.clock();
    options.ping_interval = seconds(0);
    std::vector<absl::Status> refused;
    {
      Client client(MakeConnection(time.get_executor(), dialer, options));
      for (const CommandRequest& request :
           {MakeListTables(), MakeScan("t"), MakePut("t", "k", 1),
            MakeTransaction({}, {MakePut("t", "k", 1)})}) {
        client.Execute(request, [&](absl::StatusOr<CommandResponse> answer) {
          refused.push_back(answer.status());
        });
      }
      ASSERT_TRUE(time.RunUntil([&] { return refused.size() == 4; }));
      server.ExpectEnd();
    }
    time.RunFor(seconds(5));
    const char* const names[] = {"list_tables", "scan", "put", "transaction"};
    for (int i = 0; i < 4; ++i) {
      EXPECT_THAT(refused[i],
                  StatusIs(absl::StatusCode::kUnimplemented,
                           AllOf(HasSubstr(names[i]),
                                 HasSubstr(older ? "older protocol"
                                                 : "(version 0.9)"))));
      EXPECT_EQ(OutcomeOf(refused[i]), v1::NOT_EXECUTED);
    }
  }
}

}  // namespace
}  // namespace coffer
