// What a FakeServer is told to do to calls and dials, in the corners: several
// calls in one write, calls that store nothing, several connections, dials that
// wait.

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/connect.h"
#include "coffer/sdk/stream/client_stream.h"
#include "coffer/testing/internal/captured_failures.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/server/fake_server.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/testing/time/virtual_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

namespace asio = boost::asio;
using coffer::ClientStream;
using coffer::MakeHget;
using coffer::MakeHset;
using coffer::v1::CommandRequest;
using coffer::v1::CommandResponse;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ResultOf;
using ::testing::SizeIs;

using Answer = absl::StatusOr<CommandResponse>;
using MaybeClient = absl::StatusOr<coffer::AnyClient>;

auto IsWriteOf(std::string key) {
  return ResultOf(
      [](const CommandRequest& call) { return call.hset().pair().key(); }, key);
}

class FakeServerRulesTest : public ::testing::Test {
 protected:
  using Client = ClientStream<MemoryPipe>;

  Answer Execute(Client& client, CommandRequest request) {
    std::optional<Answer> answer;
    client.Execute(std::move(request),
                   [&](Answer result) { answer = std::move(result); });
    time_.RunUntil([&] { return answer.has_value(); });
    return answer.value_or(absl::InternalError("hangs"));
  }

  // All in one write.
  void SendTogether(Client& client, std::vector<CommandRequest> requests) {
    for (const CommandRequest& request : requests) {
      EXPECT_TRUE(client.framed().Feed(request).ok());
    }
    client.framed().Flush([](boost::system::error_code) {});
    time_.RunReady();
  }

  void StartConnect(std::optional<MaybeClient>& into,
                    std::chrono::milliseconds timeout = seconds(5)) {
    coffer::ConnectOptions options;
    options.clock = &time_.clock();
    options.timeout = timeout;
    coffer::Connect(
        time_.get_executor(), fake_->dialer(), options,
        [&into](MaybeClient client) { into.emplace(std::move(client)); });
  }

  VirtualTime time_;
  std::optional<FakeServer> fake_{std::in_place, time_.get_executor(),
                                  FakeServerOptions{.clock = &time_.clock()}};
};

TEST_F(FakeServerRulesTest, DelayOfACallThatStoresNothingIsNoOtherCalls) {
  Client first(fake_->Connect()), second(fake_->Connect());
  fake_->DelayNext(seconds(7));
  const auto start = time_.Now();
  EXPECT_EQ(Execute(first, CommandRequest())->status(), 400u);
  EXPECT_EQ(Execute(second, MakeHset("t", "k", 1))->status(), 200u);
  EXPECT_EQ(Execute(first, MakeHset("t", "k", 1))->status(), 200u);
  EXPECT_EQ(time_.Now(), start);
}

TEST_F(FakeServerRulesTest, DelayIsOfTheWholeWrite) {
  Client client(fake_->Connect());
  fake_->DelayNext(seconds(7), IsWriteOf("a"));
  SendTogether(client, {MakeHset("t", "a", 1), CommandRequest()});
  EXPECT_EQ(fake_->Calls()[1].status, std::nullopt);
  time_.RunFor(seconds(7));
  EXPECT_EQ(fake_->Calls()[1].status, 400u);
}

TEST_F(FakeServerRulesTest, DropOfARequestDropsThoseBehindIt) {
  Client client(fake_->Connect());
  fake_->DropRequest(IsWriteOf("b"));
  SendTogether(client, {MakeHset("t", "a", 1), MakeHset("t", "b", 2),
                        MakeHset("t", "c", 3)});
  EXPECT_THAT(fake_->Contents()["t"], ElementsAre(Pair("a", ::testing::_)));
  ASSERT_THAT(fake_->Calls(), SizeIs(3));
  EXPECT_EQ(fake_->Calls()[1].status, std::nullopt);
  EXPECT_EQ(fake_->Calls()[2].status, std::nullopt);
  EXPECT_EQ(fake_->connections(), 0u);

  // The next connection is not dropped.
  Client again(fake_->Connect());
  EXPECT_EQ(Execute(again, MakeHset("t", "b", 2))->status(), 200u);
}

