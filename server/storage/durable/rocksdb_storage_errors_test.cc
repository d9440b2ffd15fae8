// Disks that fail for a while: writes are refused with the right outcome, reads
// go on, writes resume, and nothing that was answered is lost.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/storage/durable/durable_test_util.h"
#include "coffer/server/storage/durable/rocksdb_storage.h"
#include "coffer/testing/disk/fake_file_system.h"
#include "coffer/testing/manual_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using coffer_testing::Execute;
using coffer_testing::FakeFileSystem;
using coffer_testing::ManualClock;
using coffer_testing::MustOpen;
using coffer_testing::Set;
using coffer_testing::ValueOf;
using rocksdb::IOStatus;
using ::testing::HasSubstr;

class DiskErrorsTest : public ::testing::Test {
 protected:
  DiskErrorsTest() {
    options_.data_dir = "/data";
    options_.file_system = files_;
    options_.clock = &clock_;
  }

  void Open() {
    storage_.reset();
    storage_ = MustOpen(options_);
    ASSERT_NE(storage_, nullptr);
  }

  // The first write has the versions synced that are given from then on.
  void OpenWithInterval() {
    options_.sync = SyncMode::kInterval;
    Open();
    ASSERT_TRUE(Set(*storage_, "t", "k", "older").status.ok());
  }

  // The disk works again; time goes on until the engine has noticed.
  void RecoverDisk() {
    files_->FailAppends(IOStatus::OK());
    files_->FailSyncs(IOStatus::OK());
    while (!storage_->WriteStatus().ok()) {
      clock_.AdvanceToNextDeadline();
      std::this_thread::yield();
    }
  }

  void ExpectRefused(const std::string& why) {
    Batch batch;
    batch.Get("t", "k");
    batch.Set("t", "refused", "1");
    const uint32_t group = batch.NewGroup();
    batch.Exists("t", "k", group);
    batch.Delete("t", "k", false, group);
    Execute(*storage_, batch);
    const auto ops = batch.ops();
    EXPECT_TRUE(ops[0].status.ok()) << ops[0].status;
    EXPECT_EQ(ops[0].value_out.view(), "old");
    for (int i = 1; i < 4; ++i) {
      EXPECT_EQ(ops[i].status.code(), absl::StatusCode::kUnavailable);
      EXPECT_THAT(std::string(ops[i].status.message()),
                  HasSubstr("writes are refused: "));
      EXPECT_THAT(std::string(ops[i].status.message()), HasSubstr(why));
      EXPECT_FALSE(ops[i].outcome_unknown);
    }
  }

  // What was answered is there, what was refused is not, and what failed is as
  // a whole or not at all; now and afterwards.
  void ExpectAsBefore() {
    const std::string failed = ValueOf(*storage_, "t", "failed");
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(ValueOf(*storage_, "t", "k"), "old");
      EXPECT_EQ(ValueOf(*storage_, "t", "failed"), failed);
      EXPECT_EQ(ValueOf(*storage_, "new", "failed"), failed);
      EXPECT_EQ(ValueOf(*storage_, "t", "refused"), "none");
      EXPECT_EQ(ValueOf(*storage_, "t", "after"), "1");
      const bool is_done = failed == "1";
      EXPECT_EQ(storage_->counts().tables, is_done ? 2u : 1u);
      EXPECT_EQ(storage_->counts().keys, is_done ? 4u : 2u);
      Open();
    }
  }

  void ExpectWriteFails() {
    Batch batch;
    batch.Set("t", "failed", "1");
    batch.Set("new", "failed", "1");
    batch.Get("t", "k");
    Execute(*storage_, batch);
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(batch.ops()[i].status.code(), absl::StatusCode::kUnavailable);
      EXPECT_THAT(std::string(batch.ops()[i].status.message()),
                  HasSubstr("the write failed"));
      EXPECT_TRUE(batch.ops()[i].outcome_unknown);
    }
    EXPECT_EQ(batch.ops()[2].value_out.view(), "old") << "reads go on";
    EXPECT_EQ(ValueOf(*storage_, "t", "k"), "old");
  }

  ManualClock clock_;
  std::shared_ptr<FakeFileSystem> files_ = std::make_shared<FakeFileSystem>();
  DurableOptions options_;
  std::unique_ptr<RocksDbStorage> storage_;
};

