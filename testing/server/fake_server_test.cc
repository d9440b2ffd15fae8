#include "coffer/testing/server/fake_server.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/stream/client_stream.h"
#include "coffer/testing/fault/fault_stream.h"
#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using coffer::ClientStream;
using coffer::MakeHget;
using coffer::MakeHset;
using coffer::v1::CommandRequest;
using coffer::v1::CommandResponse;
using internal::CapturedFailures;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::ResultOf;
using ::testing::SizeIs;

using Answer = absl::StatusOr<CommandResponse>;

auto IsWrite() {
  return ResultOf([](const CommandRequest& call) { return call.has_hset(); },
                  true);
}

class FakeServerTest : public ::testing::Test {
 protected:
  using Client = ClientStream<MemoryPipe>;

  template <class AnyClient>
  Answer Execute(AnyClient& client, CommandRequest request) {
    std::optional<Answer> answer;
    client.Execute(std::move(request),
                   [&](Answer result) { answer = std::move(result); });
    time_.RunUntil([&] { return answer.has_value(); });
    return answer.value_or(absl::InternalError("hangs"));
  }

  uint32_t StatusOf(const Answer& answer) {
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? answer->status() : 0;
  }

  VirtualTime time_;
  FakeServer fake_{time_.get_executor(), {.clock = &time_.clock()}};
};

TEST_F(FakeServerTest, AnswersAsTheServerDoes) {
  Client client(fake_.Connect());
  EXPECT_EQ(StatusOf(Execute(client, MakeHget("t", "k"))), 404u);
  EXPECT_EQ(StatusOf(Execute(client, MakeHset("t", "k", 5))), 200u);
  EXPECT_EQ(Execute(client, MakeHget("t", "k"))->values(0).integer(), 5);

  EXPECT_THAT(fake_.Contents(), ElementsAre(Pair("t", SizeIs(1))));
  EXPECT_EQ(fake_.Contents()["t"]["k"].integer(), 5);
  ASSERT_THAT(fake_.Calls(), SizeIs(3));
  EXPECT_THAT(fake_.Calls()[1].request, EqualsProto(MakeHset("t", "k", 5)));
  EXPECT_EQ(fake_.Calls()[0].status, 404u);
  EXPECT_EQ(fake_.Calls()[1].status, 200u);
  EXPECT_EQ(fake_.Calls()[2].connection, 1);
}

TEST_F(FakeServerTest, ConnectionsShareWhatIsStored) {
  Client first(fake_.Connect());
  Client second(fake_.Connect());
  EXPECT_EQ(fake_.connections(), 2u);
  EXPECT_EQ(StatusOf(Execute(first, MakeHset("t", "k", "v"))), 200u);
  EXPECT_EQ(Execute(second, MakeHget("t", "k"))->values(0).string(), "v");
  EXPECT_EQ(fake_.Calls()[1].connection, 2);
}

TEST_F(FakeServerTest, FailsTheNextCallOrTheNextThatFits) {
  Client client(fake_.Connect());
  fake_.FailNext(absl::UnavailableError("busy"));
  fake_.FailNext(absl::PermissionDeniedError("read only"), IsWrite());
  const Answer busy = Execute(client, MakeHget("t", "k"));
  EXPECT_EQ(StatusOf(busy), 503u);
  EXPECT_EQ(busy->message(), "busy");
  EXPECT_EQ(StatusOf(Execute(client, MakeHget("t", "k"))), 404u);
  EXPECT_EQ(StatusOf(Execute(client, MakeHset("t", "k", 1))), 403u);
  EXPECT_THAT(fake_.Contents(), IsEmpty()) << "not executed";
  EXPECT_EQ(StatusOf(Execute(client, MakeHset("t", "k", 1))), 200u);
}

TEST_F(FakeServerTest, DelaysTheNextCall) {
  Client client(fake_.Connect());
  fake_.DelayNext(seconds(7));
  const auto start = time_.Now();
  EXPECT_EQ(StatusOf(Execute(client, MakeHset("t", "k", 1))), 200u);
  EXPECT_EQ(time_.Now() - start, seconds(7));
  EXPECT_EQ(StatusOf(Execute(client, MakeHget("t", "k"))), 200u);
  EXPECT_EQ(time_.Now() - start, seconds(7));
}

