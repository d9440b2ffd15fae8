#include "coffer/sdk/connection/multiplexer.h"

#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coffer/testing/sweep/exhaustive.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::internal {
namespace {

using coffer_testing::Exhaustive;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Clock::TimePoint kStart;

std::unique_ptr<Call> MakeCall(std::uint64_t id, std::size_t bytes = 10,
                               Clock::TimePoint deadline = kStart) {
  auto call = std::make_unique<Call>();
  call->id = id;
  call->bytes = bytes;
  call->deadline = deadline;
  return call;
}

absl::Status Add(Multiplexer& mux, std::uint64_t id, std::size_t bytes = 10,
                 Clock::TimePoint deadline = kStart) {
  auto call = MakeCall(id, bytes, deadline);
  absl::Status added = mux.Add(&call);
  EXPECT_EQ(added.ok(), call == nullptr);
  return added;
}

// The id of the call whose answer it is; 0 if nobody waits for it.
absl::StatusOr<std::uint64_t> Answer(Multiplexer& mux, std::uint64_t id) {
  v1::CommandResponse answer;
  answer.set_request_id(id);
  std::unique_ptr<Call> call;
  const absl::Status known = mux.Answer(answer, &call);
  if (!known.ok()) return known;
  return call == nullptr ? 0 : call->id;
}

std::vector<std::uint64_t> Ids(
    const std::vector<std::unique_ptr<Call>>& calls) {
  std::vector<std::uint64_t> ids;
  for (const auto& call : calls) ids.push_back(call->id);
  return ids;
}

void SendAll(Multiplexer& mux) {
  while (mux.Send() != nullptr) {
  }
}

TEST(Multiplexer, AnswersInAnyOrderFindTheirCalls) {
  Multiplexer mux({});
  for (std::uint64_t id : {1, 2, 3}) ASSERT_TRUE(Add(mux, id).ok());
  EXPECT_EQ(mux.Send()->id, 1u);
  EXPECT_EQ(mux.Send()->id, 2u);
  EXPECT_EQ(mux.Send()->id, 3u);
  EXPECT_EQ(mux.Send(), nullptr);
  EXPECT_EQ(*Answer(mux, 3), 3u);
  EXPECT_EQ(*Answer(mux, 1), 1u);
  EXPECT_EQ(*Answer(mux, 2), 2u);
  EXPECT_EQ(mux.in_flight(), 0u);
}

TEST(Multiplexer, AnswerToNothingIsDataLoss) {
  Multiplexer mux({});
  ASSERT_TRUE(Add(mux, 1).ok());
  EXPECT_EQ(Answer(mux, 1).status().code(), absl::StatusCode::kDataLoss)
      << "queued, not sent";
  SendAll(mux);
  EXPECT_EQ(Answer(mux, 2).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(*Answer(mux, 1), 1u);
  EXPECT_EQ(Answer(mux, 1).status().code(), absl::StatusCode::kDataLoss)
      << "answered twice";
}

TEST(Multiplexer, OlderServersAnswerInOrder) {
  Multiplexer mux({});
  mux.set_answers_in_order(true);
  for (std::uint64_t id : {5, 6, 7}) ASSERT_TRUE(Add(mux, id).ok());
  SendAll(mux);
  bool was_sent = false;
  EXPECT_EQ(mux.GiveUp(6, &was_sent)->id, 6u);
  EXPECT_TRUE(was_sent);
  EXPECT_EQ(*Answer(mux, 0), 5u);
  EXPECT_EQ(*Answer(mux, 0), 0u) << "the one that was given up";
  EXPECT_EQ(*Answer(mux, 0), 7u);
  EXPECT_EQ(Answer(mux, 0).status().code(), absl::StatusCode::kDataLoss);
}

TEST(Multiplexer, GivenUpBeforeItIsSentIsNeverSent) {
  Multiplexer mux({});
  ASSERT_TRUE(Add(mux, 1).ok());
  ASSERT_TRUE(Add(mux, 2).ok());
  bool was_sent = true;
  EXPECT_EQ(mux.GiveUp(1, &was_sent)->id, 1u);
  EXPECT_FALSE(was_sent);
  EXPECT_EQ(mux.Send()->id, 2u);
  EXPECT_EQ(mux.queued_bytes(), 0u);
}

TEST(Multiplexer, LateAnswerIsDroppedAndItsPlaceIsFree) {
  MultiplexerLimits limits;
  limits.calls_in_flight_max = 1;
  Multiplexer mux(limits);
  ASSERT_TRUE(Add(mux, 1).ok());
  ASSERT_TRUE(Add(mux, 2).ok());
  SendAll(mux);
  bool was_sent = false;
  ASSERT_NE(mux.GiveUp(1, &was_sent), nullptr);
  EXPECT_EQ(mux.GiveUp(1, &was_sent), nullptr) << "once only";
  EXPECT_EQ(mux.Send(), nullptr) << "the server may still be at work on it";
  EXPECT_EQ(*Answer(mux, 1), 0u);
  EXPECT_EQ(mux.Send()->id, 2u);
}

TEST(Multiplexer, LimitsSayWhatAndHowMuch) {
  MultiplexerLimits limits;
  limits.calls_queued_max = 2;
  limits.bytes_queued_max = 100;
  Multiplexer mux(limits);
  ASSERT_TRUE(Add(mux, 1, 60).ok());
  const absl::Status bytes = Add(mux, 2, 41);
  EXPECT_EQ(bytes.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(bytes.message()),
              HasSubstr("request of 41 bytes behind 60 bytes"));
  ASSERT_TRUE(Add(mux, 3, 40).ok());
  const absl::Status calls = Add(mux, 4, 0);
  EXPECT_THAT(std::string(calls.message()),
              HasSubstr("2 calls wait to be sent: the limit"));
  SendAll(mux);
  EXPECT_TRUE(Add(mux, 5, 1000).ok()) << "one of any size, alone";
}

TEST(Multiplexer, RefusesBeyondTheFlightIfTold) {
  MultiplexerLimits limits;
  limits.calls_in_flight_max = 2;
  limits.refuse_when_full = true;
  Multiplexer mux(limits);
  ASSERT_TRUE(Add(mux, 1).ok());
  SendAll(mux);
  ASSERT_TRUE(Add(mux, 2).ok());
  EXPECT_EQ(Add(mux, 3).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(*Answer(mux, 1), 1u);
  EXPECT_TRUE(Add(mux, 3).ok());
}

TEST(Multiplexer, DeadlinesInTheirOrder) {
  Multiplexer mux({});
  ASSERT_TRUE(Add(mux, 1, 1, kStart + seconds(5)).ok());
  ASSERT_TRUE(Add(mux, 2, 1, kStart + seconds(3)).ok());
  ASSERT_TRUE(Add(mux, 3, 1, kStart + seconds(3)).ok());
  SendAll(mux);
  bool was_sent = false;
  for (std::uint64_t id : {2, 3, 1}) {
    EXPECT_EQ(mux.next_to_expire(), id);
    mux.GiveUp(id, &was_sent);
  }
  EXPECT_FALSE(mux.next_deadline().has_value());
}

TEST(Multiplexer, LostGivesTheSentOnesBackInOrder) {
  MultiplexerLimits limits;
  limits.calls_in_flight_max = 3;
  Multiplexer mux(limits);
  for (std::uint64_t id : {1, 2, 3, 4}) ASSERT_TRUE(Add(mux, id).ok());
  SendAll(mux);
  bool was_sent = false;
  mux.GiveUp(2, &was_sent);
  EXPECT_THAT(Ids(mux.Lost()), ElementsAre(1, 3));
  EXPECT_EQ(mux.waited_for(), 1u);
  EXPECT_EQ(mux.Send()->id, 4u) << "of the next connection";
  EXPECT_THAT(Ids(mux.All()), ElementsAre(4));
  EXPECT_THAT(Ids(mux.All()), IsEmpty());
}

// Every order of a few events: each call is given back exactly once, its answer
// is its own, and the counts are those of a simple model.
TEST(Multiplexer, SentAgainGoesAheadInItsOrderPastTheLimits) {
  MultiplexerLimits limits;
  limits.calls_in_flight_max = 2;
  limits.calls_queued_max = 1;
  limits.bytes_queued_max = 10;
  limits.refuse_when_full = true;
  Multiplexer mux(limits);
  ASSERT_TRUE(Add(mux, 9).ok());
  // A connection that was lost before it had sent them all again gives them
  // back behind those that are left.
  for (const std::uint64_t id : {3, 1, 2}) {
    auto call = MakeCall(id, 1000);
    call->goes_first = true;
    EXPECT_TRUE(mux.Add(&call).ok());
  }
  EXPECT_EQ(mux.queued(), 4u);
  EXPECT_EQ(mux.queued_bytes(), 3010u);
  EXPECT_EQ(mux.Send()->id, 1u);
  EXPECT_EQ(mux.Send()->id, 2u);
  EXPECT_EQ(mux.Send(), nullptr) << "the flight is as large as ever";
  bool was_sent = true;
  EXPECT_EQ(mux.GiveUp(3, &was_sent)->id, 3u);
  EXPECT_FALSE(was_sent);
  EXPECT_EQ(mux.queued_bytes(), 10u);
  EXPECT_THAT(Ids(mux.All()), ElementsAre(1, 2, 9));
}

TEST(Multiplexer, EveryCallIsGivenBackOnceInEveryOrderOfEvents) {
  Exhaustive choices;
  while (choices.NextRun()) {
    MultiplexerLimits limits;
    limits.calls_in_flight_max = 2;
    Multiplexer mux(limits);
    std::set<std::uint64_t> queued, sent, abandoned, over;
    std::uint64_t last = 0;
    for (int step = 0; step < 6; ++step) {
      switch (choices.Choose(4)) {
        case 0:
          ASSERT_TRUE(Add(mux, ++last).ok());
          queued.insert(last);
          break;
        case 1:
          if (Call* call = mux.Send()) {
            ASSERT_EQ(queued.erase(call->id), 1u);
            sent.insert(call->id);
          }
          break;
        case 2: {
          if (last == 0) break;
          bool was_sent = false;
          if (auto call = mux.GiveUp(last, &was_sent)) {
            ASSERT_TRUE(over.insert(call->id).second);
            ASSERT_EQ((was_sent ? sent : queued).erase(call->id), 1u);
            if (was_sent) abandoned.insert(call->id);
          }
          break;
        }
        case 3: {
          if (sent.empty() && abandoned.empty()) break;
          const bool waited = !sent.empty();
          const std::uint64_t id = waited ? *sent.rbegin() : *abandoned.begin();
          ASSERT_EQ(*Answer(mux, id), waited ? id : 0u);
          (waited ? sent : abandoned).erase(id);
          if (waited) {
            ASSERT_TRUE(over.insert(id).second);
          }
          break;
        }
      }
      ASSERT_EQ(mux.queued(), queued.size());
      ASSERT_EQ(mux.in_flight(), sent.size() + abandoned.size());
      ASSERT_EQ(mux.waited_for(), queued.size() + sent.size());
      ASSERT_LE(mux.in_flight(), 2u);
    }
    for (std::uint64_t id : Ids(mux.All())) {
      ASSERT_TRUE(over.insert(id).second);
    }
    ASSERT_EQ(over.size(), last);
  }
  EXPECT_GT(choices.runs(), 1000u);
}

}  // namespace
}  // namespace coffer::internal
