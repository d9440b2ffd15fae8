// Writes that come again: executed once, whatever the run, the connection and
// the engine. A write is told apart from its double by the previous value that
// HSET answers.

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/sdk/clock.h"
#include "coffer/server/service/retry/earlier_answer.h"
#include "coffer/server/service/service.h"
#include "coffer/server/service/service_tester.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/storage/deferred_storage.h"
#include "coffer/testing/sweep/allocation_budget.h"
#include "coffer/v1/kv.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using coffer_testing::AllocationBudget;
using coffer_testing::DeferredStorage;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

v1::CommandRequest Hset(std::uint64_t id, std::uint32_t attempt,
                        std::int64_t value) {
  v1::CommandRequest request = Request(absl::StrCat(
      "hset { table: 't' pair { key: 'k' value { integer: ", value, " } } }"));
  request.set_request_id(id);
  request.set_attempt(attempt);
  return request;
}

// One connection of a client: its hold on the record, and one run at a time.
class Session {
 public:
  Session(Service* service, absl::string_view client,
          std::uint64_t next_request_id = 1)
      : service_(*service),
        retries_(service->state().retries.Open(client, next_request_id)) {
    run_.set_retries(&retries_);
  }

  // True: finished at once.
  bool Execute(const std::vector<v1::CommandRequest>& requests) {
    run_.Clear();
    for (const auto& request : requests) run_.AddRequest() = request;
    done_ = std::promise<void>();
    return service_.Execute(run_, [this] { done_.set_value(); });
  }

  std::vector<v1::CommandResponse> Answers() {
    std::vector<v1::CommandResponse> answers(run_.size());
    for (size_t i = 0; i < answers.size(); ++i) {
      service_.Answer(run_, i, 1 << 20, &answers[i]);
    }
    return answers;
  }

  std::vector<v1::CommandResponse> AskAll(
      const std::vector<v1::CommandRequest>& requests) {
    if (!Execute(requests)) done_.get_future().wait();
    return Answers();
  }
  v1::CommandResponse Ask(const v1::CommandRequest& request) {
    return AskAll({request})[0];
  }

  // For a run that Execute left.
  void Wait() { done_.get_future().wait(); }
  std::vector<v1::CommandResponse> Await() {
    Wait();
    return Answers();
  }

  ServiceRun& run() { return run_; }

 private:
  Service& service_;
  RetrySession retries_;
  ServiceRun run_;
  std::promise<void> done_;
};

void ExpectPrevious(const v1::CommandResponse& response,
                    std::int64_t previous) {
  EXPECT_EQ(response.status(), 200u) << response.message();
  ASSERT_EQ(response.values_size(), 1);
  EXPECT_EQ(response.values(0).integer(), previous);
}

void ExpectNotKnown(const v1::CommandResponse& response) {
  EXPECT_EQ(response.status(), 500u);
  EXPECT_EQ(response.outcome(), v1::UNKNOWN);
  EXPECT_EQ(response.message(), kOutcomeIsNotKnown);
}

class ServiceRetryTest : public ::testing::Test {
 protected:
  std::int64_t Stored() {
    return ServiceTester(&memory_)
        .Ask("hget { table: 't' key: 'k' }")
        .values(0)
        .integer();
  }

  MemoryStorage memory_;
  Service service_{&memory_};
};

TEST_F(ServiceRetryTest, RetryGetsTheAnswerAgainAndIsNotExecuted) {
  Session first(&service_, "client");
  Session second(&service_, "client");
  first.Ask(Hset(1, 0, 1));
  ExpectPrevious(first.Ask(Hset(2, 0, 2)), 1);
  ExpectPrevious(second.Ask(Hset(3, 0, 3)), 2);
  ExpectPrevious(second.Ask(Hset(2, 1, 2)), 1);
  ExpectPrevious(first.Ask(Hset(2, 2, 2)), 1);
  EXPECT_EQ(Stored(), 3);
}

