#include "coffer/server/service/retry/retry_windows.h"

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace coffer::server {
namespace {

v1::CommandResponse Done(std::int64_t previous) {
  v1::CommandResponse response;
  response.set_status(200);
  response.add_values()->set_integer(previous);
  return response;
}

v1::CommandResponse Failed(v1::Outcome outcome) {
  v1::CommandResponse response;
  response.set_status(503);
  response.set_message("no");
  response.set_outcome(outcome);
  return response;
}

v1::CommandResponse Parsed(const EarlierAnswer& earlier) {
  v1::CommandResponse response;
  EXPECT_TRUE(response.ParseFromString(earlier.response));
  return response;
}

class RetryWindowsTest : public ::testing::Test {
 protected:
  RetryWindowsTest() { run_.Begin(); }

  RetryVerdict Begin(RetrySession& session, std::uint64_t id,
                     std::uint32_t attempt) {
    return session.Begin(id, attempt, &run_, &earlier_);
  }

  // A write that is executed and answered.
  void Write(RetrySession& session, std::uint64_t id,
             std::uint32_t attempt = 0) {
    ASSERT_EQ(Begin(session, id, attempt), RetryVerdict::kExecute) << id;
    session.Finish(id, Done(id));
  }

  RetryWindows windows_;
  RunCompletion run_;
  std::unique_ptr<EarlierAnswer> earlier_;
};

TEST_F(RetryWindowsTest, AnsweredWriteIsAnsweredAgainNotExecuted) {
  RetrySession session = windows_.Open("client", 1);
  Write(session, 1);
  for (const std::uint32_t attempt : {1, 2, 0}) {
    EXPECT_EQ(Begin(session, 1, attempt), RetryVerdict::kAnswered);
    EXPECT_TRUE(earlier_->there);
    EXPECT_EQ(Parsed(*earlier_).values(0).integer(), 1);
  }
}

TEST_F(RetryWindowsTest, EveryConnectionOfAClientKnowsItsWritesNoOtherClient) {
  RetrySession first = windows_.Open("client", 1);
  RetrySession second = windows_.Open("client", 2);
  RetrySession other = windows_.Open("other", 1);
  Write(first, 1);
  EXPECT_EQ(Begin(second, 1, 1), RetryVerdict::kAnswered);
  EXPECT_EQ(Begin(other, 1, 1), RetryVerdict::kExecute);
  other.Finish(1, Done(0));
  EXPECT_EQ(windows_.clients(), 2u);
}

TEST_F(RetryWindowsTest, RecordOutlivesItsConnections) {
  {
    RetrySession session = windows_.Open("client", 1);
    Write(session, 1);
  }
  RetrySession session = windows_.Open("client", 2);
  EXPECT_EQ(Begin(session, 1, 1), RetryVerdict::kAnswered);
}

TEST_F(RetryWindowsTest, RetryThatArrivesFirstIsExecutedAndTheLateOneIsNot) {
  RetrySession session = windows_.Open("client", 1);
  Write(session, 1, 1);
  EXPECT_EQ(Begin(session, 1, 0), RetryVerdict::kAnswered);
}

TEST_F(RetryWindowsTest, WhatWasSentBeforeTheMemoryBeganIsRefused) {
  RetrySession session = windows_.Open("client", 10);
  EXPECT_EQ(Begin(session, 9, 1), RetryVerdict::kRefused);
  Write(session, 10, 1);
  // A first attempt is one, whatever its number.
  Write(session, 3, 0);
}

TEST_F(RetryWindowsTest, ClientThatSaysNothingOfItsIdsGetsNoRetryExecuted) {
  RetrySession session = windows_.Open("client", 0);
  EXPECT_EQ(Begin(session, ~std::uint64_t{0}, 1), RetryVerdict::kRefused);
  Write(session, 1, 0);
  EXPECT_EQ(Begin(session, 1, 1), RetryVerdict::kAnswered);
}

TEST_F(RetryWindowsTest, LaterHelloDoesNotChangeWhatIsKnown) {
  RetrySession first = windows_.Open("client", 1);
  RetrySession second = windows_.Open("client", 100);
  Write(second, 50, 1);
}

TEST_F(RetryWindowsTest, EvictedWriteIsRefused) {
  RetryWindows windows({.answers_per_client_max = 2});
  RetrySession session = windows.Open("client", 1);
  for (std::uint64_t id = 1; id <= 3; ++id) Write(session, id);
  EXPECT_EQ(Begin(session, 1, 1), RetryVerdict::kRefused);
  EXPECT_EQ(Begin(session, 2, 1), RetryVerdict::kAnswered);
}

// The first attempt was on its way over another connection while the retry was
// executed and forgotten.
TEST_F(RetryWindowsTest, FirstAttemptAfterItsRetryWasForgottenIsRefused) {
  RetryWindows windows({.answers_per_client_max = 2});
  RetrySession session = windows.Open("client", 1);
  Write(session, 1, 1);
  Write(session, 4, 0);
  Write(session, 5, 0);
  EXPECT_EQ(Begin(session, 1, 0), RetryVerdict::kRefused);
  Write(session, 3, 0);  // another one that is late, of no retry
  EXPECT_EQ(Begin(session, 2, 1), RetryVerdict::kRefused)
      << "4 was forgotten: nobody knows of 2";
}

TEST_F(RetryWindowsTest, WriteThatWasNotExecutedMayBeExecuted) {
  RetrySession session = windows_.Open("client", 1);
  ASSERT_EQ(Begin(session, 1, 0), RetryVerdict::kExecute);
  session.Finish(1, Failed(v1::NOT_EXECUTED));
  ASSERT_EQ(Begin(session, 1, 1), RetryVerdict::kExecute);
  session.Finish(1, Failed(v1::UNKNOWN));
  ASSERT_EQ(Begin(session, 1, 2), RetryVerdict::kAnswered);
  EXPECT_EQ(Parsed(*earlier_).outcome(), v1::UNKNOWN);
  EXPECT_EQ(Parsed(*earlier_).status(), 503u);
}

TEST_F(RetryWindowsTest, RetryOfARunningWriteJoinsIt) {
  RetrySession session = windows_.Open("client", 1);
  ASSERT_EQ(Begin(session, 1, 0), RetryVerdict::kExecute);
  RunCompletion others[2];
  std::unique_ptr<EarlierAnswer> answers[2];
  int told = 0;
  for (int i = 0; i < 2; ++i) {
    others[i].Begin();
    EXPECT_EQ(session.Begin(1, 1, &others[i], &answers[i]),
              RetryVerdict::kJoined);
    EXPECT_FALSE(others[i].End([&told] { ++told; }));
  }
  EXPECT_EQ(told, 0);
  session.Finish(1, Done(5));
  EXPECT_EQ(told, 2);
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer->there);
    EXPECT_EQ(Parsed(*answer).values(0).integer(), 5);
  }
}

