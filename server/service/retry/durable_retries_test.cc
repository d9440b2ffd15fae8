#include "coffer/server/service/retry/durable_retries.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "coffer/server/service/retry/note_names.h"
#include "coffer/server/service/retry/retry_note.pb.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/testing/storage/model_storage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::coffer_testing::ModelStorage;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::CommandResponse Done(std::int64_t previous) {
  v1::CommandResponse response;
  response.set_status(200);
  response.add_values()->set_integer(previous);
  return response;
}

TEST(RetryNoteName, IsReadAsItWasWritten) {
  const std::string client("\0\xff client", 9);
  for (const std::uint64_t id :
       {std::uint64_t{1}, std::uint64_t{256}, ~std::uint64_t{0}}) {
    absl::string_view read_client;
    std::uint64_t read_id = 0;
    const std::string name = RetryNoteName(client, id);
    ASSERT_TRUE(ParseRetryNoteName(name, &read_client, &read_id));
    EXPECT_EQ(read_client, client);
    EXPECT_EQ(read_id, id);
  }
  EXPECT_LT(RetryNoteName("c", 255), RetryNoteName("c", 256));
  absl::string_view client_id;
  std::uint64_t id = 0;
  for (const absl::string_view other :
       {kRetryStateName, absl::string_view(""), absl::string_view("w123")}) {
    EXPECT_FALSE(ParseRetryNoteName(other, &client_id, &id)) << other;
  }
}

// Windows over notes that a test writes itself, as the service would.
class DurableRetriesTest : public ::testing::Test {
 protected:
  DurableRetriesTest() { run_.Begin(); }

  // A process: its windows, from the notes that there are.
  std::unique_ptr<RetryWindows> Start(const RetryLimits& limits = {}) {
    auto windows = std::make_unique<RetryWindows>(limits);
    ModelStorage storage(data_);
    EXPECT_TRUE(RestoreRetries(&storage, windows.get(), ++epochs_).ok());
    EXPECT_TRUE(windows->durable());
    return windows;
  }

  RetryVerdict Begin(RetrySession& session, std::uint64_t id,
                     std::uint32_t attempt,
                     WriteKind kind = WriteKind::kNoted) {
    return session.Begin(id, attempt, &run_, &earlier_, kind);
  }

  // A write that is executed, with its note, and answered.
  void Write(RetrySession& session, std::uint64_t id, std::uint32_t attempt = 0,
             std::uint64_t at_ms = 0) {
    ASSERT_EQ(Begin(session, id, attempt), RetryVerdict::kExecute) << id;
    const RetryClient::NoteParts parts = session.PartsOfNote(id);
    RetryNote note;
    note.set_request_id(id);
    note.set_floor(parts.floor);
    note.set_retried_floor(parts.retried_floor);
    note.set_retried(parts.retried);
    note.set_at_ms(at_ms);
    Done(id).SerializeToString(note.mutable_answer());
    data_->notes[RetryNoteName(session.client_id(), parts.place)] =
        note.SerializeAsString();
    for (const std::uint64_t place : parts.excess) {
      EXPECT_EQ(data_->notes.erase(RetryNoteName(session.client_id(), place)),
                1u)
          << place;
    }
    session.Finish(id, Done(id));
  }

  // Deletes what is to be deleted, as the service would.
  std::vector<std::string> Forget(RetryWindows& windows) {
    std::vector<std::string> clients;
    while (auto forgotten = windows.TakeForgotten()) {
      clients.push_back(forgotten->client_id);
      for (const std::uint64_t place : forgotten->places) {
        data_->notes.erase(RetryNoteName(forgotten->client_id, place));
      }
      RetryState state;
      state.set_epoch(windows.epoch());
      state.set_forgotten(true);
      data_->notes[std::string(kRetryStateName)] = state.SerializeAsString();
    }
    return clients;
  }

