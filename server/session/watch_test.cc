// Watches of peers that have said Hello, through their sessions, of what others
// and they themselves write.

#include <memory>
#include <string>

#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/stream/hello.h"
#include "coffer/server/service/volatile_state.h"
#include "coffer/server/session/hand_storage.h"
#include "coffer/server/session/session_harness.h"
#include "coffer/server/session/told.h"
#include "coffer/server/session/topic_requests.h"
#include "coffer/server/storage/memory_storage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::testing::HasSubstr;

class WatchTest : public ::testing::Test {
 protected:
  WatchTest() {
    state_->changes.Attach(&storage_);
    other_ = Connect();
  }

  std::unique_ptr<SessionHarness> Connect(ServerLimits limits = {},
                                          Storage* storage = nullptr) {
    if (storage == nullptr) storage = &storage_;
    auto made = std::make_unique<SessionHarness>(
        limits, coffer_testing::MemoryPipeOptions(), storage, state_);
    SayHello(*made);
    return made;
  }

  void Set(const std::string& key, int value) {
    Write(MakeHset("t", key, ToValue(value)));
  }
  // Under a new id: it is no retry.
  void Write(const v1::CommandRequest& request) {
    other_->Send(Frame(WithId(request, ++last_id_)));
  }

  MemoryStorage storage_;
  std::shared_ptr<VolatileState> state_ =
      std::make_shared<VolatileState>(kToldEpoch, RetryLimits(), TopicLimits(),
                                      TopicLimits{.ring_events_max = 4});
  std::unique_ptr<SessionHarness> other_;
  std::uint64_t last_id_ = 0;
};

TEST_F(WatchTest, IsAnnounced) {
  const auto features = other_->answers()[0].hello().features();
  EXPECT_THAT(features, ::testing::Contains(v1::WATCH));
}

TEST_F(WatchTest, ChangesOfOthersAreTold) {
  auto client = Connect();
  client->Send(Frame(WithId(WatchPrefix("t", "", 10), 1)));
  Set("a", 1);
  Write(MakeHdel("t", "a"));
  Set("b", 2);
  v1::CommandRequest drop;
  drop.mutable_drop_table()->set_table("t");
  Write(drop);
  client->Run();
  EXPECT_EQ(
      Told(*client),
      "#1 is 1 after 0, 1/1 a=1, 1/2 REMOVED a, 1/3 b=2, 1/4 TABLE_GONE ");
}

// All in one turn: the write in front of it is not told, those behind it are.
TEST_F(WatchTest, WritesBehindItOnTheSameConnectionAreTold) {
  auto client = Connect();
  client->Send(Frame(WithId(MakeHset("t", "k", ToValue(1)), 1)) +
               Frame(WithId(WatchKey("t", "k", 10), 2)) +
               Frame(WithId(MakeHset("t", "k", ToValue(2)), 3)) +
               Frame(WithId(MakeHset("t", "k", ToValue(3)), 4)) +
               Frame(WithId(MakeHget("t", "k"), 5)));
  EXPECT_EQ(Told(*client),
            "#1 200, #2 is 1 after 0, #3 200, #4 200, #5 200, 1/1 k=2, 1/2 "
            "k=3");
}

// An engine that takes its time: the order is the same.
TEST_F(WatchTest, WritesBehindItWaitUntilItIsOpen) {
  HandStorage slow;
  state_ = std::make_shared<VolatileState>(kToldEpoch);
  state_->changes.Attach(&slow);
  auto client = Connect({}, &slow);
  client->Send(Frame(WithId(MakeHset("t", "k", ToValue(1)), 1)));
  client->Send(Frame(WithId(WatchKey("t", "k", 10), 2)) +
               Frame(WithId(MakeHset("t", "k", ToValue(2)), 3)));
  ASSERT_EQ(slow.waiting(), 1u);
  slow.Finish(0);
  client->Run();
  EXPECT_EQ(Told(*client), "#1 200, #2 is 1 after 0");
  ASSERT_EQ(slow.waiting(), 1u);
  slow.Finish(0);
  client->Run();
  EXPECT_EQ(Told(*client), "#1 200, #2 is 1 after 0, 1/1 k=2, #3 200");
  client.reset();
  other_.reset();
}