TEST_F(RetryWindowsTest, WhatHasJoinedGetsTheAnswerOfAWriteNotExecutedToo) {
  RetrySession session = windows_.Open("client", 1);
  ASSERT_EQ(Begin(session, 1, 0), RetryVerdict::kExecute);
  RunCompletion other;
  other.Begin();
  EXPECT_EQ(session.Begin(1, 1, &other, &earlier_), RetryVerdict::kJoined);
  session.Finish(1, Failed(v1::NOT_EXECUTED));
  EXPECT_TRUE(other.End([] { FAIL(); }));
  EXPECT_EQ(Parsed(*earlier_).outcome(), v1::NOT_EXECUTED);
}

TEST_F(RetryWindowsTest, RunDoesNotWaitForItself) {
  RetrySession session = windows_.Open("client", 1);
  ASSERT_EQ(Begin(session, 1, 0), RetryVerdict::kExecute);
  EXPECT_EQ(Begin(session, 1, 1), RetryVerdict::kJoined);
  EXPECT_TRUE(run_.End([] { FAIL(); }));
  EXPECT_FALSE(earlier_->there);
  session.Finish(1, Done(5));
  EXPECT_TRUE(earlier_->there);
}

TEST_F(RetryWindowsTest, AbandonedWriteIsNotKnown) {
  RetrySession session = windows_.Open("client", 1);
  ASSERT_EQ(Begin(session, 1, 0), RetryVerdict::kExecute);
  session.Abandon(1);
  ASSERT_EQ(Begin(session, 1, 1), RetryVerdict::kAnswered);
  EXPECT_EQ(Parsed(*earlier_).outcome(), v1::UNKNOWN);
  EXPECT_EQ(Parsed(*earlier_).status(), 500u);
}

