// Writes that come again to a service that was started again: over an engine
// that keeps what it has, as it was when the process before was killed.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/service/retry/durable_retries.h"
#include "coffer/server/service/retry/earlier_answer.h"
#include "coffer/server/service/retry/note_names.h"
#include "coffer/server/service/retry/retry_note.pb.h"
#include "coffer/server/service/service.h"
#include "coffer/server/service/service_tester.h"
#include "coffer/testing/storage/deferred_storage.h"
#include "coffer/testing/storage/model_storage.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::coffer_testing::DeferredStorage;
using ::coffer_testing::ModelStorage;

constexpr char kClient[] = "a client of 16 b";

// A process: engine, memory and service. The data outlives it.
struct Process {
  explicit Process(std::shared_ptr<ModelStorage::Data> data,
                   const RetryLimits& limits = {})
      : storage(std::move(data)),
        state(std::make_shared<VolatileState>(1, limits)),
        service(&storage, state) {
    EXPECT_TRUE(RestoreRetries(&storage, &state->retries, 7).ok());
  }

  ModelStorage storage;
  std::shared_ptr<VolatileState> state;
  Service service;
};

// One connection of a client.
class Session {
 public:
  Session(Service* service, std::uint64_t next_request_id,
          absl::string_view client = kClient)
      : service_(*service),
        retries_(service->state().retries.Open(client, next_request_id)) {
    run_.set_retries(&retries_);
  }

  // Without looking at the answers.
  void Execute(const std::vector<v1::CommandRequest>& requests) {
    run_.Clear();
    run_.set_answer_bytes_max(answer_bytes_max_);
    for (const auto& request : requests) run_.AddRequest() = request;
    std::promise<void> done;
    if (!service_.Execute(run_, [&done] { done.set_value(); })) {
      done.get_future().wait();
    }
  }
  std::vector<v1::CommandResponse> AskAll(
      const std::vector<v1::CommandRequest>& requests) {
    Execute(requests);
    std::vector<v1::CommandResponse> answers(run_.size());
    for (size_t i = 0; i < answers.size(); ++i) {
      service_.Answer(run_, i, answer_bytes_max_, &answers[i]);
    }
    return answers;
  }
  v1::CommandResponse Ask(const std::string& text, std::uint64_t id,
                          std::uint32_t attempt = 0) {
    return AskAll({With(text, id, attempt)})[0];
  }

  static v1::CommandRequest With(const std::string& text, std::uint64_t id,
                                 std::uint32_t attempt = 0) {
    v1::CommandRequest request = Request(text);
    request.set_request_id(id);
    request.set_attempt(attempt);
    return request;
  }

  void set_answer_bytes_max(uint32_t bytes) { answer_bytes_max_ = bytes; }

 private:
  Service& service_;
  RetrySession retries_;
  ServiceRun run_;
  uint32_t answer_bytes_max_ = 1 << 20;
};

class ServiceDurableRetryTest : public ::testing::Test {
 protected:
  std::unique_ptr<Process> Start(const RetryLimits& limits = {}) {
    return std::make_unique<Process>(data_, limits);
  }

  size_t Notes() const {
    size_t count = 0;
    for (const auto& [name, note] : data_->notes) {
      absl::string_view client;
      std::uint64_t id = 0;
      count += ParseRetryNoteName(name, &client, &id) ? 1 : 0;
    }
    return count;
  }

  std::shared_ptr<ModelStorage::Data> data_ =
      std::make_shared<ModelStorage::Data>();
};

constexpr char kIncrement[] = "increment { table: 't' key: 'n' integer: 1 }";
constexpr char kReadIt[] = "read { table: 't' keys: 'n' }";

void ExpectNotKnown(const v1::CommandResponse& response) {
  EXPECT_EQ(response.status(), 500u);
  EXPECT_EQ(response.outcome(), v1::UNKNOWN);
  EXPECT_EQ(response.message(), kOutcomeIsNotKnown);
}

