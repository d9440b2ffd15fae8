#include "coffer/server/service/topics/topics.h"

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "coffer/server/service/topics/topics_tester.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

void PublishRange(Topics& topics, const std::string& topic, int from, int to) {
  for (int i = from; i <= to; ++i) topics.Publish(MakePublish(topic, i));
}

TEST(Topics, SubscriberGetsWhatIsPublishedAfterwardsInOrder) {
  Topics topics({}, kTestEpoch);
  topics.Publish(MakePublish("t", 0));
  TestSubscriber first(&topics, "t");
  topics.Publish(MakePublish("t", 10));
  topics.Publish(MakePublish("other", 99));
  TestSubscriber second(&topics, "t");
  topics.Publish(MakePublish("t", 20));
  EXPECT_EQ(first.subscription().start_sequence(), 1u);
  EXPECT_EQ(first.All(), "2:10 3:20");
  EXPECT_EQ(second.All(), "3:20");
  EXPECT_EQ(first.id(), 1u);
  EXPECT_EQ(second.id(), 2u);
}

TEST(Topics, BurstWakesASubscriberOnce) {
  Topics topics({}, kTestEpoch);
  TestSubscriber subscriber(&topics, "t");
  EXPECT_EQ(subscriber.All(), "");
  PublishRange(topics, "t", 1, 100);
  EXPECT_EQ(subscriber.wakes(), 1);
  EXPECT_EQ(subscriber.Next(), "1:1");
  PublishRange(topics, "t", 101, 110);
  EXPECT_EQ(subscriber.wakes(), 1) << "it has not read everything yet";
  subscriber.All();
  PublishRange(topics, "t", 111, 112);
  EXPECT_EQ(subscriber.wakes(), 2);
}

TEST(Topics, RingIsBoundedByEventsAndTellsOfALoss) {
  Topics topics({.ring_events_max = 3}, kTestEpoch);
  TestSubscriber subscriber(&topics, "t");
  PublishRange(topics, "t", 1, 10);
  EXPECT_EQ(subscriber.All(), "lost to 7 8:8 9:9 10:10");
}

TEST(Topics, RingIsBoundedByBytesAndKeepsTheLatest) {
  Topics topics({.ring_bytes_max = 1000}, kTestEpoch);
  TestSubscriber subscriber(&topics, "t");
  topics.Publish(MakePublish("t", 1));
  topics.Publish(MakePublish("t", std::string(5000, 'x')));
  EXPECT_EQ(subscriber.Next(), "lost to 1");
  EXPECT_EQ(subscriber.subscription().Next().event->sequence(), 2u);
  topics.Publish(MakePublish("t", 3));
  EXPECT_EQ(subscriber.All(), "3:3");
}

TEST(Topics, ResumeGoesOnExactlyWhileTheRingHasIt) {
  Topics topics({.ring_events_max = 3}, kTestEpoch);
  PublishRange(topics, "t", 1, 5);
  for (const std::uint64_t after : {2, 3, 5}) {
    TestSubscriber subscriber(&topics, "t", {kTestEpoch, after});
    EXPECT_FALSE(subscriber.subscription().start_gap().has_value()) << after;
    EXPECT_EQ(subscriber.subscription().start_sequence(), after);
    EXPECT_EQ(subscriber.All(), after == 2   ? "3:3 4:4 5:5"
                                : after == 3 ? "4:4 5:5"
                                             : "");
  }
}

TEST(Topics, ResumeOfWhatIsEvictedSaysSo) {
  Topics topics({.ring_events_max = 3}, kTestEpoch);
  PublishRange(topics, "t", 1, 5);
  TestSubscriber subscriber(&topics, "t", {kTestEpoch, 1});
  EXPECT_EQ(subscriber.subscription().start_gap(), v1::Gap::EVICTED);
  EXPECT_EQ(subscriber.subscription().start_sequence(), 2u);
  EXPECT_EQ(subscriber.All(), "3:3 4:4 5:5");
}

