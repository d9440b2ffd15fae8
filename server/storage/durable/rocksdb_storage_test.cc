// What RocksDbStorage does beyond what the conformance suite asks of every
// engine: syncs, group commit, what it opens and what not.

#include "coffer/server/storage/durable/rocksdb_storage.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/storage/durable/durable_test_util.h"
#include "coffer/server/storage/durable/faulty_file_system.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/testing/manual_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"

namespace coffer::server {
namespace {

using coffer_testing::Execute;
using coffer_testing::FaultyFileSystem;
using coffer_testing::MustOpen;
using coffer_testing::NewDataDir;
using coffer_testing::Set;
using coffer_testing::Submitted;
using coffer_testing::ValueOf;
using ::testing::HasSubstr;

class RocksDbStorageTest : public ::testing::Test {
 protected:
  RocksDbStorageTest() {
    options_.data_dir = NewDataDir();
    options_.file_system = files_;
  }

  void Open() {
    storage_.reset();
    storage_ = MustOpen(options_);
    ASSERT_NE(storage_, nullptr);
  }

  // Why it does not open.
  std::string WhyNotOpen() {
    storage_.reset();
    auto opened = RocksDbStorage::Open(options_);
    return opened.ok() ? "it opens" : opened.status().ToString();
  }

  std::string FileNamed(absl::string_view suffix) {
    for (const auto& entry :
         std::filesystem::directory_iterator(options_.data_dir)) {
      if (absl::EndsWith(entry.path().string(), suffix) &&
          entry.file_size() > 0) {
        return entry.path().string();
      }
    }
    ADD_FAILURE() << "no file *" << suffix;
    return "";
  }

  static void Flip(const std::string& path, std::streamoff at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x40));
    EXPECT_TRUE(file.flush().good()) << path;
  }

  const std::shared_ptr<FaultyFileSystem> files_ =
      std::make_shared<FaultyFileSystem>();
  DurableOptions options_;
  std::unique_ptr<RocksDbStorage> storage_;
};

TEST_F(RocksDbStorageTest, DeclaresWhatItIs) {
  Open();
  EXPECT_EQ(storage_->name(), "rocksdb");
  EXPECT_TRUE(storage_->capabilities().durable);
  EXPECT_TRUE(storage_->capabilities().atomic_across_keys);
  EXPECT_TRUE(storage_->capabilities().ordered_scan);
  EXPECT_TRUE(storage_->WriteStatus().ok());
}

TEST_F(RocksDbStorageTest, ReadsGoOnWhileWritesSyncAndSeeOnlyWhatIsSynced) {
  Open();
  Set(*storage_, "t", "k", "old");
  const uint64_t syncs = files_->log_syncs();
  files_->HoldLogSyncs();
  Batch batch;
  batch.Set("t", "k", "new");
  batch.Set("made", "k", "new");
  Submitted write(storage_.get(), &batch);
  files_->WaitForLogSyncs(syncs + 1);
  EXPECT_EQ(ValueOf(*storage_, "t", "k"), "old");
  EXPECT_EQ(ValueOf(*storage_, "made", "k"), "none");
  Batch table;
  table.GetTable("t");
  Execute(*storage_, table);
  ASSERT_EQ(table.ops()[0].entries.size(), 1u);
  EXPECT_EQ(table.ops()[0].entries[0].value.view(), "old");
  files_->ReleaseLogSyncs();
  write.Wait();
  EXPECT_EQ(ValueOf(*storage_, "t", "k"), "new");
  EXPECT_EQ(ValueOf(*storage_, "made", "k"), "new");
}

TEST_F(RocksDbStorageTest, WritesThatWaitTogetherShareOneSync) {
  Open();
  Set(*storage_, "t", "counter", "0");
  const uint64_t syncs = files_->log_syncs();
  files_->HoldLogSyncs();
  constexpr int kBatches = 20;
  std::vector<Batch> batches(kBatches);
  std::vector<std::string> values;
  for (int i = 0; i < kBatches; ++i) values.push_back(absl::StrCat(i + 1));
  std::vector<std::unique_ptr<Submitted>> submitted;
  for (int i = 0; i < kBatches; ++i) {
    batches[i].Set("t", "counter", values[i], /*want_previous=*/true);
    submitted.push_back(
        std::make_unique<Submitted>(storage_.get(), &batches[i]));
    if (i == 0) files_->WaitForLogSyncs(syncs + 1);
  }
  files_->ReleaseLogSyncs();
  for (auto& one : submitted) one->Wait();
  EXPECT_EQ(files_->log_syncs(), syncs + 2)
      << "of 20 batches, the 19 that waited";
  for (int i = 0; i < kBatches; ++i) {
    EXPECT_EQ(batches[i].ops()[0].value_out.view(), absl::StrCat(i))
        << "each sees the one before it";
  }
}