// Else what is written behind the read, and before it is open, would be missed.
TEST_F(WatchTest, ReadsBehindItWaitUntilItIsOpen) {
  HandStorage slow;
  state_ = std::make_shared<VolatileState>(kToldEpoch);
  state_->changes.Attach(&slow);
  auto client = Connect({}, &slow);
  client->Send(Frame(WithId(WatchKey("t", "k", 10), 1)) +
               Frame(WithId(WatchKey("t", "j", 10), 2)) +
               Frame(WithId(MakeHget("t", "k"), 3)));
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, #2 is 2 after 0");
  ASSERT_EQ(slow.waiting(), 1u);
  slow.Finish(0);
  client->Run();
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, #2 is 2 after 0, #3 404");
  client.reset();
  other_.reset();
}

TEST_F(WatchTest, WithoutCreditOnlyWhatIsWantedIsLost) {
  auto client = Connect();
  client->Send(Frame(WithId(WatchPrefix("t", "a", 1), 1)) +
               Frame(WithId(WatchPrefix("t", "a", 0, v1::DISCONNECT), 2)));
  Set("a", 1);
  client->Run();
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, #2 is 2 after 0, 1/1 a=1");
  for (int i = 0; i < 3; ++i) Set("b", i);
  client->Run();
  Set("b", 9);
  client->Run();
  EXPECT_EQ(Told(*client),
            "#1 is 1 after 0, #2 is 2 after 0, 1/1 a=1, 2 end 429");
  // The first of these is the last of the ring's.
  for (int i = 0; i < 100; ++i) Set("b", i);
  Set("a", 2);
  client->Send(Frame(GrantCreditTo(1, 5)));
  EXPECT_EQ(Told(*client),
            "#1 is 1 after 0, #2 is 2 after 0, 1/1 a=1, 2 end 429, 1/106 a=2");
  EXPECT_EQ(state_->changes.topics().counts().fell_behind, 1u);
  EXPECT_EQ(state_->topics.counts().fell_behind, 0u);
}

TEST_F(WatchTest, BookmarksTakeNoCredit) {
  auto client = Connect();
  client->Send(Frame(WithId(WatchPrefix("t", "a", 2), 1)));
  for (int i = 0; i < 3; ++i) {
    Set("b", i);
    client->Run();
  }
  Set("a", 1);
  Set("a", 2);
  client->Run();
  EXPECT_EQ(Told(*client),
            "#1 is 1 after 0, 1/1 bookmark, 1/2 bookmark, 1/3 bookmark, 1/4 "
            "a=1, 1/5 a=2");
}

TEST_F(WatchTest, GoesOnAfterAReconnectOrTellsOfTheGap) {
  auto client = Connect();
  client->Send(Frame(WithId(WatchKey("t", "a", 10), 1)));
  Set("a", 1);
  client->Run();
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, 1/1 a=1");
  client.reset();
  Set("a", 2);
  Set("a", 3);
  client = Connect();
  v1::CommandRequest resume = WatchKey("t", "a", 10);
  resume.mutable_open_watch()->set_epoch(kToldEpoch);
  resume.mutable_open_watch()->set_after_sequence(1);
  client->Send(Frame(WithId(resume, 1)));
  EXPECT_EQ(Told(*client), "#1 is 2 after 1, 2/2 a=2, 2/3 a=3");
  for (int i = 4; i < 9; ++i) Set("a", i);
  client = Connect();
  client->Send(Frame(WithId(resume, 1)));
  EXPECT_EQ(Told(*client),
            "#1 is 3 after 4, 3/4 EVICTED, 3/5 a=5, 3/6 a=6, 3/7 a=7, 3/8 a=8");
  resume.mutable_open_watch()->set_epoch(kToldEpoch + 1);
  client->Send(Frame(WithId(resume, 2)));
  EXPECT_THAT(Told(*client), HasSubstr("#2 is 4 after 4, 4/4 NEW_EPOCH"));
}