TEST(Topics, ResumeOfAnotherEpochGetsAllThatThereIsAndIsTold) {
  Topics topics({.ring_events_max = 3}, kTestEpoch);
  PublishRange(topics, "t", 1, 5);
  TestSubscriber subscriber(&topics, "t", {kTestEpoch + 1, 1000});
  EXPECT_EQ(subscriber.subscription().start_gap(), v1::Gap::NEW_EPOCH);
  EXPECT_EQ(subscriber.All(), "3:3 4:4 5:5");
}

TEST(Topics, ResumeInTheFutureIsRefusedAndCostsNothing) {
  Topics topics({}, kTestEpoch);
  auto waker = std::make_shared<CountingWaker>();
  const auto refused = topics.Subscribe("t", {kTestEpoch, 1}, waker);
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status())) << refused.status();
  EXPECT_EQ(topics.counts().topics, 0u);
  EXPECT_EQ(topics.counts().subscriptions, 0u);
}

TEST(Topics, SubscriptionEndsAtOnceWhenItIsDestroyed) {
  Topics topics({}, kTestEpoch);
  {
    TestSubscriber subscriber(&topics, "t");
    EXPECT_EQ(subscriber.All(), "");
    EXPECT_EQ(topics.counts().subscriptions, 1u);
  }
  EXPECT_EQ(topics.counts().subscriptions, 0u);
  EXPECT_EQ(topics.counts().topics, 0u) << "no event was ever kept";
}

TEST(Topics, EndStopsBehindWhatWasPublished) {
  Topics topics({}, kTestEpoch);
  TestSubscriber subscriber(&topics, "t");
  topics.Publish(MakePublish("t", 1));
  EXPECT_FALSE(topics.End("other", subscriber.id())) << "another topic's";
  EXPECT_FALSE(topics.End("t", subscriber.id() + 1));
  EXPECT_FALSE(subscriber.subscription().ending());
  EXPECT_TRUE(topics.End("t", subscriber.id()));
  EXPECT_TRUE(subscriber.subscription().ending());
  EXPECT_FALSE(topics.End("t", subscriber.id())) << "it is over";
  topics.Publish(MakePublish("t", 2));
  EXPECT_EQ(subscriber.All(), "1:1 ended");
}

TEST(Topics, EndWakesWhoeverWaitsOrHasPaused) {
  for (const int how : {0, 1, 2}) {
    Topics topics({}, kTestEpoch);
    TestSubscriber subscriber(&topics, "t");
    if (how == 0) subscriber.All();
    if (how == 1) subscriber.subscription().Pause(/*until_lost=*/false);
    if (how == 2) subscriber.subscription().Pause(/*until_lost=*/true);
    topics.End("t", subscriber.id());
    EXPECT_EQ(subscriber.wakes(), 1) << how;
    EXPECT_EQ(subscriber.All(), "ended");
  }
}

TEST(Topics, PausedIsToldWhenItsNextEventIsLostAndNotBefore) {
  Topics topics({.ring_events_max = 2}, kTestEpoch);
  TestSubscriber subscriber(&topics, "t");
  TestSubscriber quiet(&topics, "t");
  subscriber.subscription().Pause(/*until_lost=*/true);
  quiet.subscription().Pause(/*until_lost=*/false);
  PublishRange(topics, "t", 1, 2);
  EXPECT_EQ(subscriber.wakes(), 0);
  EXPECT_FALSE(subscriber.subscription().lost());
  topics.Publish(MakePublish("t", 3));
  EXPECT_EQ(subscriber.wakes(), 1);
  EXPECT_TRUE(subscriber.subscription().lost());
  PublishRange(topics, "t", 4, 9);
  EXPECT_EQ(subscriber.wakes(), 1);
  EXPECT_EQ(quiet.wakes(), 0);
  subscriber.subscription().Pause(/*until_lost=*/true);
  EXPECT_EQ(subscriber.wakes(), 2) << "it was lost before";
}