TEST_F(RetryWindowsTest, RunThatGoesLeavesWhatItHasJoined) {
  RetrySession session = windows_.Open("client", 1);
  ASSERT_EQ(Begin(session, 1, 0), RetryVerdict::kExecute);
  RunCompletion others[3];
  std::unique_ptr<EarlierAnswer> answers[3];
  for (int i = 0; i < 3; ++i) {
    others[i].Begin();
    ASSERT_EQ(session.Begin(1, 1, &others[i], &answers[i]),
              RetryVerdict::kJoined);
  }
  session.Leave(1, answers[1].get());
  answers[1].reset();
  session.Finish(1, Done(5));
  EXPECT_TRUE(answers[0]->there);
  EXPECT_TRUE(answers[2]->there);
  session.Leave(1, answers[0].get());  // too late to change anything
}

TEST_F(RetryWindowsTest, LargeAnswerIsRememberedAsDone) {
  RetryWindows windows({.answer_bytes_max = 100});
  RetrySession session = windows.Open("client", 1);
  v1::CommandResponse large = Done(1);
  large.add_values()->set_string(std::string(100, 'x'));
  ASSERT_EQ(Begin(session, 1, 0), RetryVerdict::kExecute);
  session.Finish(1, large);
  ASSERT_EQ(Begin(session, 1, 1), RetryVerdict::kAnswered);
  EXPECT_EQ(Parsed(*earlier_).status(), 200u);
  EXPECT_EQ(Parsed(*earlier_).values_size(), 0);
  EXPECT_NE(Parsed(*earlier_).message(), "");

  v1::CommandResponse failed = Failed(v1::UNKNOWN);
  failed.set_message(std::string(100, 'x'));
  ASSERT_EQ(Begin(session, 2, 0), RetryVerdict::kExecute);
  session.Finish(2, failed);
  ASSERT_EQ(Begin(session, 2, 1), RetryVerdict::kAnswered);
  EXPECT_EQ(Parsed(*earlier_).status(), 503u);
  EXPECT_EQ(Parsed(*earlier_).outcome(), v1::UNKNOWN);
  EXPECT_LT(Parsed(*earlier_).message().size(), 100u);
}

TEST_F(RetryWindowsTest, ClientThatLeftLongestAgoIsForgottenFirst) {
  RetryWindows windows({.clients_max = 3});
  RetrySession stays = windows.Open("stays", 1);
  Write(stays, 1);
  for (const char* client : {"a", "b"}) {
    RetrySession session = windows.Open(client, 1);
    Write(session, 1);
  }
  { RetrySession again = windows.Open("a", 2); }  // b has left before
  RetrySession c = windows.Open("c", 1);
  EXPECT_EQ(windows.clients(), 3u);
  RetrySession a = windows.Open("a", 2);
  EXPECT_EQ(Begin(a, 1, 1), RetryVerdict::kAnswered);
  RetrySession b = windows.Open("b", 2);
  EXPECT_EQ(Begin(b, 1, 1), RetryVerdict::kRefused);
  EXPECT_EQ(windows.clients(), 4u) << "those with a connection never go";
  EXPECT_EQ(Begin(stays, 1, 1), RetryVerdict::kAnswered);
}

TEST_F(RetryWindowsTest, MemoryIsCountedAndGivenBack) {
  RetryWindows windows({.clients_max = 1});
  EXPECT_EQ(windows.bytes(), 0u);
  {
    RetrySession session = windows.Open("client", 1);
    Write(session, 1);
    EXPECT_GT(windows.bytes(), 0u);
  }
  RetrySession other = windows.Open("other", 1);
  EXPECT_EQ(windows.bytes(), 0u);
}