TEST_F(FakeServerRulesTest, DrainAnswersWhatHasArrived) {
  Client client(fake_->Connect());
  fake_->DelayNext(seconds(1));
  std::optional<Answer> slow;
  client.Execute(MakeHset("t", "k", 1),
                 [&](Answer answer) { slow.emplace(std::move(answer)); });
  time_.RunReady();
  fake_->DrainConnections();
  ASSERT_TRUE(time_.RunUntil([&] { return slow.has_value(); }));
  ASSERT_TRUE(slow->ok()) << slow->status();
  EXPECT_EQ((*slow)->status(), 200u);
  ASSERT_TRUE(time_.RunUntil([&] { return fake_->connections() == 0; }));

  Client again(fake_->Connect());
  EXPECT_EQ(Execute(again, MakeHget("t", "k"))->status(), 200u);
}

TEST_F(FakeServerRulesTest, ConnectionsEndInTheOrderOfTheirStart) {
  constexpr int kConnections = 12;
  std::array<std::optional<MemoryPipe>, kConnections> pipes;
  std::array<char, 1> buffer;
  std::vector<int> ended, expected;
  for (int i = 0; i < kConnections; ++i) {
    pipes[i].emplace(fake_->Connect());
    pipes[i]->async_read_some(asio::buffer(buffer),
                              [&ended, i](auto...) { ended.push_back(i); });
    expected.push_back(i);
  }
  fake_->DropConnections();
  time_.RunReady();
  EXPECT_EQ(ended, expected);
}

TEST_F(FakeServerRulesTest, DialedStreamIsOnTheExecutorThatWasGiven) {
  const asio::any_io_executor strand = asio::make_strand(time_.io());
  std::optional<absl::StatusOr<coffer::AnyStream>> dialed;
  fake_->dialer().AsyncDial(strand,
                            [&](absl::StatusOr<coffer::AnyStream> stream) {
                              dialed.emplace(std::move(stream));
                            });
  EXPECT_FALSE(dialed) << "completed in the initiating function";
  time_.RunUntil([&] { return dialed.has_value(); });
  ASSERT_TRUE(dialed->ok());
  EXPECT_EQ((*dialed)->get_executor(), strand);
}

TEST_F(FakeServerRulesTest, DialIsDelayedOnce) {
  fake_->DelayDial(seconds(2));
  const auto start = time_.Now();
  for (int i = 0; i < 2; ++i) {
    std::optional<MaybeClient> client;
    StartConnect(client);
    EXPECT_TRUE(time_.RunUntil([&] { return client.has_value(); }));
    EXPECT_TRUE(client->ok()) << client->status();
    EXPECT_EQ(time_.Now() - start, seconds(2));
  }
}

TEST_F(FakeServerRulesTest, DelayedDialIsGivenUp) {
  fake_->DelayDial(seconds(20));
  std::optional<MaybeClient> client;
  const auto start = time_.Now();
  StartConnect(client);
  EXPECT_TRUE(time_.RunUntil([&] { return client.has_value(); }));
  EXPECT_THAT(client->status(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(time_.Now() - start, seconds(5));
  EXPECT_EQ(time_.Pending(), "Pending:\n  nothing\n");
}

TEST_F(FakeServerRulesTest, DialsAreStalled) {
  fake_->StallDials(true);
  std::optional<MaybeClient> given_up, goes_on;
  StartConnect(given_up);
  StartConnect(goes_on, std::chrono::hours(1));
  time_.RunFor(std::chrono::minutes(1));
  ASSERT_TRUE(given_up);
  EXPECT_THAT(given_up->status(),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_FALSE(goes_on);
  EXPECT_EQ(fake_->connections(), 0u);
  fake_->StallDials(false);
  time_.RunReady();
  ASSERT_TRUE(goes_on);
  EXPECT_TRUE(goes_on->ok()) << goes_on->status();
}

TEST_F(FakeServerRulesTest, StalledDialsEndWithTheFake) {
  fake_->StallDials(true);
  std::optional<MaybeClient> client;
  StartConnect(client);
  time_.RunReady();
  fake_.reset();
  time_.RunReady();
  ASSERT_TRUE(client);
  EXPECT_THAT(client->status(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(FakeServerRulesTest, DelaysNeedAClock) {
  FakeServer fake(time_.get_executor());
  internal::CapturedFailures captured;
  fake.DelayDial(seconds(1));
  EXPECT_THAT(captured.Get(),
              ElementsAre(Field(&internal::CapturedFailures::Failure::message,
                                HasSubstr("needs FakeServerOptions::clock"))));
}

}  // namespace
}  // namespace coffer_testing
