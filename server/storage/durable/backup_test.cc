// Backups of the durable engine and what is restored from them.

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/storage/durable/durable_test_util.h"
#include "coffer/server/storage/durable/restore.h"
#include "coffer/server/storage/durable/rocksdb_backups.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using coffer_testing::Execute;
using coffer_testing::Get;
using coffer_testing::MustOpen;
using coffer_testing::NewDataDir;
using coffer_testing::Set;
using coffer_testing::ValueOf;
using ::testing::HasSubstr;

using Phase = BackupProgress::Phase;

class BackupTest : public ::testing::Test {
 protected:
  BackupTest() {
    options_.data_dir = NewDataDir();
    options_.backup_dir =
        std::filesystem::path(NewDataDir()).lexically_normal().string();
    restored_.data_dir = NewDataDir();
  }

  // The backup that was begun, once it is over. There is no event of its end
  // but the engine's: peers ask, too.
  static BackupProgress WaitForEnd(Backups& backups) {
    for (;;) {
      const BackupProgress progress = backups.progress();
      if (progress.phase != Phase::kRunning) return progress;
      std::this_thread::yield();
    }
  }

  void MustBackUp(Storage& storage, const std::string& dir, uint32_t keep = 0) {
    const auto started = storage.backups()->Start(dir, keep);
    ASSERT_TRUE(started.ok()) << started.status();
    EXPECT_EQ(*started, absl::StrCat(options_.backup_dir, "/", dir));
    const BackupProgress end = WaitForEnd(*storage.backups());
    ASSERT_EQ(end.phase, Phase::kDone) << end.error;
    EXPECT_EQ(end.bytes_done, end.bytes_total);
  }

  absl::Status Restore(const std::string& dir, uint32_t id = 0) {
    return RestoreBackup(
        {.dir = absl::StrCat(options_.backup_dir, "/", dir), .id = id},
        restored_);
  }

  DurableOptions options_;
  DurableOptions restored_;
};

TEST_F(BackupTest, RestoresWhatWasThere) {
  const auto storage = MustOpen(options_);
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes.push_back(static_cast<char>(c));
  Set(*storage, bytes, bytes, bytes);
  Set(*storage, "t", "a", "1");
  Set(*storage, "t", "b", "2");
  const uint64_t version = Get(*storage, "t", "b").version;
  MustBackUp(*storage, "nightly");
  const uint64_t later = Set(*storage, "t", "b", "3").version;
  Set(*storage, "u", "c", "4");

  ASSERT_TRUE(Restore("nightly").ok());
  const auto restored = MustOpen(restored_);
  EXPECT_EQ(restored->counts().tables, 2u);
  EXPECT_EQ(restored->counts().keys, 3u);
  EXPECT_EQ(ValueOf(*restored, bytes, bytes), bytes);
  EXPECT_EQ(ValueOf(*restored, "t", "a"), "1");
  EXPECT_EQ(ValueOf(*restored, "t", "b"), "2");
  EXPECT_EQ(Get(*restored, "t", "b").version, version);
  EXPECT_EQ(ValueOf(*restored, "u", "c"), "none");
  // What was given after the backup, to data that is lost, is not given again.
  EXPECT_GT(Set(*restored, "t", "b", "5").version, later + (1u << 30));
}

TEST_F(BackupTest, GoesOnBesideWritesAndIsOfOneMoment) {
  const auto storage = MustOpen(options_);
  std::atomic<bool> stop{false};
  std::atomic<int> written{0};
  std::thread writer([&] {
    for (int i = 1; !stop; ++i) {
      const std::string value = absl::StrCat(i);
      Batch batch;
      const uint32_t group = batch.NewGroup();
      for (const char* key : {"a", "b", "c"}) {
        batch.Set(key, key, value, false, group);
      }
      Execute(*storage, batch);
      written = i;
    }
  });
  for (const char* dir : {"one", "two", "two"}) {
    while (written < 20) std::this_thread::yield();
    MustBackUp(*storage, dir);
  }
  stop = true;
  writer.join();
  ASSERT_TRUE(Restore("two").ok());
  const auto restored = MustOpen(restored_);
  const std::string value = ValueOf(*restored, "a", "a");
  EXPECT_GE(std::stoi(value), 20);
  EXPECT_EQ(ValueOf(*restored, "b", "b"), value);
  EXPECT_EQ(ValueOf(*restored, "c", "c"), value);
}