TEST_F(RocksDbStorageTest, ReadOfWhatIsInMemoryFinishesInsideSubmit) {
  Open();
  Set(*storage_, "t", "k", "v");
  Batch batch;
  batch.Get("t", "k");
  batch.Exists("t", "none");
  batch.Get("no table", "k");
  EXPECT_TRUE(Submitted(storage_.get(), &batch).finished_inside_submit());
  EXPECT_EQ(batch.ops()[0].value_out.view(), "v");
}

TEST_F(RocksDbStorageTest, ReadThatNeedsTheDiskIsDoneByAnotherThread) {
  Open();
  const std::string value(10000, 'v');  // fills a block
  Set(*storage_, "t", "before k", value);
  Set(*storage_, "t", "k", value);
  Open();  // what was in the log is in a file now
  Batch batch;
  batch.Get("t", "k");
  Submitted read(storage_.get(), &batch);
  EXPECT_FALSE(read.finished_inside_submit());
  read.Wait();
  EXPECT_EQ(batch.ops()[0].value_out.view(), value);
  batch.Clear();
  batch.Get("t", "k");
  EXPECT_TRUE(Submitted(storage_.get(), &batch).finished_inside_submit())
      << "it is in the cache now";
}

TEST_F(RocksDbStorageTest, AnsweredWritesSurviveALossOfPower) {
  Open();
  Set(*storage_, "t", "a", "1");
  Set(*storage_, "t", "b", "2");
  const uint64_t syncs = files_->log_syncs();
  files_->HoldLogSyncs();
  Batch batch;
  batch.Set("t", "a", "not answered");
  Submitted write(storage_.get(), &batch);
  files_->WaitForLogSyncs(syncs + 1);
  DurableOptions after = options_;
  after.data_dir = NewDataDir();
  files_->CopyAfterPowerLoss(options_.data_dir, after.data_dir);
  files_->ReleaseLogSyncs();
  write.Wait();
  auto storage = MustOpen(after);
  ASSERT_NE(storage, nullptr);
  EXPECT_EQ(ValueOf(*storage, "t", "a"), "1");
  EXPECT_EQ(ValueOf(*storage, "t", "b"), "2");
  EXPECT_EQ(storage->counts().keys, 2u);
}

// That the test above can fail.
TEST_F(RocksDbStorageTest, UnsyncedWritesDoNotSurviveALossOfPower) {
  options_.sync = SyncMode::kNever;
  Open();
  // The first one is synced, for the versions that are given from then on.
  Set(*storage_, "t", "a", "0");
  Set(*storage_, "t", "a", "1");
  DurableOptions after = options_;
  after.data_dir = NewDataDir();
  files_->CopyAfterPowerLoss(options_.data_dir, after.data_dir);
  auto storage = MustOpen(after);
  ASSERT_NE(storage, nullptr);
  EXPECT_EQ(ValueOf(*storage, "t", "a"), "0");
  storage.reset();
  Open();  // closed in order, it is there
  EXPECT_EQ(ValueOf(*storage_, "t", "a"), "1");
}