TEST_F(ServiceDurableRetryTest, EveryWriteIsAnsweredAfterARestartAsBefore) {
  const char* const writes[] = {
      "hset { table: 't' pair { key: 'k' value { integer: 7 } } }",
      "hset { table: 't' pair { key: 'k' value { integer: 8 } } }",
      "hmset { table: 't' pairs { key: 'k' value { integer: 9 } } "
      "pairs { key: 'l' } }",
      "hdel { table: 't' key: 'k' }",
      "hmdel { table: 't' keys: ['l', 'none'] no_previous: true }",
      "put { table: 't' key: 'p' value { string: 'x' } want_previous: true }",
      "put { table: 't' key: 'p' value { string: 'y' } want_previous: true "
      "condition { present: true } }",
      kIncrement,
      "append { table: 't' key: 'p' value { string: 'z' } }",
      "expire { table: 't' key: 'p' expiry { never: true } }",
      "remove { table: 't' key: 'p' }",
      "transaction { compares { table: 't' key: 'n' value { integer: 1 } } "
      "then { increment { table: 't' key: 'n' integer: 5 } } "
      "then { read { table: 't' keys: ['n', 'none'] } } }",
      "transaction { compares { table: 't' key: 'n' version: 0 } "
      "then { put { table: 't' key: 'n' value { } } } }",
  };
  std::vector<std::string> answers;
  std::vector<v1::CommandRequest> again;
  {
    auto process = Start();
    Session session(&process->service, 1);
    std::uint64_t id = 0;
    for (const char* text : writes) {
      const v1::CommandResponse answer = session.Ask(text, ++id);
      EXPECT_EQ(answer.status(), 200u) << answer.ShortDebugString();
      answers.push_back(answer.ShortDebugString());
      again.push_back(Session::With(text, id, 1));
    }
  }
  const auto tables = data_->tables;
  auto process = Start();
  Session session(&process->service, again.size() + 1);
  const auto repeated = session.AskAll(again);
  for (size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(repeated[i].ShortDebugString(), answers[i]) << writes[i];
  }
  EXPECT_EQ(data_->tables.size(), tables.size());
  EXPECT_EQ(session.Ask(kReadIt, 100).states(0).value().integer(), 6);
}

// The process is killed when the engine has done the write and nobody has seen
// the answer.
TEST_F(ServiceDurableRetryTest, AnswerThatWasNeverMadeIsThereAfterARestart) {
  {
    auto process = Start();
    Session session(&process->service, 1);
    session.Execute(
        {Session::With(kIncrement, 1), Session::With(kIncrement, 2)});
  }
  auto process = Start();
  Session session(&process->service, 4);
  EXPECT_EQ(session.Ask(kIncrement, 2, 1).states(0).value().integer(), 2);
  EXPECT_EQ(session.Ask(kIncrement, 1, 1).states(0).value().integer(), 1);
  // What never arrived is executed, once.
  EXPECT_EQ(session.Ask(kIncrement, 3, 1).states(0).value().integer(), 3);
  EXPECT_EQ(session.Ask(kIncrement, 3, 2).states(0).value().integer(), 3);
  EXPECT_EQ(session.Ask(kReadIt, 9).states(0).value().integer(), 3);
}

// Of every crash between two steps of a conversation each write is there once,
// whatever was sent again.
TEST_F(ServiceDurableRetryTest, KilledAfterAnyWriteNothingIsAppliedTwice) {
  constexpr std::uint64_t kWrites = 8;
  for (std::uint64_t crash = 0; crash <= kWrites; ++crash) {
    data_ = std::make_shared<ModelStorage::Data>();
    const RetryLimits limits{.answers_per_client_max = 3};
    {
      auto process = Start(limits);
      Session session(&process->service, 1);
      for (std::uint64_t id = 1; id <= crash; ++id) session.Ask(kIncrement, id);
    }
    // With room for more, so that what is missing is not forgotten anyway.
    auto process = Start();
    Session session(&process->service, kWrites + 1);
    std::uint64_t unknown = 0;
    for (std::uint64_t id = 1; id <= kWrites; ++id) {
      const v1::CommandResponse answer = session.Ask(kIncrement, id, 1);
      if (answer.status() != 200u) {
        ExpectNotKnown(answer);
        ++unknown;
        continue;
      }
      EXPECT_EQ(answer.states(0).value().integer(),
                static_cast<std::int64_t>(id));
    }
    EXPECT_LE(unknown, crash > 3 ? crash - 3 : 0);
    EXPECT_EQ(session.Ask(kReadIt, 99).states(0).value().integer(),
              static_cast<std::int64_t>(kWrites));
  }
}

