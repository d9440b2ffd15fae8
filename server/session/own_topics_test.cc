// Subscriptions of peers that have said Hello, through their sessions.

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/stream/hello.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/session/session_harness.h"
#include "coffer/server/session/told.h"
#include "coffer/server/session/topic_requests.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using v1::CommandResponse;

class OwnTopicsTest : public ::testing::Test {
 protected:
  std::unique_ptr<SessionHarness> Connect(
      ServerLimits limits = {}, coffer_testing::MemoryPipeOptions pipe = {}) {
    auto made = std::make_unique<SessionHarness>(limits, pipe, nullptr, state_);
    SayHello(*made);
    return made;
  }

  void Publish(int from, int to) {
    for (int i = from; i <= to; ++i) {
      state_->topics.Publish(PublishTo("t", i).publish());
    }
  }

  std::shared_ptr<VolatileState> state_ = std::make_shared<VolatileState>(
      kToldEpoch, RetryLimits(), TopicLimits{.ring_events_max = 4});
};

TEST_F(OwnTopicsTest, EventsRideBesideCalls) {
  auto client = Connect();
  client->Send(Frame(WithId(OpenSubscriptionTo("t", 10), 1)) +
               Frame(WithId(PublishTo("t", 5), 2)) +
               Frame(WithId(MakeHget("t", "k"), 3)));
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, #2 200, #3 404, 1/1=5");
  EXPECT_FALSE(client->answers()[4].has_subscription());
}

TEST_F(OwnTopicsTest, CreditGapsAndGrants) {
  auto client = Connect();
  client->Send(Frame(WithId(OpenSubscriptionTo("t", 1), 1)));
  Publish(1, 9);
  client->Run();
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, 1/5 EVICTED, 1/6=6");
  client->Send(Frame(GrantCreditTo(1, 2)));
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, 1/5 EVICTED, 1/6=6, 1/7=7, 1/8=8");
}

TEST_F(OwnTopicsTest, SlowConsumerDoesNotStandInTheWay) {
  auto client = Connect();
  client->Send(Frame(WithId(OpenSubscriptionTo("t", 0), 1)) +
               Frame(WithId(OpenSubscriptionTo("t", 0, v1::DISCONNECT), 2)) +
               Frame(WithId(OpenSubscriptionTo("t", 10), 3)));
  Publish(1, 4);
  client->Send(Frame(WithId(MakeHget("t", "k"), 4)));
  Publish(5, 5);
  client->Run();
  EXPECT_EQ(Told(*client),
            "#1 is 1 after 0, #2 is 2 after 0, #3 is 3 after 0, 3/1=1, 3/2=2, "
            "3/3=3, 3/4=4, #4 404, 2 end 429, 3/5=5");
}

TEST_F(OwnTopicsTest, CloseAndItsAnswerAreTheLastOfIt) {
  auto client = Connect();
  client->Send(Frame(WithId(OpenSubscriptionTo("t", 10), 1)));
  client->Send(Frame(WithId(CloseSubscriptionOf(1), 2)) +
               Frame(WithId(CloseSubscriptionOf(1), 3)) +
               Frame(GrantCreditTo(1, 5)));
  Publish(1, 1);
  client->Run();
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, #2 200, #3 404");
  EXPECT_EQ(client->answers()[3].message(), "Not found: subscription 1");
}

TEST_F(OwnTopicsTest, ResumeAndItsErrors) {
  Publish(1, 6);
  auto client = Connect();
  v1::CommandRequest resume = OpenSubscriptionTo("t", 10);
  resume.mutable_open_subscription()->set_epoch(7);
  resume.mutable_open_subscription()->set_after_sequence(7);
  client->Send(Frame(WithId(resume, 1)));
  resume.mutable_open_subscription()->set_after_sequence(5);
  client->Send(Frame(WithId(resume, 2)));
  resume.mutable_open_subscription()->set_after_sequence(1);
  client->Send(Frame(WithId(resume, 3)));
  EXPECT_EQ(
      Told(*client),
      "#1 400, #2 is 1 after 5, 1/6=6, #3 is 2 after 2, 2/2 EVICTED, 2/3=3, "
      "2/4=4, 2/5=5, 2/6=6");
}

TEST_F(OwnTopicsTest, TooManySubscriptionsAre429) {
  ServerLimits limits;
  limits.subscriptions_max = 2;
  auto client = Connect(limits);
  EXPECT_EQ(client->answers()[0].hello().subscriptions_max(), 2u);
  for (int i = 1; i <= 3; ++i) {
    client->Send(Frame(WithId(OpenSubscriptionTo("t", 1), i)));
  }
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, #2 is 2 after 0, #3 429");
  EXPECT_EQ(client->answers()[3].outcome(), v1::NOT_EXECUTED);
}

TEST_F(OwnTopicsTest, SubscribeOfTheOlderProtocolIsRefusedWithAdvice) {
  auto client = Connect();
  client->Send(Frame(WithId(SubscribeTo("t"), 1)));
  EXPECT_EQ(Told(*client), "#1 400");
  EXPECT_NE(client->answers()[1].message().find("open_subscription"),
            std::string::npos);
}