// Wherever it is destroyed, nobody is left behind who would be told.
TEST(Topics, DestroyedInAnyStateIsForgotten) {
  for (const int how : {0, 1, 2, 3}) {
    Topics topics({.ring_events_max = 1}, kTestEpoch);
    TestSubscriber before(&topics, "t");
    before.All();
    std::optional<TestSubscriber> goes(std::in_place, &topics, "t");
    TestSubscriber after(&topics, "t");
    after.All();
    if (how == 1) goes->All();
    if (how == 2) goes->subscription().Pause(false);
    if (how == 3) goes->subscription().Pause(true);
    goes.reset();
    PublishRange(topics, "t", 1, 2);
    EXPECT_EQ(before.All(), "lost to 1 2:2");
    EXPECT_EQ(after.All(), "lost to 1 2:2");
  }
}

// Of all topics, the one that was published to least recently goes first.
TEST(Topics, TotalIsBoundedAndTheLeastRecentGoFirst) {
  Topics topics({.total_bytes_max = 25000}, kTestEpoch);
  const std::string text(5000, 'x');
  topics.Publish(MakePublish("a", text));
  topics.Publish(MakePublish("b", text));
  topics.Publish(MakePublish("c", text));
  topics.Publish(MakePublish("a", text));  // now b is the least recent
  topics.Publish(MakePublish("d", text));
  EXPECT_LE(topics.counts().bytes, 25000u);
  EXPECT_EQ(topics.counts().topics, 3u);
  TestSubscriber b(&topics, "b", {kTestEpoch, 0});
  EXPECT_EQ(b.subscription().start_gap(), v1::Gap::EVICTED);
  TestSubscriber c(&topics, "c", {kTestEpoch, 0});
  EXPECT_FALSE(c.subscription().start_gap().has_value());
}

TEST(Topics, LatestEventIsKeptThoughItIsOverTheTotal) {
  Topics topics({.total_bytes_max = 1000}, kTestEpoch);
  TestSubscriber subscriber(&topics, "a");
  topics.Publish(MakePublish("b", 1));
  topics.Publish(MakePublish("a", std::string(5000, 'x')));
  EXPECT_EQ(subscriber.subscription().Next().event->sequence(), 1u);
  EXPECT_EQ(topics.counts().topics, 1u) << "b gave way";
}

// A topic made anew goes on behind the floor: who has seen its last event has
// missed nothing, anybody else is told.
TEST(Topics, TopicMadeAnewTellsWhetherAnythingWasMissed) {
  Topics topics({.total_bytes_max = 2000}, kTestEpoch);
  PublishRange(topics, "t", 1, 3);
  topics.Publish(MakePublish("big", std::string(5000, 'x')));
  ASSERT_EQ(topics.counts().topics, 1u) << "t was dropped";
  {
    TestSubscriber all_seen(&topics, "t", {kTestEpoch, 3});
    EXPECT_FALSE(all_seen.subscription().start_gap().has_value());
    TestSubscriber one_missed(&topics, "t", {kTestEpoch, 2});
    EXPECT_EQ(one_missed.subscription().start_gap(), v1::Gap::EVICTED);
    EXPECT_EQ(one_missed.subscription().start_sequence(), 3u);
    const auto future = topics.Subscribe("t", {kTestEpoch, 4},
                                         std::make_shared<CountingWaker>());
    EXPECT_TRUE(absl::IsInvalidArgument(future.status()));
    topics.Publish(MakePublish("t", 40));
    EXPECT_EQ(all_seen.All(), "4:40");
    EXPECT_EQ(one_missed.All(), "4:40");
  }
  // The floor is of all topics.
  TestSubscriber other(&topics, "other", {kTestEpoch, 0});
  EXPECT_EQ(other.subscription().start_gap(), v1::Gap::EVICTED);
}

TEST(Topics, SubscribersTopicWithoutEventsKeepsItsSequence) {
  Topics topics({.total_bytes_max = 2000}, kTestEpoch);
  TestSubscriber subscriber(&topics, "t");
  PublishRange(topics, "t", 1, 3);
  topics.Publish(MakePublish("big", std::string(5000, 'x')));
  topics.Publish(MakePublish("t", 4));
  EXPECT_EQ(subscriber.All(), "lost to 3 4:4");
}

}  // namespace
}  // namespace coffer::server
