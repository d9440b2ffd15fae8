// Writes that are sent again, and deadlines, over connections: the real session
// and the real service behind a FakeServer. Each HSET writes another value, and
// its answer has the previous one: a write that was applied twice shows.

#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/server_info.h"
#include "coffer/sdk/stream/framed_stream.h"
#include "coffer/sdk/stream/hello.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/time/virtual_time.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using coffer_testing::FakeServer;
using coffer_testing::MemoryPipe;
using coffer_testing::VirtualTime;
using std::chrono::milliseconds;
using v1::CommandRequest;
using v1::CommandResponse;

constexpr char kClient[] = "0123456789abcdef";

CommandRequest Hset(std::uint64_t id, std::uint32_t attempt, int value) {
  CommandRequest request = MakeHset("t", "k", value);
  request.set_request_id(id);
  request.set_attempt(attempt);
  return request;
}

// A client that says what it is told to.
class Client {
 public:
  Client(FakeServer* fake, VirtualTime* time)
      : time_(*time), stream_(fake->Connect()) {}

  void Send(const CommandRequest& request) {
    ASSERT_TRUE(stream_.Feed(request).ok());
    bool done = false;
    stream_.Flush([&done](boost::system::error_code) { done = true; });
    ASSERT_TRUE(time_.RunUntil([&done] { return done; }));
  }

  // Null when the connection has ended.
  std::optional<CommandResponse> Next() {
    std::optional<CommandResponse> next;
    bool done = false;
    stream_.Next([&](boost::system::error_code error, CommandResponse answer) {
      if (!error) next = std::move(answer);
      done = true;
    });
    EXPECT_TRUE(time_.RunUntil([&done] { return done; }));
    return next;
  }

  std::optional<CommandResponse> Ask(const CommandRequest& request) {
    Send(request);
    return Next();
  }

  ServerInfo Hello(const std::string& client_id,
                   std::uint64_t next_request_id) {
    const auto answer = Ask(MakeHello({}, client_id, "test", next_request_id));
    EXPECT_TRUE(answer.has_value() && answer->has_hello());
    return answer.has_value() ? ServerInfoFromReply(answer->hello())
                              : ServerInfo();
  }

 private:
  VirtualTime& time_;
  FramedStream<MemoryPipe, CommandResponse, CommandRequest> stream_;
};

class RetryFlowTest : public ::testing::Test {
 protected:
  Client Connect(std::uint64_t next_request_id,
                 const std::string& client_id = kClient) {
    Client client(&fake_, &time_);
    client.Hello(client_id, next_request_id);
    return client;
  }

  static void ExpectPrevious(const std::optional<CommandResponse>& answer,
                             int previous) {
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status(), 200u) << answer->message();
    ASSERT_EQ(answer->values_size(), 1);
    EXPECT_EQ(answer->values(0).integer(), previous);
  }

  static void ExpectFailed(const std::optional<CommandResponse>& answer,
                           std::uint32_t status, v1::Outcome outcome) {
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status(), status);
    EXPECT_EQ(answer->outcome(), outcome);
  }

  std::int64_t Stored() { return fake_.Contents()["t"]["k"].integer(); }

  VirtualTime time_;
  FakeServer fake_{time_.get_executor(), {.clock = &time_.clock()}};
};

TEST_F(RetryFlowTest, EpochIsNewWhenTheServerHasForgotten) {
  const std::uint64_t epoch = Client(&fake_, &time_).Hello(kClient, 1).epoch;
  EXPECT_NE(epoch, 0u);
  const ServerInfo again = Client(&fake_, &time_).Hello("another client16", 1);
  EXPECT_EQ(again.epoch, epoch);
  EXPECT_TRUE(again.features.retries);
  EXPECT_TRUE(again.features.deadlines);
  fake_.Restart(FakeServer::Data::kKeep);
  EXPECT_EQ(Client(&fake_, &time_).Hello(kClient, 1).epoch, epoch);
  fake_.Restart(FakeServer::Data::kLose);
  EXPECT_NE(Client(&fake_, &time_).Hello(kClient, 1).epoch, epoch);
}

TEST_F(RetryFlowTest, WriteWhoseAnswerWasLostIsAppliedOnce) {
  Client first = Connect(1);
  first.Ask(Hset(1, 0, 1));
  fake_.DropAnswer();
  EXPECT_FALSE(first.Ask(Hset(2, 0, 2)).has_value());
  EXPECT_EQ(Stored(), 2);
  Client second = Connect(3);
  const auto answer = second.Ask(Hset(2, 1, 2));
  ExpectPrevious(answer, 1);
  EXPECT_EQ(answer->request_id(), 2u);
  ExpectPrevious(second.Ask(Hset(3, 0, 3)), 2);
}

TEST_F(RetryFlowTest, WriteThatNeverArrivedIsAppliedByItsRetry) {
  Client first = Connect(1);
  fake_.DropRequest();
  EXPECT_FALSE(first.Ask(Hset(1, 0, 1)).has_value());
  Client second = Connect(2);
  EXPECT_EQ(second.Ask(Hset(1, 1, 1))->status(), 200u);
  EXPECT_EQ(Stored(), 1);
}

TEST_F(RetryFlowTest, ServerThatLostItsMemoryRefusesTheRetry) {
  Client first = Connect(1);
  first.Ask(Hset(1, 0, 1));
  fake_.DropAnswer();
  EXPECT_FALSE(first.Ask(Hset(2, 0, 2)).has_value());
  fake_.Restart(FakeServer::Data::kLose);
  Client second = Connect(3);
  ExpectFailed(second.Ask(Hset(2, 1, 2)), 500, v1::UNKNOWN);
  ExpectFailed(second.Ask(Hset(2, 2, 2)), 500, v1::UNKNOWN);
  EXPECT_EQ(fake_.Contents().size(), 0u) << "never twice";
  EXPECT_EQ(second.Ask(Hset(3, 0, 3))->status(), 200u);
}

