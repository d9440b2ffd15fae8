// Subscriptions of a client of a FakeServer, on virtual time.

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "coffer/sdk/client_test_util.h"
#include "coffer/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

namespace asio = boost::asio;
using coffer_testing::FakeServer;
using coffer_testing::IsOk;
using coffer_testing::IsOkAndHolds;
using coffer_testing::StatusIs;
using std::chrono::seconds;
using ::testing::HasSubstr;

class ClientSubscribeTest : public ClientFixture {
 protected:
  absl::StatusOr<Subscription> Subscribe(
      Client& client, SubscribeOptions options = SubscribeOptions()) {
    return Wait<absl::StatusOr<Subscription>>([&](auto handler) {
      client.Subscribe("news", options, std::move(handler));
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
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Next(*news), StatusIs(absl::StatusCode::kUnavailable))
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
  EXPECT_THAT(Subscribe(client), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(time_.Now() - start, seconds(10));
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

}  // namespace
}  // namespace coffer
