// Sessions over a storage that finishes when it is told: what is answered
// meanwhile, in which order, and what is not.

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/stream/hello.h"
#include "coffer/server/session/hand_storage.h"
#include "coffer/server/session/session_harness.h"
#include "coffer/server/session/topic_requests.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using v1::CommandRequest;
using v1::CommandResponse;

class AnyOrderTest : public ::testing::Test {
 protected:
  void Connect(ServerLimits limits = {}, bool hello = true) {
    session_ = std::make_unique<SessionHarness>(
        limits, coffer_testing::MemoryPipeOptions(), &storage_);
    session_->Start();
    if (hello) session_->Send(Frame(MakeHello({}, MakeClientId(), "test")));
    skipped_ = hello ? 1 : 0;
  }

  void TearDown() override {
    while (storage_.waiting() > 0) Finish(0);
    session_.reset();
  }

  void Send(const CommandRequest& request, std::uint64_t id) {
    session_->Send(Frame(WithId(request, id)));
  }
  void Finish(std::size_t i) {
    storage_.Finish(i);
    session_->Run();
  }

  std::vector<CommandResponse> Answered() const {
    auto answers = session_->answers();
    answers.erase(answers.begin(), answers.begin() + skipped_);
    return answers;
  }
  // The ids of what was answered, in order.
  std::string Ids() const {
    std::string ids;
    for (const CommandResponse& answer : Answered()) {
      absl::StrAppend(&ids, ids.empty() ? "" : " ", answer.request_id());
    }
    return ids;
  }

  HandStorage storage_;
  std::unique_ptr<SessionHarness> session_;
  int skipped_ = 0;
};

TEST_F(AnyOrderTest, PingIsAnsweredWhileARunExecutes) {
  Connect();
  Send(MakeHget("t", "slow"), 1);
  Send(PingRequest(), 2);
  EXPECT_EQ(Ids(), "2");
  EXPECT_EQ(Answered()[0].ShortDebugString(), "status: 200 request_id: 2");
  Finish(0);
  EXPECT_EQ(Ids(), "2 1");
}

TEST_F(AnyOrderTest, PingInTheSameWriteAsASlowCallDoesNotWaitForIt) {
  Connect();
  session_->Send(Frame(WithId(MakeHget("t", "slow"), 1)) +
                 Frame(WithId(PingRequest(), 2)));
  EXPECT_EQ(Ids(), "2");
}

TEST_F(AnyOrderTest, PingIsAnsweredThoughACallWaitsForAnother) {
  Connect();
  Send(MakeHset("t", "k", 1), 1);
  Send(MakeHset("t", "k", 2), 2);
  Send(PingRequest(), 3);
  EXPECT_EQ(Ids(), "3");
  EXPECT_EQ(storage_.waiting(), 1u);
}

TEST_F(AnyOrderTest, LaterCallsOnOtherKeysAreAnsweredFirst) {
  Connect();
  Send(MakeHget("t", "a"), 1);
  Send(MakeHget("t", "b"), 2);
  Send(MakeHgetall("u"), 3);
  ASSERT_EQ(storage_.waiting(), 3u);
  Finish(2);
  Finish(1);
  Finish(0);
  EXPECT_EQ(Ids(), "3 2 1");
}

TEST_F(AnyOrderTest, CallsOnOneKeyKeepTheirOrder) {
  Connect();
  Send(MakeHset("t", "k", 1), 1);
  Send(MakeHset("t", "k", 2), 2);
  Send(MakeHgetall("t"), 3);
  Send(MakeHget("t", "other"), 4);
  ASSERT_EQ(storage_.waiting(), 1u) << "4 waits for 3, that touches its table";
  Finish(0);
  ASSERT_EQ(storage_.waiting(), 1u);
  Finish(0);
  Finish(0);
  Finish(0);
  EXPECT_EQ(Ids(), "1 2 3 4");
  EXPECT_EQ(Answered()[1].values(0).integer(), 1);
  EXPECT_EQ(Answered()[2].pairs(0).value().integer(), 2);
}

// What has to wait does not hold up what came behind it in the same write.
TEST_F(AnyOrderTest, WriteIsDividedIntoWhatMayStartAndWhatWaits) {
  Connect();
  Send(MakeHset("t", "k", 1), 1);
  session_->Send(Frame(WithId(MakeHget("t", "k"), 2)) +
                 Frame(WithId(MakeHget("t", "x"), 3)) +
                 Frame(WithId(MakeHset("t", "k", 4), 4)) +
                 Frame(WithId(MakeHget("u", "x"), 5)));
  ASSERT_EQ(storage_.waiting(), 2u);
  Finish(1);
  EXPECT_EQ(Ids(), "3 5");
  Finish(0);
  Finish(0);
  EXPECT_EQ(Ids(), "3 5 1 2 4");
}

