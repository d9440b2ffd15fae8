#include "coffer/server/service/service.h"

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/server/service/service_tester.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/storage/deferred_storage.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::coffer_testing::DeferredStorage;
using Log = std::vector<std::string>;

void LogHooks(Service& service, Log* log, const std::string& name) {
  service.OnReceived([log, name](const v1::CommandRequest& request) {
    log->push_back(absl::StrCat(name, " received ", request.request_id()));
  });
  service.OnExecuted([log, name](const v1::CommandResponse& response) {
    log->push_back(absl::StrCat(name, " executed ", response.status()));
  });
  service.OnBeforeSend([log, name](v1::CommandResponse& response) {
    log->push_back(absl::StrCat(name, " before ", response.status()));
  });
  service.OnAfterSend([log, name](const absl::Status& status) {
    log->push_back(absl::StrCat(name, " after ", status.ToString()));
  });
}

TEST(ServiceHooks, EachRequestPassesAllFourInOrderOfRegistration) {
  MemoryStorage storage;
  ServiceTester tester(&storage);
  Log log;
  LogHooks(tester.service(), &log, "a");
  LogHooks(tester.service(), &log, "b");
  v1::CommandResponse response =
      tester.Ask("hget { table: 't' key: 'k' } request_id: 5");
  tester.service().BeforeSend(response);
  tester.service().AfterSend(absl::UnavailableError("gone"));
  EXPECT_EQ(log,
            (Log{"a received 5", "b received 5", "a executed 404",
                 "b executed 404", "a before 404", "b before 404",
                 "a after UNAVAILABLE: gone", "b after UNAVAILABLE: gone"}));
}

// Refused, it has no effect, and its neighbours in the run have theirs.
TEST(ServiceAdmission, RefusesWhatItDoesNotLike) {
  MemoryStorage storage;
  ServiceTester tester(&storage);
  Log log;
  LogHooks(tester.service(), &log, "h");
  tester.service().SetAdmission([&log](const v1::CommandRequest& request) {
    log.push_back(absl::StrCat("asked ", request.request_id()));
    return request.request_id() == 2
               ? absl::PermissionDeniedError("not this one")
               : absl::OkStatus();
  });
  const auto set = [](const char* key, int id) {
    return Request(absl::StrCat("hset { table: 't' pair { key: '", key,
                                "' value { integer: 1 } } } request_id: ", id));
  };
  const auto answers = tester.AskAll({set("a", 1), set("b", 2), set("c", 3)});
  EXPECT_EQ(answers[0].status(), 200u);
  EXPECT_EQ(answers[1].status(), 403u);
  EXPECT_EQ(answers[1].message(), "not this one");
  EXPECT_EQ(answers[1].outcome(), v1::NOT_EXECUTED);
  EXPECT_EQ(answers[2].status(), 200u);
  EXPECT_EQ(storage.counts().keys, 2u);
  EXPECT_EQ(log, (Log{"h received 1", "asked 1", "h received 2", "asked 2",
                      "h received 3", "asked 3", "h executed 200",
                      "h executed 403", "h executed 200"}));
}

TEST(ServiceHooks, RequestsOfARunAreReceivedAndExecutedInTheirOrder) {
  MemoryStorage storage;
  ServiceTester tester(&storage);
  Log log;
  LogHooks(tester.service(), &log, "h");
  tester.AskAll({Request("hget { key: 'k' } request_id: 1"),
                 Request("request_id: 2"),
                 Request("hset { pair { key: 'k' } } request_id: 3")});
  EXPECT_EQ(log, (Log{"h received 1", "h received 2", "h received 3",
                      "h executed 404", "h executed 400", "h executed 200"}));
}

TEST(ServiceHooks, BeforeSendMayChangeTheAnswer) {
  MemoryStorage storage;
  ServiceTester tester(&storage);
  tester.service().OnBeforeSend([](v1::CommandResponse& response) {
    response.set_message(absl::StrCat("was ", response.status()));
  });
  // A later hook of the same kind sees what the earlier has changed.
  tester.service().OnBeforeSend([](v1::CommandResponse& response) {
    response.mutable_message()->append("!");
  });
  v1::CommandResponse response = tester.Ask("hget {}");
  tester.service().BeforeSend(response);
  EXPECT_EQ(response.message(), "was 404!");
}