TEST_F(ServiceRetryTest, EveryWriteIsRememberedAndNoRead) {
  const char* const writes[] = {
      "hset { table: 't' pair { key: 'k' value { integer: 7 } } }",
      "hmset { table: 't' pairs { key: 'k' value { integer: 8 } } }",
      "hdel { table: 't' key: 'k' }", "hmdel { table: 't' keys: 'k' }"};
  Session session(&service_, "client");
  std::uint64_t id = 0;
  for (const char* text : writes) {
    v1::CommandRequest request = Request(text);
    request.set_request_id(++id);
    session.Ask(Hset(100 + id, 0, 5));
    ExpectPrevious(session.Ask(request), 5);
    request.set_attempt(1);
    ExpectPrevious(session.Ask(request), 5);
  }
  for (std::uint32_t attempt : {0, 1}) {
    v1::CommandRequest read = Request("hexist { table: 't' key: 'k' }");
    read.set_request_id(50);
    read.set_attempt(attempt);
    session.Ask(Hset(200 + attempt, 0, 5));
    EXPECT_TRUE(session.Ask(read).values(0).bool_());
    session.Ask(Request("hdel { table: 't' key: 'k' }"));
    EXPECT_FALSE(session.Ask(read).values(0).bool_());
  }
}

TEST_F(ServiceRetryTest, RequestsWithoutAnIdAndOlderPeersAreExecutedEachTime) {
  Session session(&service_, "client");
  for (int i = 0; i < 3; ++i) session.Ask(Hset(0, 1, i));
  ExpectPrevious(session.Ask(Hset(0, 1, 9)), 2);
  ServiceTester older(&memory_);
  older.Ask(Hset(7, 0, 20));
  ExpectPrevious(older.Ask(Hset(7, 0, 21)), 20);
}

TEST_F(ServiceRetryTest, RefusedWriteIsExecutedByItsRetry) {
  bool refuse = true;
  service_.SetAdmission([&refuse](const v1::CommandRequest&) {
    return refuse ? absl::UnavailableError("busy") : absl::OkStatus();
  });
  Session session(&service_, "client");
  EXPECT_EQ(session.Ask(Hset(1, 0, 1)).outcome(), v1::NOT_EXECUTED);
  refuse = false;
  EXPECT_EQ(session.Ask(Hset(1, 1, 1)).status(), 200u);
  EXPECT_EQ(Stored(), 1);

  v1::CommandRequest malformed = Request("hset { table: 't' }");
  malformed.set_request_id(2);
  EXPECT_EQ(session.Ask(malformed).status(), 400u);
  ExpectPrevious(session.Ask(Hset(2, 1, 2)), 1);
}

TEST_F(ServiceRetryTest, WhatAnotherProcessMayHaveExecutedIsRefused) {
  Session session(&service_, "client", 10);
  ExpectNotKnown(session.Ask(Hset(9, 1, 1)));
  EXPECT_EQ(memory_.counts().keys, 0u);
  EXPECT_EQ(session.Ask(Hset(10, 1, 1)).status(), 200u);
}

// PUBLISH acts when it is answered, or before, when a session has to wait.
TEST_F(ServiceRetryTest, EventIsPublishedOnce) {
  Session session(&service_, "client");
  v1::CommandRequest publish = Request("publish { topic: 'x' data {} }");
  publish.set_request_id(1);
  EXPECT_EQ(session.Ask(publish).status(), 200u);
  publish.set_attempt(1);
  EXPECT_EQ(session.Ask(publish).status(), 200u);
  EXPECT_EQ(service_.state().topics.counts().published, 1u);
  publish.set_request_id(2);
  ASSERT_TRUE(session.Execute({publish, Request("hexist {}")}));
  service_.KeepAnswers(session.run());
  EXPECT_EQ(service_.state().topics.counts().published, 2u);
  EXPECT_EQ(session.Answers()[0].status(), 200u);
  EXPECT_EQ(service_.state().topics.counts().published, 2u);
}

TEST_F(ServiceRetryTest, BothAttemptsInOneRunAreExecutedOnce) {
  Session session(&service_, "client");
  session.Ask(Hset(1, 0, 1));
  const auto answers = session.AskAll(
      {Hset(2, 0, 2), Hset(2, 1, 2), Hset(3, 0, 3), Hset(2, 2, 2)});
  ExpectPrevious(answers[0], 1);
  ExpectPrevious(answers[1], 1);
  ExpectPrevious(answers[2], 2);
  ExpectPrevious(answers[3], 1);
}

