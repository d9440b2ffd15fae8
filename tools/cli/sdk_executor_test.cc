#include "coffer/tools/cli/sdk_executor.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/stream/framed_stream.h"
#include "coffer/testing/manual_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::testing::HasSubstr;
using namespace std::chrono_literals;  // NOLINT(build/namespaces)

using Answers = std::vector<v1::CommandResponse>;

constexpr auto kAwaitTuple = asio::as_tuple(asio::use_awaitable);

v1::CommandResponse Answer(uint32_t status) {
  v1::CommandResponse response;
  response.set_status(status);
  return response;
}

v1::CommandResponse HelloAnswer(uint32_t limit) {
  v1::CommandResponse response = Answer(200);
  response.mutable_hello()->set_protocol_version(1);
  response.mutable_hello()->set_frame_bytes_max(limit);
  response.mutable_hello()->set_uncompressed_bytes_max(limit);
  return response;
}

v1::CommandRequest News() {
  v1::CommandRequest request;
  request.mutable_open_subscription()->set_topic("news");
  return request;
}

// Of subscription 1.
v1::CommandResponse Event1() {
  v1::CommandResponse event = Answer(200);
  event.set_subscription_id(1);
  event.mutable_event()->set_sequence(1);
  event.add_values()->set_integer(5);
  return event;
}

// Serves one connection: an answer for each request, and no more. Calls
// `on_unanswered` when a request comes that none is left for, then holds the
// connection, or closes it if there is nothing to call.
asio::awaitable<void> Serve(tcp::acceptor& acceptor, Answers answers,
                            std::function<void()> on_unanswered) {
  auto [accept_error, socket] = co_await acceptor.async_accept(kAwaitTuple);
  if (accept_error) co_return;
  FramedStream<tcp::socket, v1::CommandRequest, v1::CommandResponse> stream(
      std::move(socket));
  std::size_t answered = 0;
  for (;;) {
    auto [read_error, request] = co_await stream.Next(kAwaitTuple);
    if (read_error) co_return;
    if (answered < answers.size()) {
      answers[answered].set_request_id(request.request_id());
      auto [error] = co_await stream.Send(answers[answered++], kAwaitTuple);
      if (error) co_return;
      // An event is nobody's answer, and comes behind one.
      if (answered < answers.size() && answers[answered].has_event()) {
        auto [event_error] =
            co_await stream.Send(answers[answered++], kAwaitTuple);
        if (event_error) co_return;
      }
    } else if (on_unanswered == nullptr) {
      co_return;
    } else {
      on_unanswered();
    }
  }
}

class SdkExecutorTest : public testing::Test {
 protected:
  SdkExecutorTest()
      : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        executor_(&io_, Options()) {}

  SdkExecutorOptions Options() {
    SdkExecutorOptions options;
    options.server =
        absl::StrCat("127.0.0.1:", acceptor_.local_endpoint().port());
    options.timeout = 10s;
    options.clock = &clock_;
    return options;
  }

  void StartServer(Answers answers,
                   std::function<void()> on_unanswered = nullptr) {
    asio::co_spawn(
        io_, Serve(acceptor_, std::move(answers), std::move(on_unanswered)),
        asio::detached);
  }

  std::function<void()> LetTimePass() {
    return [this] { clock_.AdvanceBy(10s); };
  }

  coffer_testing::ManualClock clock_;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  SdkExecutor executor_;
};

TEST_F(SdkExecutorTest, RequestsAreAnsweredInTurnOnOneConnection) {
  StartServer({HelloAnswer(1 << 20), Answer(200), Answer(404)});
  EXPECT_EQ(executor_.Execute(MakeHset("t", "k", 1))->status(), 200u);
  EXPECT_EQ(executor_.Execute(MakeHget("t", "k"))->status(), 404u);
  executor_.Close();
  EXPECT_FALSE(executor_.stuck());
}

TEST_F(SdkExecutorTest, ServerOfTheOlderProtocolIsServedToo) {
  StartServer({Answer(400), Answer(200)});
  EXPECT_EQ(executor_.Execute(MakeHget("t", "k"))->status(), 200u);
}

TEST_F(SdkExecutorTest, OlderServerHasNoSubscriptionsAndThatIsSaid) {
  StartServer({Answer(400), Answer(400)});
  const absl::Status status =
      executor_.Subscribe(News(), [](const Event&) { return true; });
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("no subscriptions of this protocol"));
}

