// Subscriptions of a client of a FakeServer, on virtual time; and of one of a
// server by script, where it matters what comes when.

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coffer/sdk/client_test_util.h"
#include "coffer/sdk/ends_dialer.h"
#include "coffer/sdk/internal/pending_handler.h"
#include "coffer/sdk/server_info.h"
#include "coffer/sdk/stream/any_stream.h"
#include "coffer/sdk/stream/hello.h"
#include "coffer/testing/memory_pipe.h"
#include "coffer/testing/proto_matchers.h"
#include "coffer/testing/script/scripted_peer.h"
#include "coffer/testing/status_matchers.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::EqualsProto;
using coffer_testing::FakeServer;
using coffer_testing::FakeServerOptions;
using coffer_testing::IgnoringFields;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::MakeMemoryPipe;
using coffer_testing::MemoryPipe;
using coffer_testing::ScriptedPeer;
using coffer_testing::StatusIs;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::_;
using ::testing::HasSubstr;

class ClientSubscribeTest : public ClientFixture {
 protected:
  absl::StatusOr<Subscription> Subscribe(
      Client& client, SubscribeOptions options = SubscribeOptions(),
      std::string topic = "news") {
    return Wait<absl::StatusOr<Subscription>>([&](auto handler) {
      client.Subscribe(topic, options, std::move(handler));
    });
  }

  // Does not wait: its result comes into `result`.
  static void Begin(Client& client,
                    std::optional<absl::StatusOr<Subscription>>* result) {
    client.Subscribe("news", SubscribeOptions(),
                     [result](absl::StatusOr<Subscription> given) {
                       result->emplace(std::move(given));
                     });
  }

  // Subscriptions that were opened on a connection of the server.
  std::int64_t OpenedOn(int connection) const {
    const auto& calls = fake_.Calls();
    return std::count_if(calls.begin(), calls.end(), [&](const auto& call) {
      return call.connection == connection &&
             call.request.has_open_subscription();
    });
  }

  absl::Status Publish(Client& client, std::int64_t value) {
    return Wait<absl::Status>([&](auto handler) {
      client.Publish("news", value, std::move(handler));
    });
  }

  absl::StatusOr<Event> Next(Subscription& subscription) {
    return Wait<absl::StatusOr<Event>>(
        [&](auto handler) { subscription.Next(std::move(handler)); });
  }

  void ExpectData(Subscription& subscription, std::int64_t value) {
    const auto event = Next(subscription);
    ASSERT_THAT(event, IsOk());
    ASSERT_EQ(event->kind, Event::Kind::kData);
    ASSERT_EQ(event->data.size(), 1u);
    EXPECT_EQ(event->data[0].integer(), value);
  }
};

TEST_F(ClientSubscribeTest, EventsInOrderFromNowOn) {
  Client client = Connect(Options());
  ASSERT_THAT(Publish(client, 1), IsOk());
  auto news = Subscribe(client);
  ASSERT_THAT(news, IsOk());
  for (int i = 2; i < 5; ++i) ASSERT_THAT(Publish(client, i), IsOk());
  for (int i = 2; i < 5; ++i) ExpectData(*news, i);
}

TEST_F(ClientSubscribeTest, ManyOnOneConnectionBesideCalls) {
  Client client = Connect(Options());
  std::vector<Subscription> all;
  for (int i = 0; i < 20; ++i) {
    auto one = Subscribe(client);
    ASSERT_THAT(one, IsOk());
    all.push_back(*std::move(one));
  }
  for (int i = 0; i < 50; ++i) {
    ASSERT_THAT(Publish(client, i), IsOk());
    ASSERT_THAT(Set(client, "k", i), IsOk());
    ASSERT_THAT(Get(client, "k"), IsOkAndHolds(i));
  }
  for (Subscription& subscription : all) {
    for (int i = 0; i < 50; ++i) ExpectData(subscription, i);
  }
  EXPECT_EQ(fake_.connections(), 1u);
}

TEST_F(ClientSubscribeTest, GoesOnAfterTheConnectionIsLost) {
  Client subscriber = Connect(Options());
  Client publisher = Connect(Options());
  auto news = Subscribe(subscriber);
  ASSERT_THAT(news, IsOk());
  ASSERT_THAT(Publish(publisher, 1), IsOk());
  ExpectData(*news, 1);
  for (int i = 2; i < 20; ++i) {
    fake_.DropConnections();
    ASSERT_THAT(Publish(publisher, i), IsOk());
    ExpectData(*news, i);
  }
}