TEST_F(ServiceDurableRetryTest, RefusedWritesHaveNoNoteAndAreExecutedLater) {
  {
    auto process = Start();
    Session session(&process->service, 1);
    EXPECT_EQ(session
                  .Ask("put { table: 't' key: 'k' value { } condition { "
                       "present: true } }",
                       1)
                  .status(),
              409u);
    EXPECT_EQ(session.Ask("append { table: 't' key: 'k' }", 2).status(), 400u);
    process->storage.RefuseWrites(absl::UnavailableError("full"));
    const v1::CommandResponse refused = session.Ask(kIncrement, 3);
    EXPECT_EQ(refused.ShortDebugString(),
              "status: 503 message: \"full\" request_id: 3 outcome: "
              "NOT_EXECUTED");
    EXPECT_EQ(Notes(), 0u);
  }
  auto process = Start();
  Session session(&process->service, 4);
  EXPECT_EQ(session.Ask(kIncrement, 3, 1).states(0).value().integer(), 1);
}

TEST_F(ServiceDurableRetryTest, ReadsAndStrangersHaveNoNotes) {
  auto process = Start();
  Session session(&process->service, 1);
  session.Ask(kReadIt, 1);
  session.Ask("transaction { then { read { table: 't' keys: 'n' } } }", 2);
  session.Ask(kIncrement, 0);                        // without an id
  session.Ask("hmset { table: 't' }", 3);            // of nothing
  ServiceTester(&process->storage).Ask(kIncrement);  // of an older peer
  EXPECT_EQ(Notes(), 0u);
  session.Ask(kIncrement, 4);
  EXPECT_EQ(Notes(), 1u);
}

// Topics are not kept, and whole tables stand in no group with a note.
TEST_F(ServiceDurableRetryTest, WhatHasNoNoteIsNotKnownAfterARestart) {
  const char* const unnoted[] = {"publish { topic: 't' data { integer: 1 } }",
                                 "rename_table { table: 't' new_name: 'u' }",
                                 "drop_table { table: 'u' }"};
  {
    auto process = Start();
    Session session(&process->service, 1);
    session.Ask(kIncrement, 1);
    std::uint64_t id = 1;
    for (const char* text : unnoted) {
      EXPECT_EQ(session.Ask(text, ++id).status(), 200u) << text;
      EXPECT_EQ(session.Ask(text, id, 1).status(), 200u) << text;
    }
  }
  auto process = Start();
  Session session(&process->service, 5);
  std::uint64_t id = 1;
  for (const char* text : unnoted) ExpectNotKnown(session.Ask(text, ++id, 1));
  EXPECT_EQ(session.Ask(kIncrement, 1, 1).states(0).value().integer(), 1);
  EXPECT_EQ(session.Ask(unnoted[0], 5).status(), 200u);
}

TEST_F(ServiceDurableRetryTest, LargeAnswerIsRememberedAsDone) {
  const std::string large(5000, 'v');
  {
    auto process = Start();
    Session session(&process->service, 1);
    session.Ask(absl::StrCat("put { table: 't' key: 'k' value { string: '",
                             large, "' } }"),
                1);
    const v1::CommandResponse answer = session.Ask(
        "put { table: 't' key: 'k' value { } want_previous: true }", 2);
    EXPECT_EQ(answer.states(0).previous().value().string(), large);
    for (const auto& [name, note] : data_->notes) EXPECT_LT(note.size(), 300u);
  }
  auto process = Start();
  Session session(&process->service, 3);
  const v1::CommandResponse answer = session.Ask(
      "put { table: 't' key: 'k' value { } want_previous: true }", 2, 1);
  EXPECT_EQ(answer.status(), 200u);
  EXPECT_EQ(answer.states_size(), 0);
  EXPECT_TRUE(absl::StrContains(answer.message(), "too large to be kept"));
}

TEST_F(ServiceDurableRetryTest, AnswerThatDidNotFitIsTheSameAfterARestart) {
  std::string before;
  const std::string put =
      "put { table: 't' key: 'k' value { } want_previous: true }";
  {
    auto process = Start();
    Session session(&process->service, 1);
    session.Ask(absl::StrCat("put { table: 't' key: 'k' value { string: '",
                             std::string(2000, 'v'), "' } }"),
                1);
    session.set_answer_bytes_max(1024);
    const v1::CommandResponse answer = session.Ask(put, 2);
    EXPECT_EQ(answer.status(), 413u);
    EXPECT_EQ(answer.outcome(), v1::UNKNOWN);
    before = answer.ShortDebugString();
  }
  auto process = Start();
  Session session(&process->service, 3);
  EXPECT_EQ(session.Ask(put, 2, 1).ShortDebugString(), before);
}