struct Fault {
  std::string name;
  bool appends;  // else syncs
  IOStatus with;
  std::string why;
  // Nothing is in RocksDB's memory but what fails.
  bool first_write;
};

class EachDiskErrorTest : public DiskErrorsTest,
                          public ::testing::WithParamInterface<Fault> {};

TEST_P(EachDiskErrorTest, WritesAreRefusedReadsGoOnAndNothingIsLost) {
  const Fault& fault = GetParam();
  Open();
  ASSERT_TRUE(Set(*storage_, "t", "k", "old").status.ok());
  if (fault.first_write) Open();
  if (fault.appends) files_->FailAppends(fault.with);
  if (!fault.appends) files_->FailSyncs(fault.with);
  ExpectWriteFails();
  ExpectRefused(fault.why);
  for (int i = 0; i < 3; ++i) clock_.AdvanceBy(std::chrono::seconds(1));
  ExpectRefused(fault.why);
  RecoverDisk();
  EXPECT_TRUE(Set(*storage_, "t", "after", "1").status.ok());
  ExpectAsBefore();
}

IOStatus Eio() { return IOStatus::IOError("Input/output error"); }

INSTANTIATE_TEST_SUITE_P(
    Faults, EachDiskErrorTest,
    ::testing::Values(
        Fault{"NoSpace", true, IOStatus::NoSpace("full"), "No space", false},
        Fault{"NoSpaceAtFirst", true, IOStatus::NoSpace("full"), "No space",
              true},
        Fault{"Append", true, Eio(), "Input/output error", false},
        Fault{"AppendAtFirst", true, Eio(), "Input/output error", true},
        Fault{"Sync", false, Eio(), "Input/output error", false},
        Fault{"SyncAtFirst", false, Eio(), "Input/output error", true}),
    [](const auto& tested) { return tested.param.name; });

TEST_F(DiskErrorsTest, ItFailsAgainAndAgain) {
  Open();
  ASSERT_TRUE(Set(*storage_, "t", "k", "old").status.ok());
  // Each time it recovers it makes a file. A fourth would be merged with the
  // others in the background, and that might meet the fault before the write.
  for (int i = 0; i < 3; ++i) {
    if (i % 2 == 0) files_->FailAppends(Eio());
    if (i % 2 != 0) files_->FailSyncs(Eio());
    ExpectWriteFails();
    RecoverDisk();
    EXPECT_TRUE(Set(*storage_, "t", "after", "1").status.ok());
  }
  ExpectAsBefore();
}

TEST_F(DiskErrorsTest, AfterAnErrorALossOfPowerLosesNothingEither) {
  Open();
  ASSERT_TRUE(Set(*storage_, "t", "k", "old").status.ok());
  files_->FailSyncs(Eio());
  ExpectWriteFails();
  RecoverDisk();
  EXPECT_TRUE(Set(*storage_, "t", "after", "1").status.ok());
  files_->CrashAt(files_->operations() + 1);
  storage_.reset();
  files_->LosePower(coffer_testing::PowerLoss::kDropped, 1);
  Open();
  ExpectAsBefore();
}

class Watcher final : public ChangeSink {
 public:
  explicit Watcher(std::function<void()> on_lost)
      : on_lost_(std::move(on_lost)) {}
  bool Wants(absl::string_view) override { return true; }
  void OnChanges(absl::Span<const KeyChange> changes) override {
    for (const KeyChange& change : changes) {
      absl::StrAppend(&told_, change.key, " ");
    }
  }
  void OnChangesLost() override {
    absl::StrAppend(&told_, "lost ");
    on_lost_();
  }
  std::string told() const { return told_; }

 private:
  const std::function<void()> on_lost_;
  std::string told_;
};