TEST(ServiceHooks, HookKeepsStateOfItsOwn) {
  MemoryStorage storage;
  ServiceTester tester(&storage);
  auto counts = std::make_shared<std::map<int, int>>();
  tester.service().OnExecuted(
      // Its own, and not copyable.
      [total = std::make_unique<int>(0),
       counts](const v1::CommandResponse& response) mutable {
        (*counts)[response.status()] = ++*total;
      });
  tester.Ask("hget {}");
  tester.Ask("hset { pair {} }");
  tester.Ask("hget {}");
  EXPECT_EQ(*counts, (std::map<int, int>{{404, 1}, {200, 3}}));
}

TEST(ServiceHooksDeathTest, HookAfterTheFirstRequestIsRefused) {
  MemoryStorage storage;
  ServiceTester tester(&storage);
  tester.Ask("hget {}");
  EXPECT_DEATH(tester.service().OnAfterSend([](const absl::Status&) {}),
               "hooks come before the first request");
}

TEST(Service, RunOfNothingIsFinishedAtOnce) {
  MemoryStorage storage;
  Service service(&storage);
  ServiceRun run;
  EXPECT_TRUE(service.Execute(run, [] { FAIL(); }));
}

TEST(Service, RefusedRequestsDoNotReachTheStorage) {
  DeferredStorage storage(std::make_unique<MemoryStorage>());
  Service service(&storage);
  ServiceRun run;
  run.AddRequest();
  run.AddRequest() = Request("hset { table: 'x' }");
  EXPECT_TRUE(service.Execute(run, [] { FAIL(); }));
  v1::CommandResponse response;
  service.Answer(run, 1, 1000, &response);
  EXPECT_EQ(response.status(), 400u);
  EXPECT_EQ(response.outcome(), v1::NOT_EXECUTED);
}

TEST(Service, LaterRequestsOfARunSeeEarlierOnes) {
  MemoryStorage storage;
  ServiceTester tester(&storage);
  const std::vector<v1::CommandResponse> responses = tester.AskAll({
      Request("hset { table: 't' pair { key: 'k' value { integer: 1 } } }"),
      Request("hget { table: 't' key: 'k' }"),
      Request("hdel { table: 't' key: 'k' }"),
      Request("hget { table: 't' key: 'k' }"),
      Request("hgetall { table: 't' }"),
  });
  EXPECT_EQ(WireHex(responses[0]), "08c8011a00");
  EXPECT_EQ(WireHex(responses[1]), "08c8011a021801");
  EXPECT_EQ(WireHex(responses[2]), "08c8011a021801");
  EXPECT_EQ(responses[3].status(), 404u);
  EXPECT_EQ(WireHex(responses[4]), "08c801");
}

TEST(Service, AnswerReplacesWhatTheResponseHeld) {
  MemoryStorage storage;
  Service service(&storage);
  ServiceRun run;
  run.AddRequest() = Request("hset { pair { key: 'k' } }");
  ASSERT_TRUE(service.Execute(run, nullptr));
  v1::CommandResponse response;
  response.set_message("old");
  response.add_pairs();
  service.Answer(run, 0, 1000, &response);
  EXPECT_EQ(WireHex(response), "08c8011a00");
}

TEST(Service, StorageThatFinishesLaterGivesTheSameAnswers) {
  const std::vector<v1::CommandRequest> requests = {
      Request("hmset { table: 't' pairs { key: 'a' value { integer: 1 } } "
              "pairs { key: 'b' } }"),
      Request(""),
      Request("hget { table: 't' key: 'a' }"),
      Request("hmdel { table: 't' keys: ['a', 'c'] }"),
      Request("hgetall { table: 't' }"),
      Request("hmexist { table: 't' keys: ['a', 'b'] }"),
  };
  MemoryStorage inline_storage;
  ServiceTester inline_tester(&inline_storage);
  DeferredStorage deferred_storage(std::make_unique<MemoryStorage>());
  ServiceTester deferred_tester(&deferred_storage);
  const auto now = inline_tester.AskAll(requests);
  const auto later = deferred_tester.AskAll(requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(WireHex(later[i]), WireHex(now[i])) << i;
  }
}