TEST_F(ServiceDurableRetryTest, NotesStayBoundedAndGoWithTheirClients) {
  const RetryLimits limits{.clients_max = 4, .answers_per_client_max = 10};
  auto process = Start(limits);
  for (int client = 0; client < 20; ++client) {
    Session session(&process->service, 1, absl::StrCat("client", client));
    for (std::uint64_t id = 1; id <= 50; ++id) session.Ask(kIncrement, id);
    EXPECT_LE(Notes(), 5 * 11u);
  }
  EXPECT_EQ(process->state->retries.clients(), 4u);
  // The last one that was forgotten may wait for the next write.
  EXPECT_GE(Notes(), 4 * 10u);
  process = Start(limits);
  Session gone(&process->service, 51, "client3");
  ExpectNotKnown(gone.Ask(kIncrement, 50, 1));
  EXPECT_EQ(gone.Ask(kReadIt, 99).states(0).value().integer(), 20 * 50);
}

// What is to be deleted waits while nothing can be.
TEST_F(ServiceDurableRetryTest, DeletionsThatFailAreMadeUpFor) {
  const RetryLimits limits{.clients_max = 1, .answers_per_client_max = 2};
  auto process = Start(limits);
  {
    Session first(&process->service, 1, "first");
    for (std::uint64_t id = 1; id <= 4; ++id) first.Ask(kIncrement, id);
  }
  Session second(&process->service, 1, "second");
  process->storage.RefuseWrites(absl::UnavailableError("full"));
  for (std::uint64_t id = 1; id <= 3; ++id) {
    EXPECT_EQ(second.Ask(kIncrement, id).status(), 503u);
  }
  EXPECT_EQ(Notes(), 3u);
  process->storage.RefuseWrites(absl::OkStatus());
  EXPECT_EQ(second.Ask(kIncrement, 3, 1).status(), 200u);
  EXPECT_EQ(Notes(), 1u) << "all of the first client's are gone";
  for (std::uint64_t id = 4; id <= 6; ++id) second.Ask(kIncrement, id);
  process->storage.RefuseWrites(absl::UnavailableError("full"));
  for (std::uint64_t id = 7; id <= 9; ++id) second.Ask(kIncrement, id);
  process->storage.RefuseWrites(absl::OkStatus());
  for (std::uint64_t id = 7; id <= 9; ++id) second.Ask(kIncrement, id, 1);
  EXPECT_LE(Notes(), 3u);
}

// A window that has become smaller gives its places back, also if every write
// fails at first.
TEST_F(ServiceDurableRetryTest, NotesOfWhatIsForgottenForWantOfMemoryGoToo) {
  auto process = Start({.bytes_max = 20000});
  Session session(&process->service, 1);
  size_t most = 0;
  for (std::uint64_t id = 1; id <= 3000; ++id) {
    process->storage.RefuseWrites(absl::UnavailableError("full"));
    EXPECT_EQ(session.Ask(kIncrement, id).status(), 503u);
    process->storage.RefuseWrites(absl::OkStatus());
    EXPECT_EQ(session.Ask(kIncrement, id, 1).status(), 200u);
    most = std::max(most, Notes());
  }
  EXPECT_GT(most, 50u);
  EXPECT_LT(most, 200u);
}

// Over an engine that finishes on a thread of its own, on which the notes are
// made.
TEST_F(ServiceDurableRetryTest, EngineThatFinishesLaterNotesTheSame) {
  const auto start = [this](std::unique_ptr<DeferredStorage>* storage,
                            std::shared_ptr<VolatileState>* state) {
    *storage = std::make_unique<DeferredStorage>(
        std::make_unique<ModelStorage>(data_));
    *state = std::make_shared<VolatileState>(1);
    EXPECT_TRUE(RestoreRetries(storage->get(), &(*state)->retries, 7).ok());
    EXPECT_TRUE((*state)->retries.durable());
    return std::make_unique<Service>(storage->get(), *state);
  };
  std::unique_ptr<DeferredStorage> storage;
  std::shared_ptr<VolatileState> state;
  auto service = start(&storage, &state);
  {
    Session session(service.get(), 1);
    for (std::uint64_t id = 1; id <= 20; ++id) session.Ask(kIncrement, id);
  }
  service.reset();
  service = start(&storage, &state);
  Session session(service.get(), 21);
  EXPECT_EQ(session.Ask(kIncrement, 20, 1).states(0).value().integer(), 20);
  EXPECT_EQ(session.Ask(kIncrement, 21).states(0).value().integer(), 21);
}

}  // namespace
}  // namespace coffer::server