TEST_F(ServiceRetryTest, AnswerOverTheLimitOfTheSecondConnectionIs413) {
  Session session(&service_, "client");
  v1::CommandRequest hset = Request("hset { table: 't' pair { key: 'k' } }");
  hset.mutable_hset()->mutable_pair()->mutable_value()->set_string(
      std::string(2000, 'x'));
  session.Ask(hset);
  session.Ask(Hset(1, 0, 1));
  ASSERT_TRUE(session.Execute({Hset(1, 1, 1)}));
  v1::CommandResponse response;
  service_.Answer(session.run(), 0, 1000, &response);
  EXPECT_EQ(response.status(), 413u);
  EXPECT_EQ(response.outcome(), v1::UNKNOWN);
  EXPECT_THAT(response.message(), HasSubstr("the write was done"));
  ASSERT_TRUE(session.Execute({Hset(1, 1, 1)}));
  service_.Answer(session.run(), 0, 3000, &response);
  EXPECT_EQ(response.values(0).string().size(), 2000u);
}

TEST_F(ServiceRetryTest, RunThatIsClearedUnansweredLeavesItsWritesUnknown) {
  Session session(&service_, "client");
  ASSERT_TRUE(session.Execute({Hset(1, 0, 1), Hset(2, 0, 2)}));
  session.run().Clear();
  ExpectNotKnown(session.Ask(Hset(1, 1, 5)));
  EXPECT_EQ(Stored(), 2);
}

// A write through a window of steady size costs what it costs without one.
TEST_F(ServiceRetryTest, MemoryOfWritesCostsNoAllocation) {
  Session session(&service_, "client");
  ServiceRun& run = session.run();
  v1::CommandRequest request = Hset(1, 0, 7);
  request.mutable_hset()->mutable_pair()->mutable_value()->set_string(
      std::string(64, 'v'));
  v1::CommandResponse response;
  std::uint64_t id = 0;
  auto write = [&] {
    run.Clear();
    v1::CommandRequest& added = run.AddRequest();
    added = request;
    added.set_request_id(++id);
    ASSERT_TRUE(service_.Execute(run, nullptr));
    service_.Answer(run, 0, 1000, &response);
    ASSERT_EQ(response.status(), 200u);
  };
  auto allocations_of_100 = [&write] {
    AllocationBudget budget{100000};
    for (int i = 0; i < 100; ++i) write();
    budget.End();
    return budget.allocations();
  };
  while (id < 3000) write();  // the window is full
  const uint64_t with = allocations_of_100();
  run.Clear();
  run.set_retries(nullptr);
  const uint64_t without = allocations_of_100();
  EXPECT_EQ(with, without);
  EXPECT_GE(without, 100u) << "the engine allocates the new value";
}

class DeadlineTest : public ServiceRetryTest {
 protected:
  // Executes HSET with a deadline of 50 ms, so long after it was decoded.
  v1::CommandResponse AskAfter(Session& session, milliseconds later,
                               std::uint64_t id, std::uint32_t attempt) {
    ServiceRun& run = session.run();
    run.Clear();
    v1::CommandRequest& request = run.AddRequest();
    request = Hset(id, attempt, 1);
    request.set_deadline_ms(50);
    const Clock::TimePoint decoded{std::chrono::hours(1)};
    run.SetDecoded(decoded);
    EXPECT_TRUE(run.has_deadlines());
    run.set_start(decoded + later);
    EXPECT_TRUE(service_.Execute(run, [] { FAIL(); }));
    v1::CommandResponse response;
    service_.Answer(run, 0, 1000, &response);
    return response;
  }
};

TEST_F(DeadlineTest, WorkThatIsTooLateIsNotStarted) {
  Session session(&service_, "client");
  const v1::CommandResponse late = AskAfter(session, milliseconds(50), 1, 0);
  EXPECT_EQ(late.status(), 408u);
  EXPECT_EQ(late.outcome(), v1::NOT_EXECUTED);
  EXPECT_EQ(late.message(), "not started within its deadline of 50 ms");
  EXPECT_EQ(memory_.counts().keys, 0u);
  EXPECT_EQ(AskAfter(session, milliseconds(49), 2, 0).status(), 200u);
  EXPECT_EQ(memory_.counts().keys, 1u);
}