// It may be done, and nobody was told.
TEST_F(DiskErrorsTest, WriteThatFailedIsALossForThoseWhoWatch) {
  Open();
  Watcher watcher([this] {
    EXPECT_FALSE(storage_->WriteStatus().ok()) << "before anything follows";
  });
  storage_->SetChangeSink(&watcher);
  ASSERT_TRUE(Set(*storage_, "t", "k", "old").status.ok());
  files_->FailSyncs(Eio());
  ExpectWriteFails();
  EXPECT_EQ(watcher.told(), "k ");
  RecoverDisk();
  EXPECT_TRUE(Set(*storage_, "t", "after", "1").status.ok());
  EXPECT_EQ(watcher.told(), "k lost after ");
  storage_.reset();
}

// Where not all is synced, those who read while it cannot be opened to be
// written read whatever is in the log; the first write is synced in any case.
TEST_F(DiskErrorsTest, WriteThatFailedIsALossAlsoWhereItCanOnlyBeRead) {
  options_.sync = SyncMode::kNever;
  int read_only = 0;
  for (uint64_t nth = 1; nth < 60; ++nth) {
    options_.file_system = files_ = std::make_shared<FakeFileSystem>();
    Open();
    Watcher watcher([] {});
    storage_->SetChangeSink(&watcher);
    files_->FailSyncs(Eio());
    EXPECT_TRUE(Set(*storage_, "t", "failed", "1").outcome_unknown);
    files_->FailSyncs(IOStatus::OK());
    files_->FailAt(files_->operations() + nth, Eio());
    while (!files_->has_failed() && !storage_->WriteStatus().ok()) {
      clock_.AdvanceToNextDeadline();
      std::this_thread::yield();
    }
    const std::string read = ValueOf(*storage_, "t", "failed");
    if (!storage_->WriteStatus().ok() && read == "1") {
      ++read_only;
      EXPECT_THAT(watcher.told(), HasSubstr("lost"));
    }
    storage_.reset();
  }
  EXPECT_GT(read_only, 0);
}

TEST_F(DiskErrorsTest, WhereNoWriteFailedNothingIsLost) {
  OpenWithInterval();
  Watcher watcher([] {});
  storage_->SetChangeSink(&watcher);
  ASSERT_TRUE(Set(*storage_, "t", "k", "old").status.ok());
  files_->FailSyncs(Eio());
  while (storage_->WriteStatus().ok()) {
    clock_.AdvanceToNextDeadline();
    std::this_thread::yield();
  }
  RecoverDisk();
  EXPECT_TRUE(Set(*storage_, "t", "after", "1").status.ok());
  EXPECT_EQ(watcher.told(), "k after ");
  storage_.reset();
}

// Whatever fails of what it does to open the data again: who is answered is
// told only what no loss of power can take back.
TEST_F(DiskErrorsTest, WhatWasNotSyncedIsNotReadWhileItCannotBeOpened) {
  int read_only = 0;
  int unreadable = 0;
  bool has_failed = true;
  for (uint64_t nth = 1; has_failed; ++nth) {
    SCOPED_TRACE(nth);
    options_.file_system = files_ = std::make_shared<FakeFileSystem>();
    Open();
    ASSERT_TRUE(Set(*storage_, "t", "k", "old").status.ok());
    ASSERT_TRUE(Set(*storage_, "t", "failed", "0").status.ok());
    files_->FailSyncs(Eio());
    EXPECT_TRUE(Set(*storage_, "t", "failed", "1").outcome_unknown);
    files_->FailSyncs(IOStatus::OK());
    files_->FailAt(files_->operations() + nth, Eio());
    while (!files_->has_failed() && !storage_->WriteStatus().ok()) {
      clock_.AdvanceToNextDeadline();
      std::this_thread::yield();
    }
    has_failed = files_->has_failed();
    // Waits until it has been opened, if it is.
    const std::string read = ValueOf(*storage_, "t", "failed");
    const bool is_read = read == "0" || read == "1";
    if (is_read) {
      EXPECT_EQ(ValueOf(*storage_, "t", "k"), "old");
    } else {
      EXPECT_THAT(read, HasSubstr("cannot be read at present"));
    }
    read_only += is_read && !storage_->WriteStatus().ok();
    unreadable += !is_read;
    EXPECT_EQ(RocksDbStorage::Open(options_).status().code(),
              absl::StatusCode::kFailedPrecondition)
        << "in use, whatever has become of it";
    files_->CrashAt(files_->operations() + 1);
    storage_.reset();
    files_->LosePower(coffer_testing::PowerLoss::kDropped, nth);
    Open();
    EXPECT_EQ(ValueOf(*storage_, "t", "k"), "old");
    if (is_read) {
      EXPECT_EQ(ValueOf(*storage_, "t", "failed"), read);
    }
    storage_.reset();
  }
  EXPECT_GT(read_only, 5);
  // Where the name of the manifest that holds may be another tomorrow.
  EXPECT_LE(unreadable, 2);
}