// A log is longer than what was written to it, by zeros, while it is open.
class KilledServerTest : public RocksDbStorageTest {
 protected:
  // Writes 1 to `a`, 2 to `b`; what a kill would leave is in after_.
  void WriteAndKill() {
    Open();
    Set(*storage_, "t", "a", "1");
    Set(*storage_, "t", "b", "2");
    after_.data_dir = NewDataDir();
    std::filesystem::copy(options_.data_dir, after_.data_dir);
    options_.data_dir = after_.data_dir;  // of FileNamed and WhyNotOpen
    log_ = FileNamed(".log");
    std::ifstream file(log_, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    log_end_ = bytes.find_last_not_of('\0') + 1;
    ASSERT_GT(bytes.size(), log_end_ + 1000) << "there are no zeros";
  }

  void ZeroFrom(uint64_t at) const {
    const uint64_t size = std::filesystem::file_size(log_);
    std::filesystem::resize_file(log_, at);
    std::filesystem::resize_file(log_, size);
  }

  std::string Found() {
    storage_ = MustOpen(after_);
    if (storage_ == nullptr) return "";
    return absl::StrCat(ValueOf(*storage_, "t", "a"), " ",
                        ValueOf(*storage_, "t", "b"));
  }

  DurableOptions after_;
  std::string log_;
  uint64_t log_end_ = 0;
};

TEST_F(KilledServerTest, TheZerosOfItsLogAreNoDamage) {
  WriteAndKill();
  EXPECT_EQ(Found(), "1 2");
}

TEST_F(KilledServerTest, ARecordThatEndsInZerosWasNeverAnswered) {
  WriteAndKill();
  ZeroFrom(log_end_ - 5);
  EXPECT_EQ(Found(), "1 none");
}

TEST_F(KilledServerTest, DamageBeforeTheZerosIsFound) {
  WriteAndKill();
  Flip(log_, log_end_ - 5);
  EXPECT_THAT(WhyNotOpen(), HasSubstr("checksum mismatch"));
  after_.accept_damaged_log = true;
  EXPECT_EQ(Found(), "1 none");
}

TEST_F(KilledServerTest, ZerosAmongItsRecordsAreDamage) {
  WriteAndKill();
  {
    std::fstream file(log_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(0);
    file << std::string(log_end_ - 5, '\0');
  }
  EXPECT_THAT(WhyNotOpen(), HasSubstr("has zeros at 0"));
}

TEST_F(RocksDbStorageTest, AClosedLogHasNoZeros) {
  Open();
  Set(*storage_, "t", "a", "1");
  const std::string log = FileNamed(".log");
  const uint64_t open_size = std::filesystem::file_size(log);
  storage_.reset();
  EXPECT_LT(std::filesystem::file_size(log), open_size);
  EXPECT_LT(std::filesystem::file_size(log), 1000u);
}

TEST_F(RocksDbStorageTest, FullQueueRefusesWithNothingDone) {
  options_.queue_bytes_max = 1000;
  Open();
  Set(*storage_, "t", "k", "old");
  const uint64_t syncs = files_->log_syncs();
  files_->HoldLogSyncs();
  const std::string value(600, 'v');
  Batch batches[3];
  for (Batch& batch : batches) batch.Set("t", "k", value);
  Submitted runs(storage_.get(), &batches[0]);
  files_->WaitForLogSyncs(syncs + 1);
  Submitted waits(storage_.get(), &batches[1]);
  Submitted refused(storage_.get(), &batches[2]);
  EXPECT_TRUE(refused.finished_inside_submit());
  const Op& op = batches[2].ops()[0];
  EXPECT_EQ(op.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(op.status.message()), HasSubstr("the limit is 1000"));
  EXPECT_FALSE(op.outcome_unknown);
  files_->ReleaseLogSyncs();
  runs.Wait();
  waits.Wait();
  EXPECT_TRUE(batches[1].ops()[0].status.ok());
}

TEST_F(RocksDbStorageTest, TablesAndTheirCountsAreThereAfterwards) {
  Open();
  Batch batch;
  for (const char* key : {"a", "b", "c"}) batch.Set("t", key, "v");
  batch.Set("", "", "");
  batch.Set("short", "k", "v");
  batch.Delete("short", "k");
  Execute(*storage_, batch);
  batch.Clear();
  batch.Delete("t", "b");
  batch.Delete("t", "none");
  Execute(*storage_, batch);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(storage_->counts().tables, 2u);
    EXPECT_EQ(storage_->counts().keys, 3u);
    Open();
  }
}

// A name that is used again has nothing of what the table had before, though
// its last key went and its first came in one batch.
TEST_F(RocksDbStorageTest, TableEmptiedAndFilledInOneBatchIsTheNewOne) {
  Open();
  Set(*storage_, "t", "old", "1");
  Batch batch;
  batch.Delete("t", "old");
  batch.GetTable("t");
  batch.Set("t", "new", "2");
  batch.GetTable("t");
  Execute(*storage_, batch);
  EXPECT_TRUE(batch.ops()[1].entries.empty());
  ASSERT_EQ(batch.ops()[3].entries.size(), 1u);
  EXPECT_EQ(batch.ops()[3].entries[0].key.view(), "new");
  EXPECT_EQ(storage_->counts().keys, 1u);
  Open();
  EXPECT_EQ(ValueOf(*storage_, "t", "old"), "none");
  EXPECT_EQ(ValueOf(*storage_, "t", "new"), "2");
}

TEST_F(RocksDbStorageTest, DirectoryInUseIsRefused) {
  Open();
  auto second = RocksDbStorage::Open(options_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(second.status().message(),
            absl::StrCat("cannot open data directory ", options_.data_dir,
                         ": another server has it open"));
  EXPECT_EQ(Set(*storage_, "t", "k", "v").status, absl::OkStatus())
      << "the first goes on";
}

TEST_F(RocksDbStorageTest, WhatIsNoDataDirectoryIsLeftAlone) {
  std::filesystem::create_directory(options_.data_dir);
  std::ofstream(options_.data_dir + "/letter.txt") << "dear all";
  EXPECT_THAT(WhyNotOpen(),
              HasSubstr("it has no file CURRENT, but letter.txt: not data of "
                        "Coffer, or damaged"));
  const std::string parent = options_.data_dir;
  options_.data_dir = parent + "/letter.txt";
  EXPECT_THAT(WhyNotOpen(), HasSubstr("cannot use data directory"));
  options_.data_dir = parent + "/no/such";
  EXPECT_THAT(WhyNotOpen(), HasSubstr("No such file or directory"));
}

TEST_F(RocksDbStorageTest, DatabaseOfAnotherProgramIsRefused) {
  {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, options_.data_dir, &db).ok());
    const std::unique_ptr<rocksdb::DB> owned(db);
    ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "theirs", "1").ok());
  }
  EXPECT_THAT(WhyNotOpen(), HasSubstr("a RocksDB database that is not Coffer"));
  {
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(
        rocksdb::DB::Open(rocksdb::Options(), options_.data_dir, &db).ok());
    const std::unique_ptr<rocksdb::DB> owned(db);
    rocksdb::ColumnFamilyHandle* family = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily({}, "retries", &family).ok());
    db->DestroyColumnFamilyHandle(family);
  }
  EXPECT_THAT(WhyNotOpen(), HasSubstr("it has a column family retries"));
}

