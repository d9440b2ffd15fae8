// Batches that wait for each other, to be committed with one sync
// (commit_pacer.h), on a clock that only the syncs and the test move.

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "coffer/server/storage/durable/durable_test_util.h"
#include "coffer/testing/disk/fake_file_system.h"
#include "coffer/testing/manual_clock.h"
#include "gtest/gtest.h"
#include "rocksdb/file_system.h"

namespace coffer::server {
namespace {

using coffer_testing::FakeFileSystem;
using coffer_testing::ManualClock;
using coffer_testing::MustOpen;
using coffer_testing::Submitted;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using std::chrono::milliseconds;

constexpr milliseconds kSync{2};

class SlowSyncs final : public rocksdb::FileSystemWrapper {
 public:
  SlowSyncs(std::shared_ptr<rocksdb::FileSystem> base, ManualClock* clock)
      : FileSystemWrapper(std::move(base)), clock_(*clock) {}
  const char* Name() const override { return "SlowSyncs"; }

  IOStatus NewWritableFile(const std::string& name,
                           const rocksdb::FileOptions& options,
                           std::unique_ptr<FSWritableFile>* file,
                           IODebugContext* debug) override {
    IOStatus status = target()->NewWritableFile(name, options, file, debug);
    if (status.ok() && absl::EndsWith(name, ".log")) {
      *file = std::make_unique<File>(std::move(*file), &clock_);
    }
    return status;
  }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<FSWritableFile> file, ManualClock* clock)
        : FSWritableFileOwnerWrapper(std::move(file)), clock_(*clock) {}

    IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
      clock_.AdvanceBy(kSync);
      return target()->Sync(options, debug);
    }

   private:
    ManualClock& clock_;
  };

  ManualClock& clock_;
};

class GroupCommitTest : public ::testing::Test {
 protected:
  GroupCommitTest() {
    options_.data_dir = "/data";
    options_.file_system = std::make_shared<SlowSyncs>(files_, &clock_);
    options_.clock = &clock_;
    batches_[0].Set("t", "a", "1");
    batches_[1].Set("t", "b", "2");
    batches_[2].Set("t", "c", "3");
  }

  // The first batch is answered, the second has come meanwhile.
  std::unique_ptr<Submitted> CommitOneWhileAnotherComes() {
    storage_ = MustOpen(options_);
    // That of maintenance: it is not to be taken for that of a commit.
    while (clock_.pending_timers() == 0) std::this_thread::yield();
    const uint64_t syncs = files_->log_syncs();
    files_->HoldLogSyncs();
    Submitted first(storage_.get(), &batches_[0]);
    files_->WaitForLogSyncs(syncs + 1);
    auto second = std::make_unique<Submitted>(storage_.get(), &batches_[1]);
    const size_t timers = clock_.pending_timers();
    files_->ReleaseLogSyncs();
    first.Wait();
    while (clock_.pending_timers() == timers) std::this_thread::yield();
    EXPECT_EQ(files_->log_syncs(), syncs + 1)
        << "the second one has not waited";
    return second;
  }

  ManualClock clock_;
  const std::shared_ptr<FakeFileSystem> files_ =
      std::make_shared<FakeFileSystem>();
  DurableOptions options_;
  Batch batches_[3];
  std::unique_ptr<RocksDbStorage> storage_;
};

TEST_F(GroupCommitTest, WhoeverIsAnsweredIsWaitedFor) {
  const auto second = CommitOneWhileAnotherComes();
  const uint64_t syncs = files_->log_syncs();
  Submitted third(storage_.get(), &batches_[2]);
  second->Wait();
  third.Wait();
  EXPECT_EQ(files_->log_syncs(), syncs + 1) << "they share a sync";
}

TEST_F(GroupCommitTest, NotForLongerThanHalfASync) {
  const auto second = CommitOneWhileAnotherComes();
  clock_.AdvanceBy(kSync / 2);
  second->Wait();
  EXPECT_TRUE(batches_[1].ops()[0].status.ok());
}

TEST_F(GroupCommitTest, WhoeverWaitsWhenItCloses) {
  const auto second = CommitOneWhileAnotherComes();
  storage_.reset();
  second->Wait();
  EXPECT_TRUE(batches_[1].ops()[0].status.ok())
      << "it is committed all the same";
}

class LateWatcher final : public ChangeSink {
 public:
  bool Wants(absl::string_view) override { return wants; }
  void OnChanges(absl::Span<const KeyChange> changes) override {
    for (const KeyChange& change : changes) {
      absl::StrAppend(&told, change.key, "=", change.value.view(), " ");
    }
  }
  void OnChangesLost() override { ADD_FAILURE() << "nothing went wrong"; }
  std::atomic<bool> wants{false};
  std::string told;
};

// Who begins to watch then, and reads, finds what was before the write.
TEST_F(GroupCommitTest, WhoBeginsToWatchDuringTheSyncIsTold) {
  LateWatcher watcher;
  storage_ = MustOpen(options_);
  storage_->SetChangeSink(&watcher);
  const uint64_t syncs = files_->log_syncs();
  files_->HoldLogSyncs();
  Submitted write(storage_.get(), &batches_[0]);
  files_->WaitForLogSyncs(syncs + 1);
  watcher.wants = true;
  Batch read;
  read.Get("t", "a");
  Submitted(storage_.get(), &read).Wait();
  EXPECT_FALSE(read.ops()[0].found);
  files_->ReleaseLogSyncs();
  write.Wait();
  EXPECT_EQ(watcher.told, "a=1 ");
  storage_.reset();
}

}  // namespace
}  // namespace coffer::server
