#include "coffer/server/session/subscriptions.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/log.h"
#include "coffer/server/service/topics/event.h"
#include "coffer/server/service/topics/topics.h"
#include "coffer/server/service/topics/topics_tester.h"
#include "coffer/server/service/volatile_state.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;

// Subscriptions of one session, whose wake-ups are carried at once.
class SubscriptionsTest : public ::testing::Test {
 protected:
  struct DirectWaker : TopicWaker {
    explicit DirectWaker(std::vector<std::uint64_t>* its) : ids(*its) {}
    void Wake(std::uint64_t id) override { ids.push_back(id); }
    std::vector<std::uint64_t>& ids;
  };

  void Publish(int from, int to, const std::string& topic = "t") {
    for (int i = from; i <= to; ++i) topics_.Publish(MakePublish(topic, i));
    Deliver();
  }
  void Deliver() { mine_.Woken(std::exchange(woken_, {})); }

  std::uint64_t Open(std::uint64_t credit,
                     v1::SlowPolicy policy = v1::DROP_OLDEST,
                     Topics::Start start = {}) {
    mine_.set_peer_is_ours();
    v1::OpenSubscription open;
    open.set_topic("t");
    open.set_credit(credit);
    open.set_slow_policy(policy);
    open.set_epoch(start.epoch);
    open.set_after_sequence(start.after_sequence);
    const auto reply = mine_.Open(open);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? reply->subscription_id() : 0;
  }

  void Grant(std::uint64_t id, std::uint64_t credit) {
    v1::GrantCredit grant;
    grant.set_subscription_id(id);
    grant.set_credit(credit);
    mine_.Grant(grant);
  }

  // What is next, as text; "" for nothing.
  std::string Next() {
    Subscriptions::Outgoing out;
    if (!mine_.Next(&out)) return "";
    v1::CommandResponse response = out.message;
    if (out.event != nullptr) {
      const std::string bytes =
          out.older ? std::string(out.event->older_bytes())
                    : absl::StrCat(out.event->bytes(), out.id_field);
      EXPECT_TRUE(response.ParseFromString(bytes));
    }
    if (out.older) {
      return absl::StrCat("older ", response.values(0).integer());
    }
    EXPECT_EQ(response.subscription_id(), out.id);
    const v1::SubscriptionEvent& event = response.event();
    if (event.end()) return absl::StrCat("end ", response.status());
    if (event.has_gap()) {
      return absl::StrCat(v1::Gap::Reason_Name(event.gap().reason()), " to ",
                          event.sequence(), " of ", event.gap().epoch());
    }
    return absl::StrCat(event.sequence(), ":", response.values(0).integer());
  }

  std::string All() {
    std::string all;
    for (std::string next = Next(); !next.empty(); next = Next()) {
      absl::StrAppend(&all, all.empty() ? "" : ", ", next);
    }
    return all;
  }

  std::vector<std::uint64_t> woken_;
  VolatileState state_{kTestEpoch, RetryLimits(), {.ring_events_max = 3}};
  Topics& topics_ = state_.topics;
  Subscriptions mine_{&state_, 3, std::make_shared<DirectWaker>(&woken_)};
};

TEST_F(SubscriptionsTest, EventsUseUpCreditAndWaitForMore) {
  const std::uint64_t id = Open(2);
  Publish(1, 3);
  EXPECT_EQ(All(), "1:1, 2:2");
  EXPECT_FALSE(mine_.has_more());
  Grant(id, 5);
  EXPECT_EQ(All(), "3:3");
  Publish(4, 4);
  EXPECT_EQ(All(), "4:4");
}

TEST_F(SubscriptionsTest, CreditSaturates) {
  const std::uint64_t id = Open(std::numeric_limits<std::uint64_t>::max() - 1);
  Grant(id, 100);
  Publish(1, 1);
  EXPECT_EQ(All(), "1:1");
  Grant(id + 7, 1);  // nobody's
  EXPECT_EQ(All(), "");
}