TEST_F(AnyOrderTest, RequestsWithoutAnIdAreStrictlyOneAfterAnother) {
  Connect();
  Send(MakeHget("t", "a"), 1);
  Send(MakeHget("t", "b"), 0);
  Send(MakeHget("t", "c"), 3);
  Send(PingRequest(), 4);
  EXPECT_EQ(storage_.waiting(), 1u) << "it waits, and is waited for";
  EXPECT_EQ(Ids(), "4");
  Finish(0);
  EXPECT_EQ(storage_.waiting(), 1u);
  Finish(0);
  EXPECT_EQ(storage_.waiting(), 1u);
  Finish(0);
  EXPECT_EQ(Ids(), "4 1 0 3");
}

TEST_F(AnyOrderTest, OlderPeersRequestsAreStrictlyOneAfterAnother) {
  Connect({}, /*hello=*/false);
  // An id means nothing before a Hello.
  Send(MakeHset("t", "a", 1), 1);
  Send(MakeHset("t", "b", 1), 2);
  EXPECT_EQ(storage_.waiting(), 1u);
  Finish(0);
  EXPECT_EQ(Answered().size(), 1u);
  Finish(0);
  EXPECT_EQ(Answered().size(), 2u);
}

TEST_F(AnyOrderTest, HelloBehindOtherRequestsWaitsForThem) {
  Connect({}, /*hello=*/false);
  session_->Send(Frame(MakeHget("t", "a")) +
                 Frame(MakeHello({}, MakeClientId(), "late")));
  EXPECT_EQ(Answered().size(), 0u);
  Finish(0);
  ASSERT_EQ(Answered().size(), 2u);
  EXPECT_EQ(Answered()[0].status(), 404u);
  EXPECT_EQ(Answered()[1].status(), 400u) << "too late";
}

TEST_F(AnyOrderTest, CancelledBeforeItIsStartedItNeverIs) {
  Connect();
  int received = 0;
  int executed = 0;
  int sent = 0;
  // Hooks come before the first request: of another connection.
  auto other = std::make_unique<SessionHarness>(
      ServerLimits(), coffer_testing::MemoryPipeOptions(), &storage_);
  other->service().OnReceived([&](const CommandRequest&) { ++received; });
  other->service().OnExecuted([&](const CommandResponse&) { ++executed; });
  other->service().OnAfterSend([&](const absl::Status&) { ++sent; });
  other->Start();
  other->Send(Frame(MakeHello({}, MakeClientId(), "other")));
  other->Send(Frame(WithId(MakeHset("t", "k", 1), 1)));
  other->Send(Frame(WithId(MakeHset("t", "k", 2), 2)));
  other->Send(Frame(WithId(MakeHset("t", "k", 3), 3)));
  other->Send(Frame(CancelOf(1)) + Frame(CancelOf(2)) + Frame(CancelOf(99)) +
              Frame(CancelOf(0)));
  while (storage_.waiting() > 0) {
    storage_.Finish(0);
    other->Run();
  }
  const auto answers = other->answers();
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(answers[1].request_id(), 1u);
  EXPECT_EQ(answers[1].status(), 200u) << "it had been started";
  EXPECT_EQ(answers[2].request_id(), 2u) << "an answer for each request";
  EXPECT_EQ(answers[2].status(), 499u);
  EXPECT_EQ(answers[2].outcome(), v1::NOT_EXECUTED);
  EXPECT_EQ(answers[3].request_id(), 3u);
  EXPECT_EQ(answers[3].values(0).integer(), 1) << "2 was never executed";
  EXPECT_EQ(received, 3);
  EXPECT_EQ(executed, 3);
  EXPECT_EQ(sent, 3);
}

TEST_F(AnyOrderTest, CancelInTheSameWriteKeepsTheRequestFromBeingExecuted) {
  Connect();
  storage_.set_inline(true);
  session_->Send(Frame(WithId(MakeHset("t", "k", 1), 1)) + Frame(CancelOf(1)) +
                 Frame(WithId(MakeHget("t", "k"), 2)));
  EXPECT_EQ(Ids(), "1 2");
  EXPECT_EQ(Answered()[0].status(), 499u);
  EXPECT_EQ(Answered()[1].status(), 404u);
}

TEST_F(AnyOrderTest, RunsInFlightAreBounded) {
  ServerLimits limits;
  limits.runs_in_flight_max = 3;
  Connect(limits);
  for (int i = 1; i <= 6; ++i) Send(MakeHget("t", absl::StrCat(i)), i);
  EXPECT_EQ(storage_.waiting(), 3u);
  EXPECT_EQ(session_->progress().phase, SessionProgress::Phase::kExecuting);
  Finish(1);
  EXPECT_GE(storage_.waiting(), 3u) << "there is room for those that wait";
  while (storage_.waiting() > 0) Finish(0);
  EXPECT_EQ(Answered().size(), 6u);
}