TEST_F(DeadlineTest, WhatWasTooLateIsExecutedByItsRetry) {
  Session session(&service_, "client");
  EXPECT_EQ(AskAfter(session, milliseconds(90), 1, 0).status(), 408u);
  EXPECT_EQ(AskAfter(session, milliseconds(1), 1, 1).status(), 200u);
  // The answer is there: nothing has to be started.
  EXPECT_EQ(AskAfter(session, milliseconds(90), 1, 2).status(), 200u);
}

TEST_F(DeadlineTest, RequestsOfTheRunHaveEachTheirOwn) {
  Session session(&service_, "client");
  ServiceRun& run = session.run();
  const Clock::TimePoint decoded{std::chrono::hours(1)};
  for (const std::uint64_t deadline_ms :
       {std::uint64_t{0}, std::uint64_t{10}, std::uint64_t{1000},
        ~std::uint64_t{0}, ~std::uint64_t{0} / 2,
        ~std::uint64_t{0} / 1000000}) {
    v1::CommandRequest& request = run.AddRequest();
    request = Request("hget {}");
    request.set_deadline_ms(deadline_ms);
    run.SetDecoded(decoded);
  }
  run.set_start(decoded + milliseconds(999));
  ASSERT_TRUE(service_.Execute(run, [] { FAIL(); }));
  for (size_t i = 0; i < run.size(); ++i) {
    v1::CommandResponse response;
    service_.Answer(run, i, 1000, &response);
    EXPECT_EQ(response.status(), i == 1 ? 408u : 404u) << i;
  }
  run.Clear();
  EXPECT_FALSE(run.has_deadlines());
  run.AddRequest() = Request("hget {}");
  run.SetDecoded(decoded);
  EXPECT_FALSE(run.has_deadlines()) << "nobody needs the time";
}

class JoinTest : public ::testing::Test {
 protected:
  DeferredStorage storage_{std::make_unique<MemoryStorage>()};
  Service service_{&storage_};
};

TEST_F(JoinTest, RetryOfARunningWriteIsAnsweredWithIt) {
  Session first(&service_, "client");
  Session second(&service_, "client");
  first.Ask(Hset(1, 0, 1));
  storage_.Hold();
  EXPECT_FALSE(first.Execute({Hset(2, 0, 2)}));
  // Beside the retry a request of its own, which is executed meanwhile.
  EXPECT_FALSE(second.Execute({Hset(2, 1, 2), Request("hexist { table: 't' "
                                                      "key: 'k' }")}));
  EXPECT_EQ(storage_.waiting(), 2u);
  storage_.Release();
  ExpectPrevious(first.Await()[0], 1);
  const auto joined = second.Await();
  ExpectPrevious(joined[0], 1);
  EXPECT_TRUE(joined[1].values(0).bool_());
}

TEST_F(JoinTest, RetryAloneWaitsWithoutTheStorage) {
  Session first(&service_, "client");
  Session second(&service_, "client");
  storage_.Hold();
  EXPECT_FALSE(first.Execute({Hset(1, 0, 1)}));
  EXPECT_FALSE(second.Execute({Hset(1, 1, 1)}));
  EXPECT_EQ(storage_.waiting(), 1u);
  storage_.Release();
  EXPECT_EQ(first.Await()[0].status(), 200u);
  EXPECT_EQ(second.Await()[0].status(), 200u);
}

TEST_F(JoinTest, RunsThatJoinEachOtherBothEnd) {
  Session first(&service_, "client");
  Session second(&service_, "client");
  storage_.Hold();
  EXPECT_FALSE(first.Execute({Hset(1, 0, 1), Hset(9, 0, 9)}));
  EXPECT_FALSE(second.Execute({Hset(2, 0, 2), Hset(1, 1, 1)}));
  Session third(&service_, "client");
  EXPECT_FALSE(third.Execute({Hset(3, 0, 3), Hset(2, 1, 2)}));
  Session fourth(&service_, "client");
  EXPECT_FALSE(fourth.Execute({Hset(3, 1, 3)}));
  storage_.Release();
  ExpectPrevious(third.Await()[1], 9);
  EXPECT_EQ(first.Await()[0].status(), 200u);
  ExpectPrevious(second.Await()[0], 9);
  ExpectPrevious(fourth.Await()[0], 2);
}