TEST_F(SubscriptionsTest, DropOldestTellsOfTheGapOnceThereIsCredit) {
  const std::uint64_t id = Open(1);
  Publish(1, 9);
  EXPECT_EQ(All(), "EVICTED to 6 of 77, 7:7");
  Publish(10, 20);
  EXPECT_EQ(All(), "");
  Grant(id, 10);
  EXPECT_EQ(All(), "EVICTED to 17 of 77, 18:18, 19:19, 20:20");
}

TEST_F(SubscriptionsTest, DisconnectEndsItWhenItsNextEventIsEvicted) {
  Open(1, v1::DISCONNECT);
  Publish(1, 1);
  EXPECT_EQ(All(), "1:1");
  Publish(2, 4);
  EXPECT_EQ(All(), "") << "its next is still there";
  Publish(5, 5);
  EXPECT_EQ(All(), "end 429") << "without a grant, and without being asked";
  EXPECT_TRUE(mine_.empty());
  EXPECT_EQ(topics_.counts().fell_behind, 1u);
  EXPECT_EQ(topics_.counts().subscriptions, 0u);
}

TEST_F(SubscriptionsTest, DisconnectWithCreditEndsToo) {
  Open(100, v1::DISCONNECT);
  Publish(1, 4);
  EXPECT_EQ(All(), "end 429");
}

TEST_F(SubscriptionsTest, OneThatFallsBehindIsLogged) {
  std::vector<std::string> lines;
  StartLogging(LogLevel::kInfo,
               [&lines](const std::string& line) { lines.push_back(line); });
  mine_.set_peer_name("10.0.0.1:99");
  Open(0);  // told of by a gap, in its time
  const std::uint64_t id = Open(0, v1::DISCONNECT);
  Publish(1, 3);
  EXPECT_EQ(All(), "");
  Publish(4, 4);
  EXPECT_EQ(All(), "end 429");
  StopLogging();
  EXPECT_THAT(lines, ElementsAre(EndsWith(absl::StrCat(
                         "level=info event=\"subscription fell behind\" "
                         "peer=10.0.0.1:99 subscription=",
                         id, "\n"))));
}

TEST_F(SubscriptionsTest, ResumeBeginsWithItsGap) {
  Publish(1, 5);
  Open(10, v1::DISCONNECT, {kTestEpoch, 1});
  EXPECT_EQ(All(), "EVICTED to 2 of 77, 3:3, 4:4, 5:5");
  Open(0, v1::DROP_OLDEST, {kTestEpoch + 1, 1});
  EXPECT_EQ(All(), "NEW_EPOCH to 2 of 77") << "needs no credit";
  Open(10, v1::DROP_OLDEST, {kTestEpoch, 4});
  EXPECT_EQ(All(), "5:5");
}

TEST_F(SubscriptionsTest, TooManyAreRefusedAndClosingMakesRoom) {
  const std::uint64_t first = Open(1);
  Open(1);
  Open(1);
  const auto fourth = mine_.Open(v1::OpenSubscription());
  EXPECT_TRUE(absl::IsResourceExhausted(fourth.status()));
  EXPECT_EQ(mine_.Close(first), absl::OkStatus());
  EXPECT_TRUE(absl::IsNotFound(mine_.Close(first)));
  EXPECT_TRUE(absl::IsNotFound(mine_.Close(1000)));
  EXPECT_TRUE(mine_.Open(v1::OpenSubscription()).ok());
}

TEST_F(SubscriptionsTest, ClosedIsSentNothingMore) {
  const std::uint64_t id = Open(10);
  Publish(1, 2);
  EXPECT_EQ(Next(), "1:1");
  EXPECT_EQ(mine_.Close(id), absl::OkStatus());
  EXPECT_EQ(All(), "");
  EXPECT_EQ(topics_.counts().subscriptions, 0u);
}

TEST_F(SubscriptionsTest, EndedByUnsubscribeItGetsWhatThereWasThenItsEnd) {
  const std::uint64_t id = Open(10);
  Publish(1, 2);
  topics_.End("t", id);
  Publish(3, 3);
  EXPECT_EQ(All(), "1:1, 2:2, end 200");
  const std::uint64_t poor = Open(0);
  Publish(4, 4);
  EXPECT_EQ(All(), "");
  topics_.End("t", poor);
  Deliver();
  EXPECT_EQ(All(), "end 200") << "what it has no credit for is not sent";
}