TEST_F(RetryWindowsTest, MemoryStaysWithinItsLimitAndEveryClientKeepsSome) {
  constexpr std::size_t kBytesMax = 200000;
  RetryWindows windows({.bytes_max = kBytesMax});
  {
    RetrySession idle = windows.Open("idle", 1);
    Write(idle, 1);
  }
  RetrySession small = windows.Open("small", 1);
  for (std::uint64_t id = 1; id <= 20; ++id) Write(small, id);
  RetrySession hogs[3];
  v1::CommandResponse answer = Done(1);
  answer.mutable_values(0)->set_string(std::string(500, 'x'));
  for (auto& hog : hogs) hog = windows.Open(std::to_string(&hog - hogs), 1);
  for (std::uint64_t id = 1; id <= 1000; ++id) {
    for (auto& hog : hogs) {
      ASSERT_EQ(Begin(hog, id, 0), RetryVerdict::kExecute);
      hog.Finish(id, answer);
      ASSERT_LE(windows.bytes(), kBytesMax);
    }
  }
  EXPECT_EQ(windows.clients(), 4u) << "the idle one went";
  Write(small, 21);
  EXPECT_EQ(Begin(small, 21, 1), RetryVerdict::kAnswered);
  for (auto& hog : hogs) {
    EXPECT_EQ(Begin(hog, 1000, 1), RetryVerdict::kAnswered);
    EXPECT_EQ(Begin(hog, 1, 1), RetryVerdict::kRefused);
  }
}

// Each id is sent by every thread, as first and as later attempts: one of them
// executes it, and all get its answer.
TEST(RetryWindowsThreads, EachWriteIsExecutedOnceWhoeverComesFirst) {
  constexpr int kThreads = 4;
  constexpr std::uint64_t kWrites = 1000;
  RetryWindows windows;
  std::atomic<std::uint64_t> executed{0};
  std::atomic<std::uint64_t> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t id = 1; id <= kWrites; ++id) {
        RetrySession session = windows.Open("client", 1);
        RunCompletion run;
        run.Begin();
        std::unique_ptr<EarlierAnswer> earlier;
        auto done = std::make_shared<std::promise<void>>();
        switch (session.Begin(id, t, &run, &earlier)) {
          case RetryVerdict::kExecute:
            ++executed;
            session.Finish(id, Done(id));
            break;
          case RetryVerdict::kJoined:
            if (!run.End([done] { done->set_value(); })) {
              done->get_future().wait();
            }
            [[fallthrough]];
          case RetryVerdict::kAnswered:
            if (Parsed(*earlier).values(0).integer() ==
                static_cast<std::int64_t>(id)) {
              ++answered;
            }
            break;
          case RetryVerdict::kRefused:
            ADD_FAILURE() << id;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(executed, kWrites);
  EXPECT_EQ(answered, kWrites * (kThreads - 1));
}

// Clients come and go while memory is short.
TEST(RetryWindowsThreads, TrimmingDisturbsNobody) {
  RetryWindows windows({.clients_max = 5, .bytes_max = 50000});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&windows, t] {
      v1::CommandResponse answer = Done(1);
      answer.mutable_values(0)->set_string(std::string(700, 'x'));
      for (int round = 0; round < 50; ++round) {
        RetrySession session =
            windows.Open(std::to_string(t) + "/" + std::to_string(round % 7),
                         round * 100 + 1);
        RunCompletion run;
        run.Begin();
        std::unique_ptr<EarlierAnswer> earlier;
        for (std::uint64_t id = round * 100 + 1; id < round * 100 + 50u; ++id) {
          ASSERT_EQ(session.Begin(id, 0, &run, &earlier),
                    RetryVerdict::kExecute);
          session.Finish(id, answer);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(windows.bytes(), 50000u);
  EXPECT_LE(windows.clients(), 8u);
}

}  // namespace
}  // namespace coffer::server