TEST_F(OwnTopicsTest, UnsubscribeByAnotherEndsItWithAnEvent) {
  auto client = Connect();
  auto other = Connect();
  client->Send(Frame(WithId(OpenSubscriptionTo("t", 10), 1)));
  other->Send(Frame(WithId(PublishTo("t", 1), 1)) +
              Frame(WithId(UnsubscribeFrom("t", 1), 2)));
  client->Run();
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, 1/1=1, 1 end 200");
  client->Send(Frame(WithId(PingRequest(), 2)));
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, 1/1=1, 1 end 200, #2 200")
      << "the connection goes on";
}

TEST_F(OwnTopicsTest, EndOfInputEndsSubscriptionsAtOnce) {
  auto client = Connect();
  client->Send(Frame(WithId(OpenSubscriptionTo("t", 10), 1)));
  EXPECT_EQ(state_->topics.counts().subscriptions, 1u);
  client->EndSending();
  EXPECT_EQ(client->status(), absl::OkStatus());
  EXPECT_EQ(state_->topics.counts().subscriptions, 0u);
}

TEST_F(OwnTopicsTest, DrainEndsThemWithAnEvent) {
  auto client = Connect();
  client->Send(Frame(WithId(OpenSubscriptionTo("t", 0), 1)) +
               Frame(WithId(OpenSubscriptionTo("u", 5), 2)));
  client->Drain();
  client->Run();
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(client->status(), absl::OkStatus());
  const std::string told = Told(*client);
  EXPECT_NE(told.find("1 end 503"), std::string::npos) << told;
  EXPECT_NE(told.find("2 end 503"), std::string::npos) << told;
}

TEST_F(OwnTopicsTest, EventsOverTheClientsLimitAreAGap) {
  auto made = std::make_unique<SessionHarness>(
      ServerLimits(), coffer_testing::MemoryPipeOptions(), nullptr, state_);
  made->Start();
  HelloOptions small;
  small.limits.frame_bytes_max = 2000;
  made->Send(Frame(MakeHello(small, MakeClientId(), "small")));
  made->Send(Frame(WithId(OpenSubscriptionTo("t", 1), 1)));
  state_->topics.Publish(PublishTo("t", std::string(3000, 'x')).publish());
  Publish(2, 2);
  made->Run();
  EXPECT_EQ(Told(*made), "#1 is 1 after 0, 1/1 OVERSIZE, 1/2=2")
      << "the gap has taken no credit";
}

// While the session waits for its peer to read, publishes are made ahead of
// their answers, for the sake of others who wait for those; not ahead of what
// was asked for before.
TEST_F(OwnTopicsTest, PublishPassesNoSubscriptionThatWasOpenedBeforeIt) {
  ServerLimits limits;
  limits.write_high_mark_bytes = 1000;
  limits.write_low_mark_bytes = 500;
  SessionHarness client(limits, {.capacity = 1000}, nullptr, state_);
  client.Start(/*reading=*/false);
  HelloOptions plain;
  plain.lz4 = false;
  client.Send(Frame(MakeHello(plain, MakeClientId(), "test")));
  client.Send(Frame(WithId(MakeHset("t", "k", std::string(5000, 'x')), 1)));
  client.Send(Frame(WithId(MakeHget("t", "k"), 2)) +
              Frame(WithId(OpenSubscriptionTo("t", 10), 3)) +
              Frame(WithId(PublishTo("t", 5), 4)));
  client.Read();
  client.Run();
  EXPECT_EQ(Told(client), "#1 200, #2 200, #3 is 1 after 0, #4 200, 1/1=5");
}

// A client that does not read its events: the session holds what its buffer
// and the ring hold, and gives the rest up with a gap.
TEST_F(OwnTopicsTest, ClientThatDoesNotReadCostsItsBufferAndGetsAGap) {
  ServerLimits limits;
  limits.write_high_mark_bytes = 3000;
  limits.write_low_mark_bytes = 1000;
  auto client = Connect(limits, {.capacity = 500});
  client->Send(Frame(WithId(OpenSubscriptionTo("t", 1000), 1)));
  for (int i = 1; i <= 300; ++i) {
    v1::CommandRequest publish = PublishTo("t", i);
    *publish.mutable_publish()->add_data()->mutable_string() =
        std::string(500, 'x');
    state_->topics.Publish(publish.publish());
  }
  // In a stretch, without the client's turn: the ring has gone round.
  client->Run();
  EXPECT_EQ(Told(*client),
            "#1 is 1 after 0, 1/296 EVICTED, 1/297=297, 1/298=298, 1/299=299, "
            "1/300=300");
}

TEST_F(OwnTopicsTest, ManySubscriptionsShareAConnection) {
  auto client = Connect();
  std::string bytes;
  for (int i = 1; i <= 1000; ++i) {
    bytes += Frame(WithId(OpenSubscriptionTo(absl::StrCat("t", i), 5), i));
  }
  client->Send(bytes);
  for (int i = 1; i <= 1000; ++i) {
    state_->topics.Publish(PublishTo(absl::StrCat("t", i), i).publish());
  }
  client->Run();
  const auto answers = client->answers();
  ASSERT_EQ(answers.size(), 1u + 1000u + 1000u);
  int events = 0;
  for (const CommandResponse& answer : answers) {
    if (!answer.has_event()) continue;
    ++events;
    EXPECT_EQ(static_cast<int>(answer.subscription_id()),
              answer.values(0).integer());
  }
  EXPECT_EQ(events, 1000);
}

}  // namespace
}  // namespace coffer::server