TEST_F(AnyOrderTest, PublishComesAfterTheWritesBeforeIt) {
  Connect();
  Send(OpenSubscriptionTo("t", 10), 1);
  Send(MakeHset("t", "k", 1), 2);
  Send(PublishTo("t", 7), 3);
  Send(MakeHget("u", "x"), 4);
  Finish(1);
  EXPECT_EQ(Ids(), "1 4") << "nothing is published yet";
  Finish(0);
  EXPECT_EQ(Ids(), "1 4 2 3 0") << "its event carries no id";
}

TEST_F(AnyOrderTest, PhaseIsExecutingOnlyWhileNoFrameIsHalf) {
  Connect();
  using Phase = SessionProgress::Phase;
  EXPECT_EQ(session_->progress().phase, Phase::kReceiving);
  Send(MakeHget("t", "a"), 1);
  EXPECT_EQ(session_->progress().phase, Phase::kExecuting);
  const std::string frame = Frame(MakeHget("t", "b"));
  session_->Send(frame.substr(0, 5));
  EXPECT_EQ(session_->progress().phase, Phase::kReceiving) << "the peer's time";
  session_->Send(frame.substr(5));
  EXPECT_EQ(session_->progress().phase, Phase::kExecuting);
}

TEST_F(AnyOrderTest, EndOfInputWaitsForWhatExecutes) {
  Connect();
  Send(MakeHget("t", "a"), 1);
  Send(MakeHget("t", "b"), 2);
  session_->EndSending();
  EXPECT_FALSE(session_->status().has_value());
  Finish(1);
  Finish(0);
  EXPECT_EQ(Ids(), "2 1");
  EXPECT_EQ(session_->status(), absl::OkStatus());
}

TEST_F(AnyOrderTest, DrainWaitsForWhatExecutes) {
  Connect();
  Send(MakeHset("t", "a", 1), 1);
  Send(MakeHset("t", "a", 2), 2);
  session_->Drain();
  session_->Run();
  EXPECT_FALSE(session_->status().has_value());
  Finish(0);
  Finish(0);
  EXPECT_EQ(Ids(), "1 2");
  EXPECT_TRUE(session_->ended());
}

TEST_F(AnyOrderTest, PeerThatIsGoneIsLeftWhenTheStorageIsDone) {
  Connect();
  Send(MakeHset("t", "a", 1), 1);
  Send(MakeHset("t", "b", 1), 2);
  Send(MakeHset("t", "a", 2), 3);
  session_->client().reset();
  session_->Run();
  while (storage_.waiting() > 0) Finish(0);
  EXPECT_TRUE(session_->status().has_value());
}

// Random requests on few keys, finished in random order: each key's previous
// values tell the order in which its writes took effect.
TEST_F(AnyOrderTest, PerKeyOrderHoldsUnderRandomSchedules) {
  for (int seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    Connect();
    std::map<std::uint64_t, int> key_of;
    std::map<int, std::vector<std::uint64_t>> sent;
    std::uint64_t id = 0;
    const std::string table = absl::StrCat("t", seed);
    while (id < 60 || storage_.waiting() > 0) {
      if (id < 60 && random() % 2 == 0) {
        std::string bytes;
        for (int n = static_cast<int>(random() % 3); n >= 0; --n) {
          const int key = static_cast<int>(random() % 4);
          key_of[++id] = key;
          sent[key].push_back(id);
          const bool strict = random() % 16 == 0;
          bytes += Frame(WithId(
              MakeHset(table, absl::StrCat(key), static_cast<int64_t>(id)),
              strict ? 0 : id));
        }
        session_->Send(bytes);
      } else if (storage_.waiting() > 0) {
        Finish(random() % storage_.waiting());
      }
    }
    // The chain of each key, from the last value back.
    std::map<std::int64_t, int> seen;
    for (const CommandResponse& answer : Answered()) {
      ASSERT_EQ(answer.status(), 200u);
      ++seen[answer.values(0).integer()];
    }
    ASSERT_EQ(Answered().size(), id) << seed;
    for (const auto& [key, ids] : sent) {
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        EXPECT_EQ(seen[static_cast<std::int64_t>(ids[i])], 1)
            << "seed " << seed << ": " << ids[i] << " was overtaken";
      }
      EXPECT_EQ(seen[static_cast<std::int64_t>(ids.back())], 0);
    }
    for (const CommandResponse& answer : Answered()) {
      if (answer.request_id() == 0) continue;
      const auto& ids = sent[key_of[answer.request_id()]];
      const auto own = std::find(ids.begin(), ids.end(), answer.request_id());
      const std::int64_t before =
          own == ids.begin() ? 0 : static_cast<std::int64_t>(*(own - 1));
      EXPECT_EQ(answer.values(0).integer(), before) << "seed " << seed;
    }
    session_.reset();
  }
}

}  // namespace
}  // namespace coffer::server