// Each run begins one write and joins the other one's, as when both are sent
// at the same time on two threads.
TEST_F(JoinTest, CircleOfTwoRunsEnds) {
  std::optional<Session> second;
  bool executing = false;
  service_.SetAdmission([&](const v1::CommandRequest& request) {
    if (request.request_id() == 2 && !executing) {
      executing = true;
      EXPECT_FALSE(second->Execute({Hset(2, 0, 2), Hset(1, 1, 1)}));
    }
    return absl::OkStatus();
  });
  second.emplace(&service_, "client");
  Session first(&service_, "client");
  storage_.Hold();
  EXPECT_FALSE(first.Execute({Hset(1, 0, 1), Hset(2, 1, 2)}));
  EXPECT_EQ(storage_.waiting(), 2u);
  storage_.Release();
  const auto of_first = first.Await();
  const auto of_second = second->Await();
  ExpectPrevious(of_first[0], 2);
  EXPECT_EQ(of_second[1].SerializeAsString(), of_first[0].SerializeAsString());
  EXPECT_EQ(of_second[0].SerializeAsString(), of_first[1].SerializeAsString());
}

TEST_F(JoinTest, AnswersAreGivenBeforeASessionWaits) {
  Session first(&service_, "client");
  Session second(&service_, "client");
  storage_.Hold();
  EXPECT_FALSE(first.Execute({Hset(1, 0, 1), Hset(2, 0, 2)}));
  EXPECT_FALSE(second.Execute({Hset(2, 1, 2)}));
  storage_.Release();
  first.Wait();
  service_.KeepAnswers(first.run());
  ExpectPrevious(second.Await()[0], 1);
  ExpectPrevious(first.Answers()[1], 1);
}

TEST_F(JoinTest, RunThatGoesUnansweredTellsWhoHasJoinedIt) {
  std::optional<Session> first;
  first.emplace(&service_, "client");
  Session second(&service_, "client");
  storage_.Hold();
  EXPECT_FALSE(first->Execute({Hset(1, 0, 1)}));
  EXPECT_FALSE(second.Execute({Hset(1, 1, 1)}));
  storage_.Release();
  first->Wait();
  first.reset();
  ExpectNotKnown(second.Await()[0]);
}

// Every connection sends every write, in an order of its own, over an engine
// that finishes later: each takes effect once.
TEST_F(JoinTest, ConnectionsOnSeveralThreadsApplyEachWriteOnce) {
  constexpr std::uint64_t kWrites = 300;
  constexpr int kThreads = 4;
  std::vector<std::vector<v1::CommandResponse>> answers(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t, &answers] {
      Session session(&service_, "client");
      answers[t].resize(kWrites + 1);
      for (std::uint64_t id = 1; id <= kWrites; id += 3) {
        std::vector<v1::CommandRequest> requests;
        for (std::uint64_t i = 0; i < 3; ++i) {
          const std::uint64_t mine = id + (i + t) % 3;
          requests.push_back(Hset(mine, t, static_cast<std::int64_t>(mine)));
        }
        const auto got = session.AskAll(requests);
        for (size_t i = 0; i < 3; ++i) {
          answers[t][requests[i].request_id()] = got[i];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // Each value was written once, so it is the previous one of one other write.
  std::vector<int> replaced(kWrites + 1);
  for (std::uint64_t id = 1; id <= kWrites; ++id) {
    ASSERT_EQ(answers[0][id].status(), 200u);
    ASSERT_EQ(answers[0][id].values_size(), 1);
    ++replaced[answers[0][id].values(0).integer()];
    for (int t = 1; t < kThreads; ++t) {
      EXPECT_EQ(answers[t][id].SerializeAsString(),
                answers[0][id].SerializeAsString());
    }
  }
  for (std::uint64_t id = 0; id <= kWrites; ++id) {
    EXPECT_LE(replaced[id], 1) << id;
  }
}

}  // namespace
}  // namespace coffer::server