TEST_F(FakeServerTest, DropsARequestOrItsAnswer) {
  for (const bool executed : {false, true}) {
    Client client(fake_.Connect());
    executed ? fake_.DropAnswer() : fake_.DropRequest();
    EXPECT_THAT(Execute(client, MakeHset("t", "k", 1)).status(),
                StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_EQ(fake_.Contents()["t"].size(), executed ? 1u : 0u);
    time_.RunReady();
    EXPECT_EQ(fake_.connections(), 0u);
  }
}

TEST_F(FakeServerTest, DropsConnectionsAndRestarts) {
  for (const auto data : {FakeServer::Data::kKeep, FakeServer::Data::kLose}) {
    Client client(fake_.Connect());
    EXPECT_EQ(StatusOf(Execute(client, MakeHset("t", "k", 1))), 200u);
    fake_.Restart(data);
    EXPECT_THAT(Execute(client, MakeHget("t", "k")).status(),
                StatusIs(absl::StatusCode::kUnavailable));
    Client again(fake_.Connect());
    EXPECT_EQ(StatusOf(Execute(again, MakeHget("t", "k"))),
              data == FakeServer::Data::kKeep ? 200u : 404u);
    fake_.DropConnections();
    EXPECT_FALSE(Execute(again, MakeHget("t", "k")).ok());
  }
}

TEST_F(FakeServerTest, RefusesNewConnections) {
  Client before(fake_.Connect());
  fake_.Refuse(true);
  Client client(fake_.Connect());
  EXPECT_FALSE(Execute(client, MakeHget("t", "k")).ok());
  EXPECT_EQ(StatusOf(Execute(before, MakeHget("t", "k"))), 404u);
  fake_.Refuse(false);
  Client later(fake_.Connect());
  EXPECT_EQ(StatusOf(Execute(later, MakeHget("t", "k"))), 404u);
}

TEST_F(FakeServerTest, IsDialed) {
  using MaybeClient = absl::StatusOr<coffer::AnyClient>;
  coffer::ConnectOptions options;
  options.clock = &time_.clock();
  const auto connect = [&] {
    std::optional<MaybeClient> client;
    coffer::Connect(time_.get_executor(), fake_.dialer(), options,
                    [&](MaybeClient result) { client = std::move(result); });
    EXPECT_FALSE(client) << "completed in the initiating function";
    time_.RunUntil([&] { return client.has_value(); });
    return *std::move(client);
  };
  auto client = connect();
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(client->peer_said_hello());
  EXPECT_EQ(StatusOf(Execute(*client, MakeHset("t", "k", 1))), 200u);

  fake_.Refuse(true);
  EXPECT_THAT(connect().status(), StatusIs(absl::StatusCode::kUnavailable,
                                           HasSubstr("it refuses")));
  fake_.Refuse(false);

  fake_.WrapDialed([](MemoryPipe pipe) {
    return coffer::AnyStream(FaultStream(
        std::move(pipe),
        FaultPlan().EofAfterBytes(3).SplitReads(SplitPolicy::OneByte())));
  });
  EXPECT_THAT(connect().status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("3")));
}

TEST_F(FakeServerTest, ServesOnAnyStream) {
  auto ends = MakeMemoryPipe(time_.get_executor());
  fake_.Serve(FaultStream(std::move(ends.second),
                          FaultPlan().SplitReads(SplitPolicy::OneByte())));
  Client client(std::move(ends.first));
  EXPECT_EQ(StatusOf(Execute(client, MakeHset("t", "k", 1))), 200u);
}

TEST(FakeServerListenTest, ListensForReal) {
  using asio::ip::tcp;
  asio::io_context io;
  FakeServer fake(io.get_executor());
  tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), fake.Listen()});
  EXPECT_EQ(fake.Listen(), socket.remote_endpoint().port());
  ClientStream<tcp::socket> client(std::move(socket));
  std::optional<Answer> answer;
  client.Execute(MakeHset("t", "k", 1),
                 [&](Answer result) { answer = std::move(result); });
  while (!answer && io.run_one() > 0) {
  }
  ASSERT_TRUE(answer && answer->ok());
  EXPECT_THAT(fake.Contents(), SizeIs(1));
}

TEST(FakeServerLifeTest, MayGoBeforeItsContextAndAfterIt) {
  auto io = std::make_unique<asio::io_context>();
  auto stays = std::make_unique<FakeServer>(
      io->get_executor(),
      FakeServerOptions{.pipe = {.fail_if_abandoned = false}});
  std::optional<MemoryPipe> near(stays->Connect());
  {
    FakeServer goes(io->get_executor());
    MemoryPipe pipe = goes.Connect();
    io->poll();
  }
  io->restart();
  io->poll();
  EXPECT_EQ(stays->connections(), 1u);
  io.reset();
  near.reset();
  stays.reset();
}

TEST_F(FakeServerTest, SaysWhatWasSaidInVain) {
  CapturedFailures captured;
  int line = 0;
  {
    FakeServer fake(time_.get_executor());
    line = __LINE__ + 1;
    fake.FailNext(absl::UnavailableError("busy"), IsWrite());
  }
  ASSERT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("for a call that never came"))));
  EXPECT_EQ(captured.Get()[0].line, line);
}

