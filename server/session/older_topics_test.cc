// PUBLISH, SUBSCRIBE and UNSUBSCRIBE of older peers, through their sessions,
// byte for byte.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/stream/hello.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/session/session_harness.h"
#include "coffer/server/session/topic_requests.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using v1::CommandResponse;

class OlderTopicsTest : public ::testing::Test {
 protected:
  std::unique_ptr<SessionHarness> Connect(
      bool reading = true, ServerLimits limits = {},
      coffer_testing::MemoryPipeOptions pipe = {}) {
    auto made = std::make_unique<SessionHarness>(limits, pipe, nullptr, state_);
    made->Start(reading);
    made->Run();
    return made;
  }

  static std::string Hex(const SessionHarness& harness) {
    return absl::BytesToHexString(harness.received());
  }

  std::shared_ptr<VolatileState> state_ = std::make_shared<VolatileState>(
      7, RetryLimits(), TopicLimits{.ring_events_max = 4});
};

TEST_F(OlderTopicsTest, SubscriberGetsItsIdThenEachPublish) {
  auto publisher = Connect();
  auto subscriber = Connect();
  publisher->Send(Frame(PublishTo("lobby", 1)));
  subscriber->Send(Frame(SubscribeTo("lobby")));
  EXPECT_EQ(Hex(*subscriber), "0000000708c8011a021801");
  v1::CommandRequest publish = PublishTo("lobby", "hi");
  publish.mutable_publish()->add_data();
  publisher->Send(Frame(publish));
  EXPECT_EQ(Hex(*publisher), "0000000308c8010000000308c801");
  subscriber->Run();
  EXPECT_EQ(Hex(*subscriber),
            "0000000708c8011a021801"
            "0000000b08c8011a040a0268691a00");
}

TEST_F(OlderTopicsTest, HalfCloseIsNoDisconnect) {
  auto publisher = Connect();
  auto subscriber = Connect();
  subscriber->Send(Frame(SubscribeTo("t")));
  subscriber->EndSending();
  EXPECT_FALSE(subscriber->status().has_value());
  publisher->Send(Frame(PublishTo("t", 5)));
  subscriber->Run();
  ASSERT_EQ(subscriber->answers().size(), 2u);
  EXPECT_FALSE(subscriber->ended());

  // Its end is the server closing the stream, after what was published before.
  publisher->Send(Frame(PublishTo("t", 6)) + Frame(UnsubscribeFrom("t", 1)) +
                  Frame(PublishTo("t", 7)));
  EXPECT_EQ(publisher->answers()[2].status(), 200u);
  subscriber->Run();
  EXPECT_EQ(subscriber->answers().size(), 3u);
  EXPECT_TRUE(subscriber->ended());
  EXPECT_EQ(subscriber->status(), absl::OkStatus());
  EXPECT_EQ(state_->topics.counts().subscriptions, 0u);
}

TEST_F(OlderTopicsTest, UnsubscribeKnowsTheTopicAndTheId) {
  auto other = Connect();
  auto subscriber = Connect();
  subscriber->Send(Frame(SubscribeTo("t")));
  other->Send(Frame(UnsubscribeFrom("u", 1)) + Frame(UnsubscribeFrom("t", 2)) +
              Frame(UnsubscribeFrom("t", 1)) + Frame(UnsubscribeFrom("t", 1)));
  const auto answers = other->answers();
  EXPECT_EQ(answers[0].message(), "Not found: subscription 1");
  EXPECT_EQ(answers[0].status(), 404u);
  EXPECT_EQ(answers[1].message(), "Not found: subscription 2");
  EXPECT_EQ(answers[2].ShortDebugString(), "status: 200");
  EXPECT_EQ(answers[3].status(), 404u) << "it is over";
  subscriber->Run();
  EXPECT_TRUE(subscriber->ended()) << "though it had not half-closed";
}

TEST_F(OlderTopicsTest, SubscriberMayAskOtherThingsAndUnsubscribeItself) {
  auto subscriber = Connect();
  subscriber->Send(Frame(SubscribeTo("t")) + Frame(MakeHset("t", "k", 1)) +
                   Frame(PublishTo("t", 9)) + Frame(MakeHget("t", "k")));
  auto answers = subscriber->answers();
  ASSERT_EQ(answers.size(), 5u);
  EXPECT_EQ(answers[0].values(0).integer(), 1) << "the id comes first";
  EXPECT_EQ(answers[2].ShortDebugString(), "status: 200");
  subscriber->Send(Frame(UnsubscribeFrom("t", 1)));
  EXPECT_EQ(subscriber->answers().back().ShortDebugString(), "status: 200");
  EXPECT_TRUE(subscriber->ended());
}

TEST_F(OlderTopicsTest, TwoSubscriptionsEndWithTheSecond) {
  auto subscriber = Connect();
  auto other = Connect();
  subscriber->Send(Frame(SubscribeTo("t")) + Frame(SubscribeTo("u")));
  subscriber->EndSending();
  other->Send(Frame(UnsubscribeFrom("t", 1)));
  subscriber->Run();
  EXPECT_FALSE(subscriber->ended());
  other->Send(Frame(UnsubscribeFrom("u", 2)));
  subscriber->Run();
  EXPECT_TRUE(subscriber->ended());
}