// As by an admission that is overloaded; the session lives on.
TEST_F(ClientSubscribeTest, RefusedForNowItIsOpenedAgain) {
  Client subscriber = Connect(Options());
  Client publisher = Connect(Options());
  auto news = Subscribe(subscriber);
  ASSERT_THAT(news, IsOk());
  const auto is_open = ::testing::ResultOf(
      [](const v1::CommandRequest& call) {
        return call.has_open_subscription();
      },
      true);
  fake_.FailNext(absl::UnavailableError("busy"), is_open);
  fake_.FailNext(absl::UnavailableError("busy"), is_open);
  fake_.DropConnections();
  ASSERT_THAT(Publish(publisher, 1), IsOk());
  ExpectData(*news, 1);
}

TEST_F(ClientSubscribeTest, ServerThatForgotIsTold) {
  Client client = Connect(Options());
  auto news = Subscribe(client);
  ASSERT_THAT(news, IsOk());
  ASSERT_THAT(Publish(client, 1), IsOk());
  ExpectData(*news, 1);
  fake_.Restart(FakeServer::Data::kKeepStored);
  const auto gap = Next(*news);
  ASSERT_THAT(gap, IsOk());
  EXPECT_EQ(gap->kind, Event::Kind::kGap);
  EXPECT_TRUE(gap->new_epoch);
  ASSERT_THAT(Publish(client, 2), IsOk());
  ExpectData(*news, 2);
}

TEST_F(ClientSubscribeTest, ResumesWhereAnEarlierOneWas) {
  Client client = Connect(Options());
  std::optional<Event> last;
  {
    auto news = Subscribe(client);
    ASSERT_THAT(news, IsOk());
    ASSERT_THAT(Publish(client, 1), IsOk());
    auto event = Next(*news);
    ASSERT_THAT(event, IsOk());
    last = *event;
  }
  ASSERT_THAT(Publish(client, 2), IsOk());
  SubscribeOptions resume;
  resume.epoch = last->epoch;
  resume.after_sequence = last->sequence;
  auto news = Subscribe(client, resume);
  ASSERT_THAT(news, IsOk());
  ExpectData(*news, 2);
}

TEST_F(ClientSubscribeTest, SlowOneStallsNobodyAndIsToldOfTheGap) {
  Client client = Connect(Options());
  SubscribeOptions slow;
  slow.events_max = 4;
  auto news = Subscribe(client, slow);
  ASSERT_THAT(news, IsOk());
  const int published = 5000;  // more than the server keeps
  for (int i = 1; i <= published; ++i) {
    ASSERT_THAT(Publish(client, i), IsOk());
  }
  EXPECT_THAT(Set(client, "k", 1), IsOk());
  std::int64_t last = 0, missing = 0;
  std::uint64_t at = 0;
  while (last < published) {
    const auto event = Next(*news);
    ASSERT_THAT(event, IsOk());
    if (event->kind == Event::Kind::kGap) {
      missing += static_cast<std::int64_t>(event->sequence - at);
      at = event->sequence;
      continue;
    }
    if (at == 0) at = event->sequence - 1;
    ASSERT_EQ(event->sequence, at + 1);
    at = event->sequence;
    const std::int64_t value = event->data[0].integer();
    ASSERT_EQ(value, last + 1 + missing) << "neither given nor told of";
    last = value;
    missing = 0;
  }
}

TEST_F(ClientSubscribeTest, SlowOneIsDisconnectedIfItChose) {
  Client client = Connect(Options());
  SubscribeOptions slow;
  slow.events_max = 2;
  slow.slow_policy = SubscribeOptions::SlowPolicy::kDisconnect;
  auto news = Subscribe(client, slow);
  ASSERT_THAT(news, IsOk());
  for (int i = 1; i <= 3000; ++i) ASSERT_THAT(Publish(client, i), IsOk());
  ExpectData(*news, 1);
  ExpectData(*news, 2);
  absl::StatusOr<Event> end = Next(*news);
  while (end.ok()) end = Next(*news);
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kResourceExhausted,
                            HasSubstr("fell behind")));
  EXPECT_THAT(Next(*news), StatusIs(absl::StatusCode::kResourceExhausted))
      << "for good";
  EXPECT_THAT(Set(client, "k", 1), IsOk());
}