TEST_F(RocksDbStorageTest, NewerFormatIsRefused) {
  Open();
  Set(*storage_, "t", "k", "v");
  const auto write_format = [&](const std::string& format) {
    storage_.reset();
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(
        rocksdb::DB::Open(rocksdb::Options(), options_.data_dir, &db).ok());
    const std::unique_ptr<rocksdb::DB> owned(db);
    ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), FormatKey(), format).ok());
  };
  write_format("3");
  EXPECT_THAT(WhyNotOpen(), HasSubstr("its format is 3, written by a newer "
                                      "version; this one reads up to 2"));
  write_format("two");
  EXPECT_THAT(WhyNotOpen(), HasSubstr("its format record is damaged"));
  write_format("2");
  Open();
  EXPECT_EQ(ValueOf(*storage_, "t", "k"), "v");
}

TEST_F(RocksDbStorageTest, LogThatEndsInARecordIsTakenAndDamageIsRefused) {
  Open();
  Set(*storage_, "t", "first", std::string(1000, 'a'));
  Set(*storage_, "t", "last", std::string(1000, 'b'));
  storage_.reset();
  const std::string log = FileNamed(".log");
  const auto size = std::filesystem::file_size(log);
  DurableOptions torn = options_;
  torn.data_dir = NewDataDir();
  std::filesystem::copy(options_.data_dir, torn.data_dir);
  std::filesystem::resize_file(
      torn.data_dir / std::filesystem::path(log).filename(), size - 500);
  auto storage = MustOpen(torn);
  ASSERT_NE(storage, nullptr);
  EXPECT_EQ(ValueOf(*storage, "t", "first"), std::string(1000, 'a'));
  EXPECT_EQ(ValueOf(*storage, "t", "last"), "none") << "never answered";
  Flip(log, static_cast<std::streamoff>(size) / 2 - 500);
  EXPECT_THAT(WhyNotOpen(), HasSubstr("DATA_LOSS: cannot open data directory"));
  options_.accept_damaged_log = true;
  Open();
  EXPECT_EQ(ValueOf(*storage_, "t", "first"), "none");
  EXPECT_EQ(ValueOf(*storage_, "t", "last"), "none");
  EXPECT_EQ(storage_->counts().keys, 0u);
  options_.accept_damaged_log = false;
  Open();  // it is no longer damaged
}