TEST_F(WatchTest, TooLargeForThePeerIsAGap) {
  auto client = std::make_unique<SessionHarness>(
      ServerLimits(), coffer_testing::MemoryPipeOptions(), &storage_, state_);
  v1::CommandRequest hello = MakeHello({}, MakeClientId(), "test");
  hello.mutable_hello()->set_frame_bytes_max(kFrameBytesMaxLeast);
  SayHello(*client, hello);
  client->Send(Frame(WithId(WatchPrefix("t", "", 2), 1)));
  const std::string large(kFrameBytesMaxLeast + 1, 'x');
  Write(MakeHset("t", "large", ToValue(large)));
  Set("a", 1);
  Set("b", 2);
  client->Run();
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, 1/1 OVERSIZE, 1/2 a=1, 1/3 b=2");
}

TEST_F(WatchTest, IdsOfWatchesAndSubscriptionsDiffer) {
  auto client = Connect();
  client->Send(Frame(WithId(WatchPrefix("t", "", 10), 1)) +
               Frame(WithId(OpenSubscriptionTo("t", 10), 2)) +
               Frame(WithId(WatchPrefix("t", "", 10), 3)));
  Set("a", 1);
  state_->topics.Publish(PublishTo("t", 5).publish());
  client->Run();
  client->Send(Frame(WithId(CloseSubscriptionOf(1), 4)));
  Set("b", 2);
  client->Run();
  EXPECT_THAT(Told(*client),
              HasSubstr("#1 is 1 after 0, #2 is 2 after 0, #3 is 3 after 0"));
  EXPECT_THAT(Told(*client), HasSubstr("#4 200, 3/2 b=2"));
  EXPECT_EQ(state_->changes.topics().counts().subscriptions, 1u);
}

TEST_F(WatchTest, WhatMakesNoSenseIsRefused) {
  auto client = Connect();
  v1::CommandRequest nothing;
  nothing.mutable_open_watch()->set_table("t");
  client->Send(Frame(WithId(nothing, 1)));
  EXPECT_EQ(Told(*client), "#1 400");
  EXPECT_EQ(client->answers()[1].outcome(), v1::NOT_EXECUTED);
  EXPECT_EQ(client->answers()[1].message(),
            "which keys are to be watched is not set");
}

TEST_F(WatchTest, TooManyAre429) {
  ServerLimits limits;
  limits.subscriptions_max = 2;
  auto client = Connect(limits);
  client->Send(Frame(WithId(OpenSubscriptionTo("t", 1), 1)) +
               Frame(WithId(WatchKey("t", "a", 1), 2)) +
               Frame(WithId(WatchKey("t", "b", 1), 3)));
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, #2 is 2 after 0, #3 429");
}

TEST_F(WatchTest, WithTheConnectionItEnds) {
  auto client = Connect();
  client->Send(Frame(WithId(WatchKey("t", "a", 1), 1)));
  EXPECT_EQ(state_->changes.topics().counts().subscriptions, 1u);
  client.reset();
  EXPECT_EQ(state_->changes.topics().counts().subscriptions, 0u);
}

TEST_F(WatchTest, DrainTellsThatItEnds) {
  auto client = Connect();
  client->Send(Frame(WithId(WatchKey("t", "a", 1), 1)));
  client->Drain();
  client->Run();
  EXPECT_EQ(Told(*client), "#1 is 1 after 0, 1 end 503");
}

// An engine that tells nothing: neither announced nor done.
TEST_F(WatchTest, OfAnEngineThatTellsNothingIsUnimplemented) {
  state_ = std::make_shared<VolatileState>(kToldEpoch);
  auto client = Connect();
  EXPECT_THAT(client->answers()[0].hello().features(),
              ::testing::Not(::testing::Contains(v1::WATCH)));
  client->Send(Frame(WithId(WatchKey("t", "a", 1), 1)));
  EXPECT_THAT(client->answers()[1].message(),
              HasSubstr("the storage tells no changes"));
  other_.reset();
}

// To an older peer it is a request without a command.
TEST_F(WatchTest, OlderPeersKnowNone) {
  SessionHarness older({}, {}, &storage_, state_);
  older.Start();
  older.Send(Frame(WatchKey("t", "a", 1)));
  EXPECT_EQ(older.answers()[0].status(), 400u);
  EXPECT_EQ(state_->changes.topics().counts().subscriptions, 0u);
}

}  // namespace
}  // namespace coffer::server