TEST_F(SubscriptionsTest, SubscriptionsTakeTurns) {
  Open(10);
  Open(10);
  Publish(1, 2);
  EXPECT_EQ(All(), "1:1, 1:1, 2:2, 2:2");
}

TEST_F(SubscriptionsTest, DrainTellsOursAndForgetsOlderOnes) {
  EXPECT_TRUE(mine_.Subscribe("t").ok());
  Open(0);
  mine_.EndAll(503, "the server is stopping");
  EXPECT_EQ(All(), "end 503");
  EXPECT_TRUE(mine_.empty());
}

TEST_F(SubscriptionsTest, OlderSubscriberGetsTheOlderForm) {
  const auto id = mine_.Subscribe("t");
  ASSERT_TRUE(id.ok());
  Publish(1, 2);
  EXPECT_EQ(All(), "older 1, older 2");
  topics_.End("t", *id);
  Deliver();
  EXPECT_EQ(All(), "");
  EXPECT_EQ(mine_.cut(), Subscriptions::Cut::kEnded);
}

TEST_F(SubscriptionsTest, OlderSubscriberThatFallsBehindIsCut) {
  ASSERT_TRUE(mine_.Subscribe("t").ok());
  Publish(1, 3);
  mine_.Rest();  // its peer does not read
  EXPECT_TRUE(mine_.has_more());
  Publish(4, 4);
  EXPECT_EQ(mine_.cut(), Subscriptions::Cut::kFellBehind);
  EXPECT_EQ(topics_.counts().fell_behind, 1u);
}

TEST_F(SubscriptionsTest, OlderSubscriberThatRestsLosesNothingMeanwhile) {
  ASSERT_TRUE(mine_.Subscribe("t").ok());
  Publish(1, 1);
  mine_.Rest();
  Publish(2, 3);
  EXPECT_EQ(All(), "older 1, older 2, older 3");
  EXPECT_EQ(mine_.cut(), Subscriptions::Cut::kNo);
}

TEST_F(SubscriptionsTest, SubscribeAfterHelloIsRefusedWithAdvice) {
  mine_.set_peer_is_ours();
  const auto id = mine_.Subscribe("t");
  EXPECT_TRUE(absl::IsInvalidArgument(id.status()));
  EXPECT_NE(id.status().message().find("open_subscription"), std::string::npos);
}

TEST_F(SubscriptionsTest, EventOverThePeersLimitIsAGap) {
  Open(10);
  Publish(1, 1);
  Subscriptions::Outgoing out;
  ASSERT_TRUE(mine_.Next(&out));
  mine_.TooLarge(&out);
  EXPECT_EQ(out.event, nullptr);
  EXPECT_EQ(out.message.event().sequence(), 1u);
  EXPECT_EQ(out.message.event().gap().reason(), v1::Gap::OVERSIZE);
  EXPECT_EQ(out.message.event().gap().epoch(), kTestEpoch);
  EXPECT_EQ(mine_.cut(), Subscriptions::Cut::kNo);
}

TEST_F(SubscriptionsTest, EventOverThePeersLimitTakesNoCredit) {
  Open(1);
  Publish(1, 3);
  for (int i = 1; i <= 2; ++i) {
    Subscriptions::Outgoing out;
    ASSERT_TRUE(mine_.Next(&out));
    ASSERT_NE(out.event, nullptr) << i;
    mine_.TooLarge(&out);
  }
  EXPECT_EQ(All(), "3:3");
  Publish(4, 4);
  EXPECT_EQ(All(), "") << "that was all its credit";
}

TEST_F(SubscriptionsTest, EachEventCarriesTheIdOfItsSubscription) {
  const std::uint64_t first = Open(2);
  const std::uint64_t second = Open(2);
  Publish(1, 2);
  for (const std::uint64_t id : {first, second, first, second}) {
    Subscriptions::Outgoing out;
    ASSERT_TRUE(mine_.Next(&out));
    EXPECT_EQ(out.id, id);
    EXPECT_EQ(out.id_field, SubscriptionIdField(id));
  }
}

}  // namespace
}  // namespace coffer::server