TEST_F(FakeServerTest, SaysWhatCannotBe) {
  FakeServer fake(time_.get_executor());
  CapturedFailures captured;
  fake.FailNext(absl::OkStatus());
  fake.DelayNext(seconds(1));
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&CapturedFailures::Failure::message,
                                HasSubstr("FailNext(OK) fails nothing")),
                          Field(&CapturedFailures::Failure::message,
                                HasSubstr("needs FakeServerOptions::clock"))));
}

// Deliberately wrong programs, which add one to a counter; the test of each
// fails with a fake that does its worst, and that of its right twin does not.

using Program = awaitable<std::string> (*)(FakeServer&);

awaitable<Answer> AddOne(FakeServer& fake) {
  ClientStream<MemoryPipe> client(fake.Connect());
  Answer before = co_await client.Execute(MakeHget("t", "count"));
  if (!before.ok()) co_return before;
  const int64_t count =
      before->values_size() == 0 ? 0 : before->values(0).integer();
  co_return co_await client.Execute(MakeHset("t", "count", count + 1));
}

// Tries again after a lost connection, as if nothing had happened.
awaitable<std::string> TriesAgainBlindly(FakeServer& fake) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    const Answer answer = co_await AddOne(fake);
    if (answer.ok()) co_return "counted";
  }
  co_return "failed";
}

awaitable<std::string> SaysThatItDoesNotKnow(FakeServer& fake) {
  const Answer answer = co_await AddOne(fake);
  co_return answer.ok() ? "counted" : "unknown";
}

// An answer is an answer.
awaitable<std::string> TakesAnyAnswerForYes(FakeServer& fake) {
  const Answer answer = co_await AddOne(fake);
  co_return answer.ok() ? "counted" : "failed";
}

awaitable<std::string> LooksAtTheStatus(FakeServer& fake) {
  const Answer answer = co_await AddOne(fake);
  co_return answer.ok() && answer->status() == 200 ? "counted" : "failed";
}

class FakeServerExposesTest : public FakeServerTest {
 protected:
  std::string Run(Program program) {
    std::optional<std::string> said;
    asio::co_spawn(time_.io(), program(fake_),
                   [&](std::exception_ptr, std::string result) {
                     said = std::move(result);
                   });
    time_.RunUntil([&] { return said.has_value(); });
    return said.value_or("hangs");
  }

  int64_t Count() { return fake_.Contents()["t"]["count"].integer(); }

  // The test of a program: what it says is so.
  void SaysWhatIsSo(Program program) {
    const std::string said = Run(program);
    if (said == "counted") {
      EXPECT_EQ(Count(), 1) << "it says that it has counted once";
    } else if (said == "failed") {
      EXPECT_EQ(Count(), 0) << "it says that it has not counted";
    } else {
      EXPECT_EQ(said, "unknown");
    }
  }

  // What that says of a program that is wrong.
  std::string FailureOf(Program program) {
    CapturedFailures captured;
    SaysWhatIsSo(program);
    std::string failure;
    for (const auto& one : captured.Get()) failure += one.message;
    return failure;
  }
};

TEST_F(FakeServerExposesTest, ABlindSecondTry) {
  EXPECT_EQ(FailureOf(TriesAgainBlindly), "") << "while nothing goes wrong";
  fake_.Restart(FakeServer::Data::kLose);
  fake_.DropAnswer(IsWrite());
  EXPECT_THAT(FailureOf(TriesAgainBlindly),
              AllOf(HasSubstr("Which is: 2"),
                    HasSubstr("it says that it has counted once")));
  fake_.Restart(FakeServer::Data::kLose);
  fake_.DropAnswer(IsWrite());
  SaysWhatIsSo(SaysThatItDoesNotKnow);
}

TEST_F(FakeServerExposesTest, AnErrorTakenForAnAnswer) {
  EXPECT_EQ(FailureOf(TakesAnyAnswerForYes), "") << "while nothing goes wrong";
  fake_.Restart(FakeServer::Data::kLose);
  fake_.FailNext(absl::PermissionDeniedError("read only"), IsWrite());
  EXPECT_THAT(FailureOf(TakesAnyAnswerForYes),
              AllOf(HasSubstr("Which is: 0"),
                    HasSubstr("it says that it has counted once")));
  fake_.FailNext(absl::PermissionDeniedError("read only"), IsWrite());
  SaysWhatIsSo(LooksAtTheStatus);
}

}  // namespace
}  // namespace coffer_testing