TEST_F(BackupTest, AFolderKeepsTheLatest) {
  const auto storage = MustOpen(options_);
  for (int i = 1; i <= 4; ++i) {
    Set(*storage, "t", "k", absl::StrCat(i));
    MustBackUp(*storage, "a/b", i == 4 ? 2 : 0);
    EXPECT_EQ(storage->backups()->progress().id, static_cast<uint32_t>(i));
  }
  const absl::Status gone = Restore("a/b", 2);
  EXPECT_EQ(gone.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(gone.message(), HasSubstr("there is no backup 2, but 3, 4"));
  ASSERT_TRUE(Restore("a/b", 3).ok());
  EXPECT_EQ(ValueOf(*MustOpen(restored_), "t", "k"), "3");
}

TEST_F(BackupTest, OnlyWhereTheOwnerAllows) {
  {
    const auto storage = MustOpen(options_);
    EXPECT_EQ(storage->backups()->Start("../x", 0).status().code(),
              absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(storage->backups()->progress().phase, Phase::kNone);
  }
  options_.backup_dir = "";
  const auto storage = MustOpen(options_);
  const absl::Status refused = storage->backups()->Start("x", 0).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(refused.message(), HasSubstr("--backup_dir"));
}

TEST_F(BackupTest, RestoreOverwritesNothing) {
  {
    const auto storage = MustOpen(options_);
    Set(*storage, "t", "k", "backup");
    MustBackUp(*storage, "x");
  }
  { Set(*MustOpen(restored_), "t", "k", "kept"); }
  const absl::Status refused = Restore("x");
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.message(), HasSubstr("overwrites nothing"));
  EXPECT_EQ(ValueOf(*MustOpen(restored_), "t", "k"), "kept");
}

TEST_F(BackupTest, RestoreAfterOneThatWasCutOff) {
  {
    const auto storage = MustOpen(options_);
    Set(*storage, "t", "k", "v");
    MustBackUp(*storage, "x");
  }
  const std::string half_done = restored_.data_dir + ".restoring";
  std::filesystem::create_directory(half_done);
  std::ofstream(half_done + "/000007.sst") << "half";
  std::filesystem::create_directory(restored_.data_dir);  // empty: allowed
  ASSERT_TRUE(Restore("x").ok());
  EXPECT_FALSE(std::filesystem::exists(half_done));
  EXPECT_EQ(ValueOf(*MustOpen(restored_), "t", "k"), "v");
}

TEST_F(BackupTest, NothingToRestoreFrom) {
  const absl::Status no_folder = Restore("x");
  EXPECT_EQ(no_folder.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(no_folder.message(), HasSubstr("no such folder"));
  std::filesystem::create_directories(options_.backup_dir + "/x");
  const absl::Status empty = Restore("x");
  EXPECT_EQ(empty.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(empty.message(), HasSubstr("no backup in it"));
  EXPECT_FALSE(std::filesystem::exists(restored_.data_dir));
}

TEST_F(BackupTest, DamageIsToldAndNothingIsRestored) {
  {
    const auto storage = MustOpen(options_);
    Set(*storage, "t", "k", std::string(10000, 'v'));
    MustBackUp(*storage, "x");
  }
  int damaged = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(
           options_.backup_dir + "/x")) {
    if (file.path().extension() != ".sst") continue;
    std::fstream bytes(file.path(), std::ios::in | std::ios::out);
    bytes.seekp(60);
    bytes.put('!');
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  const absl::Status status = Restore("x");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_FALSE(std::filesystem::exists(restored_.data_dir));
}

TEST_F(BackupTest, LatestIsNotPassedOverBecauseItIsDamaged) {
  {
    const auto storage = MustOpen(options_);
    for (const char* value : {"old", "new"}) {
      Set(*storage, "t", "k", value);
      MustBackUp(*storage, "x");
    }
  }
  std::filesystem::resize_file(options_.backup_dir + "/x/meta/2", 10);
  const absl::Status status = Restore("x");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(status.message(), HasSubstr("backup 2 is damaged"));
  ASSERT_TRUE(Restore("x", 1).ok());
  EXPECT_EQ(ValueOf(*MustOpen(restored_), "t", "k"), "old");
}

// RocksDbBackups on its own, over a database that is not to be had.
class BackupsAloneTest : public ::testing::Test {
 protected:
  absl::Status gate_;
  std::promise<absl::Status> database_;
  std::promise<void> asked_;
  RocksDbBackups backups_{
      "/b",
      [this](absl::FunctionRef<absl::Status(rocksdb::DB&)>) {
        asked_.set_value();
        return database_.get_future().get();
      },
      [this] { return gate_; }};
};

TEST_F(BackupsAloneTest, OneAtATime) {
  ASSERT_TRUE(backups_.Start("x", 0).ok());
  asked_.get_future().wait();
  EXPECT_EQ(backups_.progress().phase, Phase::kRunning);
  const absl::Status second = backups_.Start("y", 0).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.message(), HasSubstr("/b/x"));
  database_.set_value(absl::UnavailableError("no database"));
  while (backups_.progress().phase == Phase::kRunning) {
    std::this_thread::yield();
  }
  const BackupProgress progress = backups_.progress();
  EXPECT_EQ(progress.phase, Phase::kFailed);
  EXPECT_EQ(progress.error.message(), "no database");
  EXPECT_EQ(progress.dir, "/b/x");
}

TEST_F(BackupsAloneTest, NotWhileWritesAreRefused) {
  gate_ = absl::UnavailableError("writes are refused");
  EXPECT_EQ(backups_.Start("x", 0).status(), gate_);
  EXPECT_EQ(backups_.progress().phase, Phase::kNone);
}

TEST_F(BackupsAloneTest, NoneAfterTheEnd) {
  backups_.End();
  EXPECT_EQ(backups_.Start("x", 0).status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace coffer::server