// Over a restart: a durable engine has written down what it executed.
TEST_F(RetryFlowTest, DurableServerKnowsTheWriteAfterARestart) {
  FakeServer durable{time_.get_executor(),
                     {.clock = &time_.clock(), .durable = true}};
  Client first(&durable, &time_);
  const ServerInfo before = first.Hello(kClient, 1);
  EXPECT_NE(before.retries_epoch, 0u);
  first.Ask(Hset(1, 0, 1));
  durable.DropAnswer();
  EXPECT_FALSE(first.Ask(Hset(2, 0, 2)).has_value());
  durable.Restart(FakeServer::Data::kKeepStored);
  Client second(&durable, &time_);
  const ServerInfo after = second.Hello(kClient, 4);
  EXPECT_NE(after.epoch, before.epoch) << "topics are forgotten";
  EXPECT_EQ(after.retries_epoch, before.retries_epoch);
  ExpectPrevious(second.Ask(Hset(2, 1, 2)), 1);
  ExpectPrevious(second.Ask(Hset(3, 1, 3)), 2);  // had never arrived
  durable.Restart(FakeServer::Data::kLose);
  EXPECT_NE(Client(&durable, &time_).Hello(kClient, 1).retries_epoch,
            before.retries_epoch);
}

TEST_F(RetryFlowTest, ServerThatKeptItsMemoryAnswersTheRetry) {
  Client first = Connect(1);
  first.Ask(Hset(1, 0, 1));
  fake_.DropAnswer();
  EXPECT_FALSE(first.Ask(Hset(2, 0, 2)).has_value());
  fake_.Restart(FakeServer::Data::kKeep);
  ExpectPrevious(Connect(3).Ask(Hset(2, 1, 2)), 1);
}

TEST_F(RetryFlowTest, RefusedWriteIsAppliedByItsRetry) {
  Client client = Connect(1);
  fake_.FailNext(absl::UnavailableError("busy"));
  ExpectFailed(client.Ask(Hset(1, 0, 1)), 503, v1::NOT_EXECUTED);
  EXPECT_EQ(client.Ask(Hset(1, 1, 1))->status(), 200u);
  EXPECT_EQ(Stored(), 1);
}

TEST_F(RetryFlowTest, RetryOfAWriteThatRunsIsAnsweredWithIt) {
  Client first = Connect(1);
  Client second = Connect(1);
  first.Ask(Hset(1, 0, 1));
  fake_.DelayNext(milliseconds(500));
  first.Send(Hset(2, 0, 2));
  time_.RunFor(milliseconds(100));
  const auto start = time_.Now();
  ExpectPrevious(second.Ask(Hset(2, 1, 2)), 1);
  EXPECT_EQ(time_.Now() - start, milliseconds(400));
  ExpectPrevious(first.Next(), 1);
  ExpectPrevious(second.Ask(Hset(3, 0, 3)), 2);
}

// The client is gone, its retry is not.
TEST_F(RetryFlowTest, ConnectionThatEndsMeanwhileDoesNotStopTheRetry) {
  std::optional<Client> first(Connect(1));
  Client second = Connect(1);
  first->Ask(Hset(1, 0, 1));
  fake_.DelayNext(milliseconds(500));
  first->Send(Hset(2, 0, 2));
  time_.RunFor(milliseconds(100));
  second.Send(Hset(2, 1, 2));
  time_.RunFor(milliseconds(100));
  first.reset();
  ExpectPrevious(second.Next(), 1);
}

TEST_F(RetryFlowTest, AnotherClientsWritesAreNotMistakenForIt) {
  Client first = Connect(1);
  first.Ask(Hset(1, 0, 1));
  Client other = Connect(1, "another client16");
  ExpectPrevious(other.Ask(Hset(1, 1, 7)), 1);
  EXPECT_EQ(Stored(), 7);
}

TEST_F(RetryFlowTest, OlderPeerHasNoRetriesAndNoDeadlines) {
  Client older(&fake_, &time_);
  older.Ask(Hset(1, 0, 1));
  fake_.DelayNext(milliseconds(500));
  CommandRequest late = Hset(1, 1, 2);
  late.set_deadline_ms(10);
  older.Send(Hset(1, 1, 5));
  older.Send(late);
  ExpectPrevious(older.Next(), 1);
  const auto answer = older.Next();
  ExpectPrevious(answer, 5);
  EXPECT_EQ(answer->request_id(), 0u);
}

// The second one has arrived, and waits for the first: they are on one key.
TEST_F(RetryFlowTest, WorkWhoseDeadlineHasPassedIsNotStarted) {
  for (const bool in_time : {false, true}) {
    const std::uint64_t id = in_time ? 10 : 1;
    Client client = Connect(id);
    fake_.DelayNext(milliseconds(500));
    client.Send(Hset(id, 0, 1));
    time_.RunFor(milliseconds(100));
    CommandRequest second = Hset(id + 1, 0, 2);
    second.set_deadline_ms(in_time ? 401 : 400);
    client.Send(second);
    EXPECT_EQ(client.Next()->status(), 200u);
    const auto answer = client.Next();
    if (in_time) {
      ExpectPrevious(answer, 1);
    } else {
      ExpectFailed(answer, 408, v1::NOT_EXECUTED);
      EXPECT_EQ(Stored(), 1);
    }
  }
}

}  // namespace
}  // namespace coffer::server