TEST_F(DiskErrorsTest, VersionsAreNotGivenTwiceHoweverLittleIsSynced) {
  options_.sync = SyncMode::kNever;
  uint64_t last = 0;
  for (int i = 0; i < 6; ++i) {
    Open();
    // The first one writes nothing: it has expired before it is there.
    for (int write = 0; write < (i % 2 == 0 ? 1 : 3); ++write) {
      Batch batch;
      batch.Set("t", "k", "v");
      if (write == 0) batch.op(0).expiry = {Expiry::Kind::kAtMs, 1};
      Execute(*storage_, batch);
      const Op& op = batch.ops()[0];
      ASSERT_TRUE(op.status.ok());
      EXPECT_GT(op.version, last);
      last = op.version;
    }
    files_->CrashAt(files_->operations() + 1);
    storage_.reset();
    files_->LosePower(coffer_testing::PowerLoss::kDropped, 1);
  }
}

TEST_F(DiskErrorsTest, IntervalSyncsWithinItsTime) {
  OpenWithInterval();
  const uint64_t syncs = files_->log_syncs();
  ASSERT_TRUE(Set(*storage_, "t", "k", "old").status.ok());
  EXPECT_EQ(files_->log_syncs(), syncs);
  while (files_->log_syncs() == syncs) {
    clock_.AdvanceToNextDeadline();
    std::this_thread::yield();
  }
  EXPECT_EQ(files_->log_syncs(), syncs + 1);
}

TEST_F(DiskErrorsTest, SyncThatFailsBetweenWritesRefusesTheNext) {
  OpenWithInterval();
  ASSERT_TRUE(Set(*storage_, "t", "k", "old").status.ok());
  files_->FailSyncs(Eio());
  while (storage_->WriteStatus().ok()) {
    clock_.AdvanceToNextDeadline();
    std::this_thread::yield();
  }
  ExpectRefused("Input/output error");
  RecoverDisk();
  EXPECT_TRUE(Set(*storage_, "t", "after", "1").status.ok());
  ExpectAsBefore();
}

// A file of what was in memory cannot be written: not a write's own fault.
TEST_F(DiskErrorsTest, FlushThatFailsRefusesWritesUntilItWorks) {
  options_.sync = SyncMode::kNever;
  options_.write_buffer_bytes = 64 << 10;
  Open();
  ASSERT_TRUE(Set(*storage_, "t", "k", "old").status.ok());
  files_->FailSyncs(Eio());
  const std::string value(10000, 'v');
  int written = 0;
  while (Set(*storage_, "t", absl::StrCat("key", written), value).status.ok()) {
    ++written;
  }
  EXPECT_GT(written, 1);
  ExpectRefused("Input/output error");
  RecoverDisk();
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(ValueOf(*storage_, "t", "k"), "old");
    for (int i = 0; i < written; ++i) {
      EXPECT_EQ(ValueOf(*storage_, "t", absl::StrCat("key", i)), value) << i;
    }
    Open();
  }
}

}  // namespace
}  // namespace coffer::server