TEST_F(RocksDbStorageTest, LostFileIsNoticed) {
  Open();
  Set(*storage_, "t", "k", "v");
  Open();
  storage_.reset();
  std::filesystem::remove(FileNamed(".sst"));
  EXPECT_THAT(WhyNotOpen(), HasSubstr("DATA_LOSS"));
}

TEST_F(RocksDbStorageTest, LostBeginningIsNoticedAndNothingIsRemoved) {
  Open();
  Set(*storage_, "t", "k", "v");
  Open();
  storage_.reset();
  std::filesystem::remove(options_.data_dir + "/CURRENT");
  EXPECT_THAT(WhyNotOpen(), HasSubstr("it has no file CURRENT, but "));
  EXPECT_NE(FileNamed(".sst"), "");
}

TEST_F(RocksDbStorageTest, CorruptBlockIsDataLossAndNoAbsentKey) {
  Open();
  std::mt19937 random(1);
  std::vector<std::string> values(10);
  for (size_t i = 0; i < values.size(); ++i) {
    while (values[i].size() < 3000) {
      values[i].push_back(static_cast<char>(random()));
    }
    Set(*storage_, "t", absl::StrCat(i), values[i]);
  }
  Open();
  storage_.reset();
  Flip(FileNamed(".sst"), 15000);  // of 30000 and a little
  Open();
  std::string corrupt;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string value = ValueOf(*storage_, "t", absl::StrCat(i));
    if (value == values[i]) continue;
    EXPECT_THAT(value, HasSubstr("error: DATA_LOSS")) << i;
    corrupt = absl::StrCat(i);
  }
  ASSERT_NE(corrupt, "");
  Batch batch;
  batch.GetTable("t");
  batch.Set("t", corrupt, "w");  // it would have to know what was there
  batch.Set("t", "another", "w");
  Execute(*storage_, batch);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(batch.ops()[i].status.code(), absl::StatusCode::kDataLoss);
    EXPECT_TRUE(batch.ops()[i].entries.empty());
    EXPECT_FALSE(batch.ops()[i].outcome_unknown);
  }
  EXPECT_TRUE(batch.ops()[2].status.ok()) << batch.ops()[2].status;
}

TEST_F(RocksDbStorageTest, DamagedKeyThatHasExpiredKeepsNoOther) {
  coffer_testing::ManualClock clock;
  options_.clock = &clock;
  Open();
  std::mt19937 random(1);
  const Expiry soon{Expiry::Kind::kAfterMs, 1000};
  const auto expire = [&](const std::string& table, const std::string& key) {
    Batch batch;
    batch.Expire(table, key, soon);
    Execute(*storage_, batch);
    ASSERT_TRUE(batch.ops()[0].status.ok());
  };
  for (int i = 0; i < 10; ++i) {
    std::string value;
    while (value.size() < 5000) value.push_back(static_cast<char>(random()));
    Set(*storage_, "t", absl::StrCat(i), value);
    expire("t", absl::StrCat(i));
  }
  Set(*storage_, "u", "k", "v");
  expire("u", "k");
  Open();
  storage_.reset();
  Flip(FileNamed(".sst"), 25000);  // each has a block of its own
  Open();
  Set(*storage_, "u", "stays", "v");
  const auto sweep_until = [&](uint64_t keys) {
    while (storage_->counts().keys > keys) {
      clock.AdvanceToNextDeadline();
      std::this_thread::yield();
    }
  };
  clock.AdvanceBy(std::chrono::seconds(2));
  sweep_until(2);
  EXPECT_EQ(storage_->counts().keys, 2u)
      << "the damaged one, and one that stays";
  expire("u", "stays");
  sweep_until(1);
  const PageRange page{.limit = 10};
  Batch batch;
  batch.CountKeys("t");
  batch.ListTables(&page);
  batch.DropTable("t");
  Execute(*storage_, batch);
  for (const Op& op : batch.ops()) EXPECT_TRUE(op.status.ok()) << op.status;
  EXPECT_EQ(batch.ops()[0].tables[0].keys, 1u);
  EXPECT_EQ(storage_->counts().keys, 0u);
  storage_.reset();
}

}  // namespace
}  // namespace coffer::server