TEST_F(SdkExecutorTest, SubscribingNowhereIsToldAtOnce) {
  acceptor_.close();
  const absl::Status status =
      executor_.Subscribe(News(), [](const Event&) { return true; });
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST_F(SdkExecutorTest, EventsAreGivenUntilNoMoreAreWanted) {
  std::vector<v1::CommandResponse> answers = {HelloAnswer(1 << 20), Answer(200),
                                              Answer(200), Event1()};
  answers[0].mutable_hello()->add_features(v1::SUBSCRIPTIONS);
  answers[2].mutable_subscription()->set_subscription_id(1);
  answers[2].mutable_subscription()->set_epoch(3);
  StartServer(answers);
  std::vector<std::uint64_t> seen;
  const absl::Status status =
      executor_.Subscribe(News(), [&](const Event& event) {
        seen.push_back(event.sequence);
        return false;
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(seen, std::vector<std::uint64_t>{1});
}

TEST_F(SdkExecutorTest, ChangesAreGivenToo) {
  v1::CommandResponse change = Answer(200);
  change.set_subscription_id(1);
  change.mutable_event()->set_sequence(4);
  change.mutable_event()->mutable_change()->set_key("ada");
  std::vector<v1::CommandResponse> answers = {HelloAnswer(1 << 20), Answer(200),
                                              Answer(200), change};
  answers[0].mutable_hello()->add_features(v1::WATCH);
  answers[2].mutable_subscription()->set_subscription_id(1);
  answers[2].mutable_subscription()->set_epoch(3);
  StartServer(answers);
  v1::CommandRequest users;
  users.mutable_open_watch()->set_table("users");
  users.mutable_open_watch()->set_all(true);
  std::vector<std::string> seen;
  const absl::Status status =
      executor_.Subscribe(users, [&](const Event& event) {
        seen.push_back(event.change.key());
        return false;
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(seen, std::vector<std::string>{"ada"});
}

TEST_F(SdkExecutorTest, OlderServerTellsOfNoChangesAndThatIsSaid) {
  StartServer({Answer(400), Answer(400)});
  v1::CommandRequest users;
  users.mutable_open_watch()->set_table("users");
  const absl::Status status =
      executor_.Subscribe(users, [](const Event&) { return true; });
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("changes of keys"));
}

TEST_F(SdkExecutorTest, NobodyListeningIsUnavailable) {
  acceptor_.close();
  const auto answer = executor_.Execute(MakeHget("t", "k"));
  EXPECT_TRUE(absl::IsUnavailable(answer.status())) << answer.status();
  EXPECT_THAT(std::string(answer.status().message()), HasSubstr("127.0.0.1:"));
  executor_.Close();
}

TEST_F(SdkExecutorTest, ServerThatNeverGreetsIsGivenUp) {
  StartServer({}, LetTimePass());
  const auto answer = executor_.Execute(MakeHget("t", "k"));
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status())) << answer.status();
  EXPECT_FALSE(executor_.stuck());
}

TEST_F(SdkExecutorTest, ServerThatNeverAnswersIsGivenUp) {
  StartServer({HelloAnswer(1 << 20), Answer(200)}, LetTimePass());
  ASSERT_TRUE(executor_.Execute(MakeHget("t", "k")).ok());
  const auto answer = executor_.Execute(MakeHget("t", "k"));
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status())) << answer.status();
  EXPECT_THAT(std::string(answer.status().message()),
              HasSubstr("no answer from 127.0.0.1:"));
  EXPECT_THAT(std::string(answer.status().message()),
              HasSubstr("within 10000 ms"));
  EXPECT_FALSE(executor_.stuck());
}

TEST_F(SdkExecutorTest, LostConnectionStaysLost) {
  StartServer({HelloAnswer(1 << 20)});
  const auto first = executor_.Execute(MakeHget("t", "k"));
  EXPECT_TRUE(absl::IsUnavailable(first.status())) << first.status();
  EXPECT_THAT(std::string(first.status().message()), HasSubstr("127.0.0.1:"));
  StartServer({HelloAnswer(1 << 20), Answer(200)});
  EXPECT_EQ(executor_.Execute(MakeHget("t", "k")).status(), first.status());
}

TEST_F(SdkExecutorTest, RequestOverTheServersLimitIsRefusedAndNothingIsLost) {
  StartServer({HelloAnswer(1024), Answer(200)});
  const auto large =
      executor_.Execute(MakeHset("t", "k", std::string(5000, 'x')));
  ASSERT_TRUE(large.ok()) << large.status();
  EXPECT_EQ(large->status(), 413u);
  EXPECT_THAT(large->message(), HasSubstr("exceeds the limit of 1024"));
  EXPECT_EQ(large->outcome(), v1::NOT_EXECUTED);
  EXPECT_EQ(executor_.Execute(MakeHset("t", "k", 1))->status(), 200u);
}

}  // namespace
}  // namespace coffer::cli