TEST(Service, DoneIsCalledOnceTheStorageHasFinishedAndNotBefore) {
  DeferredStorage storage(std::make_unique<MemoryStorage>());
  Service service(&storage);
  storage.Hold();
  ServiceRun run;
  run.AddRequest() = Request("hset { pair { key: 'k' } }");
  std::promise<std::thread::id> done;
  std::atomic<bool> called{false};
  EXPECT_FALSE(service.Execute(run, [&] {
    called = true;
    done.set_value(std::this_thread::get_id());
  }));
  EXPECT_FALSE(called);
  storage.Release();
  EXPECT_NE(done.get_future().get(), std::this_thread::get_id());
  v1::CommandResponse response;
  service.Answer(run, 0, 1000, &response);
  EXPECT_EQ(WireHex(response), "08c8011a00");
}

// The older server's scans held half of an HMSET: nobody may see that, neither
// in a table nor in the values or the presence of several keys.
TEST(Service, HmsetIsNeverSeenHalfApplied) {
  MemoryStorage storage;
  Service service(&storage);
  constexpr int kKeys = 5;
  std::atomic<bool> finished{false};
  auto ask = [&service](ServiceRun& run, const v1::CommandRequest& request) {
    run.Clear();
    run.AddRequest() = request;
    EXPECT_TRUE(service.Execute(run, nullptr));
    v1::CommandResponse response;
    service.Answer(run, 0, 1 << 20, &response);
    return response;
  };
  std::thread writer([&] {
    ServiceRun run;
    for (int i = 0; i < 2000; ++i) {
      v1::CommandRequest hmset;
      v1::CommandRequest hmdel;
      for (int k = 0; k < kKeys; ++k) {
        v1::Kvpair* pair = hmset.mutable_hmset()->add_pairs();
        pair->set_key(absl::StrCat("k", k));
        pair->mutable_value()->set_integer(i);
        hmdel.mutable_hmdel()->add_keys(absl::StrCat("k", k));
      }
      ask(run, hmset);
      if (i % 3 == 0) ask(run, hmdel);
    }
    finished = true;
  });
  ServiceRun run;
  do {
    const auto all = ask(run, Request("hgetall {}"));
    EXPECT_TRUE(all.pairs_size() == 0 || all.pairs_size() == kKeys)
        << all.pairs_size();
    for (const v1::Kvpair& pair : all.pairs()) {
      EXPECT_EQ(pair.value().integer(), all.pairs(0).value().integer());
    }
    const auto some = ask(run, Request("hmget { keys: ['k0', 'k4', 'k2'] }"));
    for (const v1::Value& value : some.values()) {
      EXPECT_EQ(value.SerializeAsString(), some.values(0).SerializeAsString());
    }
    const auto there = ask(run, Request("hmexist { keys: ['k3', 'k1'] }"));
    EXPECT_EQ(there.values(0).bool_(), there.values(1).bool_());
  } while (!finished && !::testing::Test::HasFailure());
  writer.join();
}

TEST(Service, SessionsOnSeveralThreadsDoNotDisturbEachOther) {
  MemoryStorage storage;
  Service service(&storage);
  std::atomic<int> received{0};
  service.OnReceived([&](const v1::CommandRequest&) { ++received; });
  std::vector<std::thread> sessions;
  for (int s = 0; s < 3; ++s) {
    sessions.emplace_back([&service, s] {
      ServiceRun run;
      v1::CommandResponse response;
      for (int i = 0; i < 500; ++i) {
        run.Clear();
        const std::string key = absl::StrCat("session", s);
        v1::Hset* hset = run.AddRequest().mutable_hset();
        hset->mutable_pair()->set_key(key);
        hset->mutable_pair()->mutable_value()->set_integer(i);
        run.AddRequest().mutable_hget()->set_key(key);
        run.AddRequest().mutable_hdel()->set_key(key);
        ASSERT_TRUE(service.Execute(run, nullptr));
        service.Answer(run, 1, 1000, &response);
        ASSERT_EQ(response.values_size(), 1);
        ASSERT_EQ(response.values(0).integer(), i);
      }
    });
  }
  for (std::thread& session : sessions) session.join();
  EXPECT_EQ(received, 3 * 500 * 3);
  EXPECT_EQ(storage.counts().keys, 0u);
}

}  // namespace
}  // namespace coffer::server