TEST_F(ClientSubscribeTest, CancelledNextTakesNoEvent) {
  Client client = Connect(Options());
  auto news = Subscribe(client);
  ASSERT_THAT(news, IsOk());
  asio::cancellation_signal cancel;
  std::optional<absl::StatusOr<Event>> first;
  news->Next(asio::bind_cancellation_slot(
      cancel.slot(), [&](absl::StatusOr<Event> given) { first = given; }));
  time_.RunReady();
  cancel.emit(asio::cancellation_type::total);
  time_.RunReady();
  ASSERT_TRUE(first.has_value());
  EXPECT_THAT(*first, StatusIs(absl::StatusCode::kCancelled));
  ASSERT_THAT(Publish(client, 1), IsOk());
  ExpectData(*news, 1);
}

// The signal of a wait that is over.
TEST_F(ClientSubscribeTest, CancellationThatIsTooLateIsOfNoOtherNext) {
  Client client = Connect(Options());
  auto news = Subscribe(client);
  ASSERT_THAT(news, IsOk());
  asio::cancellation_signal cancel;
  std::optional<absl::StatusOr<Event>> first, second;
  news->Next(asio::bind_cancellation_slot(
      cancel.slot(), [&](absl::StatusOr<Event> given) { first = given; }));
  ASSERT_THAT(Publish(client, 1), IsOk());
  ASSERT_TRUE(time_.RunUntil([&] { return first.has_value(); }));
  news->Next([&](absl::StatusOr<Event> given) { second = given; });
  time_.RunReady();
  cancel.emit(asio::cancellation_type::total);
  time_.RunReady();
  EXPECT_FALSE(second.has_value());
  ASSERT_THAT(Publish(client, 2), IsOk());
  ASSERT_TRUE(time_.RunUntil([&] { return second.has_value(); }));
  EXPECT_THAT(*second, IsOk());
}