TEST_F(OlderTopicsTest, PublishTakesEffectInTheOrderOfItsConnection) {
  auto subscriber = Connect();
  subscriber->Send(Frame(PublishTo("t", 1)) + Frame(SubscribeTo("t")) +
                   Frame(PublishTo("t", 2)) + Frame(SubscribeTo("t")) +
                   Frame(PublishTo("t", 3)));
  std::vector<std::int64_t> integers;
  for (const CommandResponse& answer : subscriber->answers()) {
    if (answer.values_size() > 0) {
      integers.push_back(answer.values(0).integer());
    }
  }
  // The ids are 1 and 2; the first gets 2 and 3, the second 3.
  EXPECT_EQ(integers, (std::vector<std::int64_t>{1, 2, 2, 3, 3}));
}

TEST_F(OlderTopicsTest, DrainEndsASubscriberWithWhatWasPublished) {
  auto publisher = Connect();
  auto subscriber = Connect();
  subscriber->Send(Frame(SubscribeTo("t")));
  subscriber->EndSending();
  publisher->Send(Frame(PublishTo("t", 1)));
  subscriber->Run();
  subscriber->Drain();
  subscriber->Run();
  EXPECT_EQ(subscriber->answers().size(), 2u);
  EXPECT_TRUE(subscriber->ended());
  EXPECT_EQ(subscriber->status(), absl::OkStatus());
}

TEST_F(OlderTopicsTest, OwnRequestsAreEmptyToAnOlderPeer) {
  auto older = Connect();
  older->Send(Frame(OpenSubscriptionTo("t", 5)) + Frame(PingRequest()) +
              Frame(WithId(PingRequest(), 3)) + Frame(CancelOf(1)) +
              Frame(GrantCreditTo(1, 1)) + Frame(CloseSubscriptionOf(1)));
  const auto answers = older->answers();
  ASSERT_EQ(answers.size(), 6u);
  for (const CommandResponse& answer : answers) {
    EXPECT_EQ(answer.ShortDebugString(),
              "status: 400 message: \"Command is invalid: `Request has no "
              "data`\"");
  }
}

// Its peer takes nothing: it holds what its write buffer and the ring hold, and
// is cut when the ring has gone round.
TEST_F(OlderTopicsTest, SubscriberThatDoesNotReadIsCutWhenItFallsBehind) {
  ServerLimits limits;
  limits.write_high_mark_bytes = 3000;
  limits.write_low_mark_bytes = 1000;
  auto slow = Connect(/*reading=*/false, limits, {.capacity = 500});
  auto publisher = Connect();
  slow->Send(Frame(SubscribeTo("t")));
  int published = 0;
  for (; published < 100 && !slow->status().has_value(); ++published) {
    publisher->Send(Frame(PublishTo("t", std::string(1000, 'x'))));
    slow->Run();
  }
  EXPECT_GT(published, 4 + 3) << "the ring and the buffer are made use of";
  EXPECT_LT(published, 4 + 3 + 4);
  ASSERT_TRUE(slow->status().has_value());
  EXPECT_TRUE(absl::IsResourceExhausted(*slow->status())) << *slow->status();
  EXPECT_EQ(state_->topics.counts().subscriptions, 0u);
  EXPECT_EQ(state_->topics.counts().fell_behind, 1u);
  EXPECT_EQ(publisher->answers().size(), static_cast<size_t>(published));
}

TEST_F(OlderTopicsTest, SubscriberThatReadsSlowlyLosesNothing) {
  ServerLimits limits;
  limits.write_high_mark_bytes = 3000;
  limits.write_low_mark_bytes = 1000;
  auto slow = Connect(/*reading=*/true, limits, {.capacity = 100});
  auto publisher = Connect();
  slow->Send(Frame(SubscribeTo("t")));
  for (int i = 0; i < 100; ++i) {
    publisher->Send(
        Frame(PublishTo("t", absl::StrCat(i, std::string(1000, 'x')))));
    slow->Run();
  }
  EXPECT_EQ(slow->answers().size(), 101u);
}

// What arrives while the id's answer has no room is not told before it.
TEST_F(OlderTopicsTest, IdIsToldFirstThoughThereIsNoRoomForIt) {
  ServerLimits limits;
  limits.write_high_mark_bytes = 200;
  limits.write_low_mark_bytes = 100;
  auto subscriber = Connect(/*reading=*/false, limits, {.capacity = 300});
  auto publisher = Connect();
  std::string bytes = Frame(MakeHset("t", "k", std::string(100, 'v')));
  for (int i = 0; i < 10; ++i) bytes += Frame(MakeHget("t", "k"));
  bytes += Frame(SubscribeTo("t"));
  subscriber->Send(bytes);
  publisher->Send(Frame(PublishTo("t", "early")));
  subscriber->Run();
  subscriber->Read();
  subscriber->Run();
  publisher->Send(Frame(PublishTo("t", "late")));
  subscriber->Run();
  const auto answers = subscriber->answers();
  ASSERT_EQ(answers.size(), 13u);
  EXPECT_EQ(answers[11].values(0).integer(), 1);
  EXPECT_EQ(answers[12].values(0).string(), "late");
}

}  // namespace
}  // namespace coffer::server