  std::vector<std::uint64_t> NotedIds(const std::string& client) {
    std::vector<std::uint64_t> ids;
    for (const auto& [name, bytes] : data_->notes) {
      absl::string_view of_client;
      std::uint64_t place = 0;
      RetryNote note;
      if (ParseRetryNoteName(name, &of_client, &place) && of_client == client) {
        EXPECT_TRUE(note.ParseFromString(bytes));
        ids.push_back(note.request_id());
      }
    }
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  void ExpectAnswered(RetrySession& session, std::uint64_t id) {
    ASSERT_EQ(Begin(session, id, 1), RetryVerdict::kAnswered) << id;
    EXPECT_EQ(earlier_->response, Done(id).SerializeAsString());
  }

  std::shared_ptr<ModelStorage::Data> data_ =
      std::make_shared<ModelStorage::Data>();
  std::uint64_t epochs_ = 100;
  RunCompletion run_;
  std::unique_ptr<EarlierAnswer> earlier_;
};

TEST_F(DurableRetriesTest, EpochIsTheSameOverRestarts) {
  const std::uint64_t epoch = Start()->epoch();
  EXPECT_NE(epoch, 0u);
  EXPECT_EQ(Start()->epoch(), epoch);
  data_ = std::make_shared<ModelStorage::Data>();
  EXPECT_NE(Start()->epoch(), epoch) << "another store";
}

TEST_F(DurableRetriesTest, EngineThatKeepsNothingMakesNothingDurable) {
  MemoryStorage memory;
  RetryWindows windows;
  EXPECT_TRUE(RestoreRetries(&memory, &windows, 7).ok());
  EXPECT_FALSE(windows.durable());
  EXPECT_EQ(windows.epoch(), 0u);
}

// Nothing can be written down: it goes on as without notes.
TEST_F(DurableRetriesTest, EngineThatRefusesTheFirstNoteMakesNothingDurable) {
  ModelStorage storage(data_);
  storage.RefuseWrites(absl::UnavailableError("full"));
  RetryWindows windows;
  EXPECT_TRUE(RestoreRetries(&storage, &windows, 7).ok());
  EXPECT_FALSE(windows.durable());
  // One that has it already needs to write nothing.
  const std::uint64_t epoch = Start()->epoch();
  RetryWindows later;
  EXPECT_TRUE(RestoreRetries(&storage, &later, 7).ok());
  EXPECT_EQ(later.epoch(), epoch);
}

TEST_F(DurableRetriesTest, DamagedNotesAreReported) {
  Start();
  ModelStorage storage(data_);
  const auto restore = [&] {
    RetryWindows windows;
    return RestoreRetries(&storage, &windows, 7);
  };
  data_->notes[RetryNoteName("client", 1)] = "\xff\xff";
  EXPECT_EQ(restore(), absl::DataLossError(
                           "what is kept for retries does not parse: a write "
                           "of 2 bytes"));
  data_->notes[RetryNoteName("client", 1)] = "";
  EXPECT_EQ(restore().code(), absl::StatusCode::kDataLoss) << "of no request";
  RetryNote note;
  note.set_request_id(1);
  data_->notes[RetryNoteName("client", 1)] = note.SerializeAsString();
  EXPECT_TRUE(restore().ok());
  data_->notes[std::string(kRetryStateName)] = "\xff";
  EXPECT_EQ(restore().code(), absl::StatusCode::kDataLoss);
  data_->notes.erase(std::string(kRetryStateName));
  EXPECT_THAT(std::string(restore().message()), HasSubstr("epoch"));
  data_->notes.clear();
  data_->notes["something else"] = "\xff";
  EXPECT_TRUE(restore().ok());
}

TEST_F(DurableRetriesTest, WritesAreKnownAfterARestartAndOthersAreExecuted) {
  {
    auto windows = Start();
    RetrySession session = windows->Open("client", 1);
    for (const std::uint64_t id : {1, 2, 4}) Write(session, id);
  }
  auto windows = Start();
  RetrySession session = windows->Open("client", 6);
  for (const std::uint64_t id : {1, 2, 4}) ExpectAnswered(session, id);
  // They were sent before, and never executed.
  Write(session, 3, 1);
  Write(session, 5, 1);
  // So was the first write of another client.
  RetrySession other = windows->Open("other", 2);
  Write(other, 1, 1);
}

TEST_F(DurableRetriesTest, WhatHasNoNoteIsRefusedAfterARestart) {
  {
    auto windows = Start();
    RetrySession session = windows->Open("client", 1);
    Write(session, 1);
    ASSERT_EQ(Begin(session, 2, 0, WriteKind::kUnnoted),
              RetryVerdict::kExecute);
    session.Finish(2, Done(2));
    EXPECT_EQ(Begin(session, 2, 1, WriteKind::kUnnoted),
              RetryVerdict::kAnswered);
  }
  auto windows = Start();
  for (const char* client : {"client", "other"}) {
    RetrySession session = windows->Open(client, 3);
    EXPECT_EQ(Begin(session, 2, 1, WriteKind::kUnnoted),
              RetryVerdict::kRefused);
    // What is sent to this process for the first time.
    EXPECT_EQ(Begin(session, 3, 0, WriteKind::kUnnoted),
              RetryVerdict::kExecute);
    session.Finish(3, Done(3));
    // The floor is that of the first Hello, not of a later one.
    RetrySession again = windows->Open(client, 9);
    EXPECT_EQ(Begin(again, 3, 1, WriteKind::kUnnoted), RetryVerdict::kAnswered);
    EXPECT_EQ(Begin(again, 5, 1, WriteKind::kUnnoted), RetryVerdict::kExecute);
    again.Finish(5, Done(5));
  }
}

TEST_F(DurableRetriesTest, FloorsSurvive) {
  {
    auto windows = Start({.answers_per_client_max = 2});
    RetrySession session = windows->Open("client", 1);
    Write(session, 1, 1);  // a retry whose first attempt is still on its way
    for (const std::uint64_t id : {2, 5, 6, 7}) Write(session, id);
  }
  // The note of 7 was written when 2 had left.
  EXPECT_THAT(NotedIds("client"), ElementsAre(5, 6, 7));
  auto windows = Start();
  RetrySession session = windows->Open("client", 8);
  EXPECT_EQ(Begin(session, 1, 1), RetryVerdict::kRefused);
  EXPECT_EQ(Begin(session, 1, 0), RetryVerdict::kRefused);
  EXPECT_EQ(Begin(session, 2, 1), RetryVerdict::kRefused);
  ExpectAnswered(session, 5);
  Write(session, 3, 0);
  Write(session, 4, 1);
}

TEST_F(DurableRetriesTest, NotesAreAsManyAsAnswersAreRemembered) {
  auto windows = Start({.answers_per_client_max = 10});
  RetrySession session = windows->Open("client", 1);
  for (std::uint64_t id = 1; id <= 1000; ++id) {
    Write(session, id);
    ASSERT_LE(NotedIds("client").size(), 11u);
  }
}

// A place is used again when its answer is forgotten, and not before.
TEST_F(DurableRetriesTest, PlaceOfAWriteThatFailedIsTakenByTheNext) {
  auto windows = Start({.answers_per_client_max = 2});
  RetrySession session = windows->Open("client", 1);
  for (const std::uint64_t id : {1, 2, 3}) Write(session, id);
  // It was to overwrite the note of 1, and failed.
  ASSERT_EQ(Begin(session, 4, 0), RetryVerdict::kExecute);
  const std::uint64_t place = session.PartsOfNote(4).place;
  v1::CommandResponse failed;
  failed.set_status(503);
  failed.set_outcome(v1::NOT_EXECUTED);
  session.Finish(4, failed);
  EXPECT_THAT(NotedIds("client"), ElementsAre(1, 2, 3));
  ASSERT_EQ(Begin(session, 4, 1), RetryVerdict::kExecute);
  EXPECT_EQ(session.PartsOfNote(4).place, place);
  session.Finish(4, Done(4));
  // Another client has other places, and so has one that was restored.
  RetrySession other = windows->Open("other", 1);
  Write(other, 1);
  auto again = Start();
  RetrySession restored = again->Open("new", 1);
  Write(restored, 1);
  EXPECT_THAT(NotedIds("client"), ElementsAre(1, 2, 3));
  EXPECT_THAT(NotedIds("other"), ElementsAre(1));
}

TEST_F(DurableRetriesTest, HalfThatIsForgottenLeavesNoNotes) {
  auto windows = Start({.bytes_max = 20000});
  RetrySession session = windows->Open("client", 1);
  for (std::uint64_t id = 1; id <= 2000; ++id) Write(session, id);
  EXPECT_LE(windows->bytes(), 20000u);
  EXPECT_LT(NotedIds("client").size(), 300u);
}

TEST_F(DurableRetriesTest, ClientsThatAreForgottenLeaveNoNotes) {
  auto windows = Start({.clients_max = 3});
  for (int i = 0; i < 10; ++i) {
    RetrySession session = windows->Open("client" + std::to_string(i), 1);
    for (const std::uint64_t id : {1, 2}) Write(session, id, 0, i);
    Forget(*windows);
  }
  EXPECT_EQ(data_->notes.size(), 3 * 2 + 1u);
  EXPECT_EQ(NotedIds("client9").size(), 2u);
  // A client without a note may have been one of the forgotten from now on,
  // over a restart too.
  for (int start = 0; start < 2; ++start) {
    RetrySession gone = windows->Open("client0", 3);
    EXPECT_EQ(Begin(gone, 2, 1), RetryVerdict::kRefused);
    Write(gone, 3, 1);
    std::erase_if(data_->notes, [](const auto& note) {
      return absl::StrContains(note.first, "client0");
    });
    gone = RetrySession();
    windows = Start({.clients_max = 3});
  }
}

TEST_F(DurableRetriesTest, ClientThatHasNeverWrittenIsNoLoss) {
  auto windows = Start({.clients_max = 1});
  for (int i = 0; i < 10; ++i) {
    RetrySession reader = windows->Open("reader" + std::to_string(i), 1);
  }
  EXPECT_FALSE(windows->TakeForgotten().has_value());
  RetrySession writer = windows->Open("writer", 5);
  Write(writer, 4, 1);
}

// Their notes are deleted all together, or later: half of them would tell that
// the others were never executed.
TEST_F(DurableRetriesTest, ClientThatComesBackBeforeItsNotesAreGone) {
  auto windows = Start({.clients_max = 1});
  {
    RetrySession session = windows->Open("client", 1);
    for (const std::uint64_t id : {1, 2}) Write(session, id);
  }
  { RetrySession other = windows->Open("other", 1); }
  auto forgotten = windows->TakeForgotten();
  ASSERT_TRUE(forgotten.has_value());
  EXPECT_EQ(forgotten->client_id, "client");
  EXPECT_EQ(forgotten->places.size(), 2u);
  windows->GiveBack(*std::move(forgotten));
  {
    RetrySession back = windows->Open("client", 3);
    EXPECT_EQ(Begin(back, 1, 1), RetryVerdict::kRefused);
    Write(back, 3);
  }
  // Started again before they were deleted: nothing was lost.
  auto again = Start();
  {
    RetrySession back = again->Open("client", 4);
    for (const std::uint64_t id : {1, 2, 3}) ExpectAnswered(back, id);
  }
  // And after.
  EXPECT_THAT(Forget(*windows), ElementsAre("client"));
  again = Start();
  RetrySession back = again->Open("client", 4);
  EXPECT_EQ(Begin(back, 1, 1), RetryVerdict::kRefused);
  ExpectAnswered(back, 3);
}

TEST_F(DurableRetriesTest, RestoredClientsThatWroteLongestAgoGoFirst) {
  {
    auto windows = Start();
    for (int i = 0; i < 5; ++i) {
      RetrySession session = windows->Open(std::string(1, "cadbe"[i]), 1);
      Write(session, 1, 0, 100 + i);
    }
  }
  auto windows = Start({.clients_max = 2});
  EXPECT_EQ(windows->clients(), 2u);
  EXPECT_THAT(Forget(*windows), ElementsAre("c", "a", "d"));
  RetrySession b = windows->Open("b", 2);
  ExpectAnswered(b, 1);
}

TEST_F(DurableRetriesTest, RestoredMemoryIsWithinItsLimit) {
  {
    auto windows = Start();
    for (int i = 0; i < 20; ++i) {
      RetrySession session = windows->Open("client" + std::to_string(i), 1);
      for (std::uint64_t id = 1; id <= 100; ++id) Write(session, id);
    }
  }
  auto windows = Start({.bytes_max = 50000});
  EXPECT_LE(windows->bytes(), 50000u);
  EXPECT_GE(windows->clients(), 1u);
  EXPECT_GT(Forget(*windows).size(), 5u);
}

}  // namespace
}  // namespace coffer::server