TEST_F(ClientSubscribeTest, EndsWithItsConnection) {
  Client client = Connect(Options());
  auto news = Subscribe(client);
  ASSERT_THAT(news, IsOk());
  std::optional<absl::StatusOr<Event>> end;
  news->Next([&](absl::StatusOr<Event> given) { end = given; });
  client = Client(nullptr);
  time_.RunReady();
  ASSERT_TRUE(end.has_value());
  EXPECT_THAT(*end, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(Next(*news), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ClientSubscribeTest, DestroyedItIsClosedAtTheServer) {
  Client client = Connect(Options());
  for (int i = 0; i < 3000; ++i) {  // more than one connection may have
    auto news = Subscribe(client);
    ASSERT_THAT(news, IsOk()) << i;
  }
}

TEST_F(ClientSubscribeTest, ServerThatIsDownIsWaitedForInTime) {
  fake_.Refuse(true);
  Client client = Connect(Options());
  const auto start = time_.Now();
  EXPECT_THAT(Subscribe(client), StatusIs(absl::StatusCode::kDeadlineExceeded,
                                          HasSubstr("not connected: ")));
  EXPECT_EQ(time_.Now() - start, seconds(10));
}

TEST_F(ClientSubscribeTest, WithoutATimeLimitTheServerIsWaitedFor) {
  fake_.Refuse(true);
  ConnectionOptions options = Options();
  options.call_timeout = Clock::Duration::max();
  Client client = Connect(options);
  std::optional<absl::StatusOr<Subscription>> news;
  Begin(client, &news);
  time_.RunFor(minutes(10));
  EXPECT_FALSE(news.has_value());
  fake_.Refuse(false);
  ASSERT_TRUE(time_.RunUntil([&] { return news.has_value(); }));
  EXPECT_THAT(*news, IsOk());
}

TEST_F(ClientSubscribeTest, LimitsOfCallsAreNotForIt) {
  ConnectionOptions options = OneAttempt();
  options.when_full = ConnectionOptions::WhenFull::kRefuse;
  options.calls_in_flight_max = 1;
  Client subscriber = Connect(options);
  Client publisher = Connect(Options());
  auto news = Subscribe(subscriber);
  ASSERT_THAT(news, IsOk());
  fake_.Refuse(true);
  fake_.DropConnections();
  time_.RunReady();
  // One call waits for the connection: there is no room for another.
  std::optional<absl::Status> set, refused;
  subscriber.Set("t", "k", 1, CallOptions(),
                 [&](absl::Status given) { set = given; });
  subscriber.Set("t", "l", 1, CallOptions(),
                 [&](absl::Status given) { refused = given; });
  time_.RunReady();
  ASSERT_TRUE(refused.has_value());
  EXPECT_THAT(*refused, StatusIs(absl::StatusCode::kResourceExhausted));
  ASSERT_FALSE(set.has_value());
  fake_.Refuse(false);
  ASSERT_THAT(Publish(publisher, 1), IsOk());
  ExpectData(*news, 1);
  ASSERT_TRUE(time_.RunUntil([&] { return set.has_value(); }));
  EXPECT_THAT(*set, IsOk());
}

// What could not be sent on a connection that is lost is not sent on the next,
// where it is opened anew: nobody would know of the one there are too many.
TEST_F(ClientSubscribeTest, IsOpenedOnceOnAConnection) {
  ConnectionOptions options = OneAttempt();
  options.calls_in_flight_max = 1;
  Client client = Connect(options);
  ASSERT_THAT(Set(client, "k", 1), IsOk());
  fake_.DelayNext(seconds(1));
  std::optional<absl::Status> set;
  client.Set("t", "k", 2, CallOptions(),
             [&](absl::Status given) { set = given; });
  time_.RunReady();
  std::optional<absl::StatusOr<Subscription>> news;
  Begin(client, &news);
  time_.RunReady();
  ASSERT_FALSE(news.has_value());
  fake_.DropConnections();
  ASSERT_TRUE(time_.RunUntil([&] { return news.has_value(); }));
  EXPECT_THAT(*news, IsOk());
  time_.RunFor(seconds(2));
  EXPECT_EQ(OpenedOn(2), 1);
}

TEST_F(ClientSubscribeTest, TopicThatIsNotTextIsRefused) {
  Client client = Connect(Options());
  EXPECT_THAT(Subscribe(client, SubscribeOptions(), "\xff"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Set(client, "k", 1), IsOk());
  EXPECT_EQ(fake_.Calls().back().connection, 1);
}

TEST_F(ClientSubscribeTest, TopicOverTheServersLimitCostsNobodyElseAnything) {
  FakeServerOptions small;
  small.clock = &time_.clock();
  small.limits.frame = {2000, 2000};
  FakeServer fake(time_.get_executor(), small);
  Client client(
      MakeConnection(time_.get_executor(), DialerOf(fake), Options()));
  EXPECT_THAT(Subscribe(client, SubscribeOptions(), std::string(3000, 'x')),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(Set(client, "k", 1), IsOk());
  EXPECT_EQ(fake.Calls().back().connection, 1);
}

TEST_F(ClientSubscribeTest, OlderServerHasNone) {
  ConnectionOptions options = Options();
  options.say_hello = false;
  Client client = Connect(options);
  EXPECT_THAT(Subscribe(client), StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(Publish(client, 1), IsOk());
}

TEST_F(ClientSubscribeTest, CancelledWhileSubscribing) {
  fake_.Refuse(true);
  Client client = Connect(Options());
  asio::cancellation_signal cancel;
  std::optional<absl::Status> result;
  client.Subscribe("news", SubscribeOptions(),
                   asio::bind_cancellation_slot(
                       cancel.slot(), [&](absl::StatusOr<Subscription> given) {
                         result = given.status();
                       }));
  time_.RunReady();
  cancel.emit(asio::cancellation_type::terminal);
  time_.RunReady();
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(*result, StatusIs(absl::StatusCode::kCancelled));
}

// --- A server by script

constexpr std::uint64_t kEpoch = 5;

using Server = ScriptedPeer<v1::CommandRequest, v1::CommandResponse>;

v1::CommandResponse HelloAnswer() {
  ServerInfo info;
  info.epoch = kEpoch;
  info.features.subscriptions = true;
  v1::CommandResponse answer;
  answer.set_status(200);
  FillHelloReply(HelloOptions(), info, answer.mutable_hello());
  return answer;
}

v1::CommandResponse Done(std::uint64_t request_id) {
  v1::CommandResponse answer;
  answer.set_status(200);
  answer.set_request_id(request_id);
  return answer;
}

v1::CommandResponse Opened(std::uint64_t request_id, std::uint64_t id,
                           std::uint64_t sequence) {
  v1::CommandResponse answer = Done(request_id);
  answer.mutable_subscription()->set_subscription_id(id);
  answer.mutable_subscription()->set_epoch(kEpoch);
  answer.mutable_subscription()->set_sequence(sequence);
  return answer;
}

// Its value is its sequence.
v1::CommandResponse EventOf(std::uint64_t id, std::int64_t sequence) {
  v1::CommandResponse event;
  event.set_status(200);
  event.add_values()->set_integer(sequence);
  event.mutable_event()->set_sequence(static_cast<std::uint64_t>(sequence));
  event.set_subscription_id(id);
  return event;
}

auto Request(const std::string& text) {
  return IgnoringFields({"deadline_ms"}, EqualsProto(text));
}

class ScriptedSubscribeTest : public ClientSubscribeTest {
 protected:
  MemoryPipe NextEnd() { return dialer_->Next(time_.get_executor()); }

  Client ConnectToScript(const ConnectionOptions& options) {
    return Client(MakeConnection(time_.get_executor(), dialer_, options));
  }

  const std::shared_ptr<EndsDialer> dialer_ = std::make_shared<EndsDialer>();
};

// What the user takes between the request and its answer makes room that the
// server knows nothing of: without a grant nothing would come ever again.
TEST_F(ScriptedSubscribeTest, RoomMadeWhileItIsOpenedAgainIsGranted) {
  Server first("first", NextEnd(), time_.clock());
  first.Expect(_).Reply(HelloAnswer());
  first
      .Expect(Request(
          "request_id: 1 open_subscription { topic: 'news' credit: 1 }"))
      .Reply(Opened(1, 7, 10))
      .Reply(EventOf(7, 11))
      .ThenEof();
  Server second("second", NextEnd(), time_.clock());
  second.Expect(_).Reply(HelloAnswer());
  second
      .Expect(Request("request_id: 2 open_subscription { topic: 'news' "
                      "epoch: 5 after_sequence: 11 }"))
      .Reply(Opened(2, 8, 11))
      .After(seconds(5));
  const auto grant =
      EqualsProto("grant_credit { subscription_id: 8 credit: 1 }");
  second.Expect(grant).Reply(EventOf(8, 12));
  second.Expect(grant);
  Client client = ConnectToScript(Options());
  SubscribeOptions one;
  one.events_max = 1;
  auto news = Subscribe(client, one);
  ASSERT_THAT(news, IsOk());
  time_.RunFor(seconds(2));
  ExpectData(*news, 11);
  ExpectData(*news, 12);
  time_.RunFor(seconds(1));
  EXPECT_TRUE(second.done());
}

TEST_F(ScriptedSubscribeTest, OpenedTooLateItIsClosedAtTheServer) {
  Server server("server", NextEnd(), time_.clock());
  server.Expect(_).Reply(HelloAnswer());
  server
      .Expect(Request(
          "request_id: 1 open_subscription { topic: 'news' credit: 64 }"))
      .Reply(Opened(1, 7, 10))
      .After(seconds(2));
  server
      .Expect(Request("request_id: 2 close_subscription { "
                      "subscription_id: 7 }"))
      .Reply(Done(2));
  ConnectionOptions options = Options();
  options.call_timeout = seconds(1);
  Client client = ConnectToScript(options);
  EXPECT_THAT(Subscribe(client), StatusIs(absl::StatusCode::kDeadlineExceeded));
  time_.RunFor(seconds(5));
  EXPECT_TRUE(server.done());
}

TEST_F(ScriptedSubscribeTest, OpeningItAgainTakesTheTimeThatItTakes) {
  Server first("first", NextEnd(), time_.clock());
  first.Expect(_).Reply(HelloAnswer());
  first.Expect(_).Reply(Opened(1, 7, 10)).ThenEof();
  Server second("second", NextEnd(), time_.clock());
  second.Expect(_).Reply(HelloAnswer());
  second
      .Expect(Request("request_id: 2 open_subscription { topic: 'news' "
                      "credit: 64 epoch: 5 after_sequence: 10 }"))
      .Reply(Opened(2, 8, 10))
      .After(seconds(30))
      .Reply(EventOf(8, 11));
  Client client = ConnectToScript(Options());
  auto news = Subscribe(client);
  ASSERT_THAT(news, IsOk());
  ExpectData(*news, 11);
}

}  // namespace
}  // namespace coffer
