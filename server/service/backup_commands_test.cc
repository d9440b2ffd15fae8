// START_BACKUP and GET_BACKUP: what a peer is told of the engine's backups.

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/server/service/service_tester.h"
#include "coffer/server/storage/backups.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/server/storage/storage.h"
#include "coffer/v1/kv.pb.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using Phase = BackupProgress::Phase;

// Does as it is told.
class HandBackups final : public Backups {
 public:
  absl::StatusOr<std::string> Start(absl::string_view dir,
                                    uint32_t keep) override {
    started = absl::StrCat(dir, " ", keep);
    if (!refusal.ok()) return refusal;
    return absl::StrCat("/root/", dir);
  }
  BackupProgress progress() const override { return now; }

  absl::Status refusal;
  std::string started;
  BackupProgress now;
};

class BackingUpStorage final : public Storage {
 public:
  bool Submit(Batch& batch, Done done) override {
    return inner_.Submit(batch, std::move(done));
  }
  Capabilities capabilities() const override { return inner_.capabilities(); }
  absl::string_view name() const override { return "backing up"; }
  StorageCounts counts() const override { return inner_.counts(); }
  Backups* backups() override { return &hand; }

  HandBackups hand;

 private:
  MemoryStorage inner_;
};

class BackupCommandsTest : public ::testing::Test {
 protected:
  v1::CommandResponse Ask(const std::string& text) { return tester_.Ask(text); }

  BackingUpStorage storage_;
  ServiceTester tester_{&storage_};
};

TEST_F(BackupCommandsTest, Starts) {
  const v1::CommandResponse answer =
      Ask("start_backup { dir: 'nightly' keep: 3 }");
  EXPECT_EQ(answer.status(), 200u);
  EXPECT_EQ(answer.backup().phase(), v1::BackupState::RUNNING);
  EXPECT_EQ(answer.backup().dir(), "/root/nightly");
  EXPECT_EQ(storage_.hand.started, "nightly 3");
}

TEST_F(BackupCommandsTest, RefusalsKeepTheirReason) {
  const std::pair<absl::Status, uint32_t> cases[] = {
      {absl::PermissionDeniedError("not there"), 403},
      {absl::FailedPreconditionError("one runs"), 409},
      {absl::InvalidArgumentError("no name"), 400},
      {absl::UnavailableError("not now"), 503},
  };
  for (const auto& [refusal, status] : cases) {
    storage_.hand.refusal = refusal;
    const v1::CommandResponse answer = Ask("start_backup { dir: 'x' }");
    EXPECT_EQ(answer.status(), status);
    EXPECT_EQ(answer.message(), refusal.message());
    EXPECT_EQ(answer.outcome(), v1::NOT_EXECUTED);
    EXPECT_FALSE(answer.has_backup());
  }
}

TEST_F(BackupCommandsTest, TellsHowFarItIs) {
  EXPECT_EQ(Ask("get_backup {}").backup().phase(), v1::BackupState::NONE);
  storage_.hand.now = {.phase = Phase::kRunning,
                       .dir = "/root/x",
                       .bytes_done = 5,
                       .bytes_total = 7};
  v1::BackupState state = Ask("get_backup {}").backup();
  EXPECT_EQ(state.phase(), v1::BackupState::RUNNING);
  EXPECT_EQ(state.dir(), "/root/x");
  EXPECT_EQ(state.bytes_done(), 5u);
  EXPECT_EQ(state.bytes_total(), 7u);
  storage_.hand.now = {.phase = Phase::kDone, .dir = "/root/x", .id = 4};
  state = Ask("get_backup {}").backup();
  EXPECT_EQ(state.phase(), v1::BackupState::DONE);
  EXPECT_EQ(state.id(), 4u);
  storage_.hand.now = {.phase = Phase::kFailed,
                       .error = absl::UnavailableError("no space")};
  state = Ask("get_backup {}").backup();
  EXPECT_EQ(state.phase(), v1::BackupState::FAILED);
  EXPECT_EQ(state.error(), "no space");
}

TEST(BackupCommands, AnEngineInMemoryMakesNone) {
  MemoryStorage storage;
  ServiceTester tester(&storage);
  for (const char* request : {"start_backup { dir: 'x' }", "get_backup {}"}) {
    const v1::CommandResponse answer = tester.Ask(request);
    EXPECT_EQ(answer.status(), 400u);
    EXPECT_EQ(answer.message(),
              "this engine keeps nothing on the disk to make a backup of; "
              "kvc dump copies what it has");
  }
}

}  // namespace
}  // namespace coffer::server
