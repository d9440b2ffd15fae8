// Which reads of RocksDbStorage are answered from memory, on the caller's
// thread, and which go to the files: none that should has an answer of its own.

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "coffer/server/storage/durable/durable_test_util.h"
#include "coffer/server/storage/durable/rocksdb_storage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"

namespace coffer::server {
namespace {

using coffer_testing::MustOpen;
using coffer_testing::NewDataDir;
using coffer_testing::Set;
using coffer_testing::Submitted;
using coffer_testing::ValueOf;
using ::testing::HasSubstr;

constexpr int kKeys = 96;

class RocksDbReadsTest : public ::testing::Test {
 protected:
  // Random: no two keys share a block.
  RocksDbReadsTest() {
    options_.data_dir = NewDataDir();
    std::mt19937_64 random(1);
    for (int i = 0; i < kKeys; ++i) {
      keys_.push_back(absl::StrCat("key", i));
      std::string value;
      while (value.size() < 5000) {
        value.push_back(static_cast<char>(random()));
      }
      values_.push_back(std::move(value));
    }
  }

  // From an empty cache.
  void Open() {
    storage_ = MustOpen(options_);
    ASSERT_NE(storage_, nullptr);
  }

  void Fill() {
    Open();
    for (int i = 0; i < kKeys; ++i) Set(*storage_, "t", keys_[i], values_[i]);
    storage_.reset();
  }

  // A file has a few keys.
  void SplitFiles() {
    rocksdb::Options options;
    options.level_compaction_dynamic_level_bytes = true;
    options.target_file_size_base = 4096;
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, options_.data_dir, &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    rocksdb::CompactRangeOptions all;
    all.bottommost_level_compaction =
        rocksdb::BottommostLevelCompaction::kForce;
    ASSERT_TRUE(db->CompactRange(all, nullptr, nullptr).ok());
    std::vector<rocksdb::LiveFileMetaData> files;
    db->GetLiveFilesMetaData(&files);
    ASSERT_GT(files.size(), 32u);
  }

  DurableOptions options_;
  std::vector<std::string> keys_;
  std::vector<std::string> values_;
  std::unique_ptr<RocksDbStorage> storage_;
};

// RocksDB opens 16 of its files at the start, and the others when they are
// needed.
TEST_F(RocksDbReadsTest, KeysOfFilesThatAreNotOpenYetAreRead) {
  Fill();
  SplitFiles();
  Open();
  for (int i = 0; i < kKeys; ++i) {
    EXPECT_TRUE(ValueOf(*storage_, "t", keys_[i]) == values_[i]) << i;
  }
}

TEST_F(RocksDbReadsTest, SeveralKeysAreReadByAnotherThreadAndThenAreInMemory) {
  Fill();
  Open();
  for (const bool in_memory : {false, true}) {
    Batch batch;
    for (const std::string& key : keys_) batch.Get("t", key);
    Submitted read(storage_.get(), &batch);
    read.Wait();
    EXPECT_EQ(read.finished_inside_submit(), in_memory);
    for (int i = 0; i < kKeys; ++i) {
      ASSERT_TRUE(batch.ops()[i].found) << i;
      EXPECT_TRUE(batch.ops()[i].value_out.view() == values_[i]) << i;
    }
  }
}

// Or a request that names a large value many times would hold as many of it.
TEST_F(RocksDbReadsTest, KeyThatIsNamedOftenIsHeldOnce) {
  Fill();
  Open();
  Set(*storage_, "u", keys_[0], "of u");
  for (const char* from : {"the files", "memory"}) {
    SCOPED_TRACE(from);
    Batch batch;
    batch.Exists("t", keys_[0]);
    for (int i = 0; i < 200; ++i) batch.Get("t", keys_[i % 2]);
    batch.Exists("t", keys_[1]);
    batch.Get("u", keys_[0]);
    batch.Get("none", keys_[0]);
    batch.Get("t", "absent");
    batch.Get("t", "absent");
    Submitted read(storage_.get(), &batch);
    read.Wait();
    const auto ops = batch.ops();
    EXPECT_TRUE(ops[0].found);
    EXPECT_FALSE(ops[0].value_out);
    for (int i = 0; i < 200; ++i) {
      const Op& op = ops[1 + i];
      ASSERT_TRUE(op.found && op.value_out.view() == values_[i % 2]) << i;
      EXPECT_EQ(op.value_out.view().data(),
                ops[1 + i % 2].value_out.view().data());
      EXPECT_EQ(op.version, ops[1 + i % 2].version);
    }
    EXPECT_TRUE(ops[201].found);
    EXPECT_FALSE(ops[201].value_out);
    EXPECT_EQ(ops[202].value_out.view(), "of u");
    for (int i = 203; i < 206; ++i) {
      EXPECT_TRUE(ops[i].status.ok() && !ops[i].found) << i;
    }
  }
}

// --- What the results of a batch may hold in memory

class Longer final : public ValueChange {
 public:
  absl::Status Apply(absl::optional<absl::string_view> present,
                     absl::Span<const Op>,
                     std::string* changed) const override {
    *changed = absl::StrCat(present.value_or(""), "+");
    return absl::OkStatus();
  }
};

class RocksDbHeldBytesTest : public RocksDbReadsTest {
 protected:
  // Values have 5000 bytes: there is room for four, the last of which passes
  // it.
  static constexpr size_t kHeldBytesMax = 17'000;
  static constexpr int kRoom = 4;

  void SetUp() override {
    Fill();
    Open();
  }

  void Execute(Batch& batch) {
    batch.set_held_bytes_max(kHeldBytesMax);
    Submitted(storage_.get(), &batch).Wait();
  }

  void ExpectFirstAreRead(absl::Span<const Op> ops) {
    for (int i = 0; i < static_cast<int>(ops.size()); ++i) {
      SCOPED_TRACE(i);
      if (i < kRoom) {
        EXPECT_TRUE(ops[i].status.ok()) << ops[i].status;
        EXPECT_TRUE(ops[i].value_out.view() == values_[i]);
        continue;
      }
      EXPECT_EQ(ops[i].status.code(), absl::StatusCode::kUnavailable);
      EXPECT_THAT(std::string(ops[i].status.message()),
                  HasSubstr("the limit is 17000"));
      EXPECT_FALSE(ops[i].value_out);
      EXPECT_FALSE(ops[i].outcome_unknown);
    }
  }
};

TEST_F(RocksDbHeldBytesTest, ReadsBehindAreRefused) {
  for (int i = 0; i < 2; ++i) {  // from the files, from memory
    Batch batch;
    for (const std::string& key : keys_) batch.Get("t", key);
    Execute(batch);
    ExpectFirstAreRead(batch.ops());
  }
}

TEST_F(RocksDbHeldBytesTest, AmongWritesTheyAreRefusedAndWritesAreDone) {
  Batch batch;
  for (const std::string& key : keys_) batch.Get("t", key);
  for (const std::string& key : keys_) batch.Set("t", key, "new");
  batch.Set("t", "other", "new");
  Execute(batch);
  ExpectFirstAreRead(batch.ops().subspan(0, kKeys));
  for (const Op& op : batch.ops().subspan(kKeys)) {
    EXPECT_TRUE(op.status.ok()) << op.status;
  }
  for (const std::string& key : keys_) {
    EXPECT_EQ(ValueOf(*storage_, "t", key), "new");
  }
}

TEST_F(RocksDbHeldBytesTest, WhatIsOnlyOverwrittenIsNotHeld) {
  Batch batch;
  for (const std::string& key : keys_) batch.Exists("t", key);
  for (const std::string& key : keys_) batch.Set("t", key, "new");
  for (const std::string& key : keys_) batch.Delete("t", key);
  Execute(batch);
  for (const Op& op : batch.ops()) EXPECT_TRUE(op.status.ok()) << op.status;
  EXPECT_EQ(storage_->counts().keys, 0u);
}

TEST_F(RocksDbHeldBytesTest, ChangesOfOneLargeValueAreRefused) {
  const Longer longer;
  Batch batch;
  for (int i = 0; i < 10; ++i) batch.Change("t", keys_[0], &longer);
  Execute(batch);
  int done = 0;
  for (const Op& op : batch.ops()) done += op.status.ok();
  EXPECT_EQ(done, kRoom);
  EXPECT_TRUE(absl::IsUnavailable(batch.ops()[done].status));
  EXPECT_EQ(ValueOf(*storage_, "t", keys_[0]), values_[0] + "++++");
}

TEST_F(RocksDbHeldBytesTest,
       ChangesOfManyLargeValuesAreDoneAsFarAsThereIsRoom) {
  const Longer longer;
  Batch batch;
  for (const std::string& key : keys_) batch.Change("t", key, &longer);
  Execute(batch);
  for (int i = 0; i < kKeys; ++i) {
    const bool is_done = i < kRoom;
    EXPECT_EQ(batch.ops()[i].status.ok(), is_done) << i;
    EXPECT_EQ(absl::IsUnavailable(batch.ops()[i].status), !is_done) << i;
    EXPECT_TRUE(ValueOf(*storage_, "t", keys_[i]) ==
                values_[i] + (is_done ? "+" : ""))
        << i;
  }
}

// What one has of it, however often a table is looked at in between.
TEST_F(RocksDbHeldBytesTest, TablesBetweenThemMakeNoRoom) {
  Batch batch;
  batch.Set("u", "k", "v");
  for (const std::string& key : keys_) {
    batch.CountKeys("t");
    batch.Get("t", key);
  }
  batch.GetTable("t");
  Execute(batch);
  int read = 0;
  for (const Op& op : batch.ops()) {
    read += op.kind == OpKind::kGet && op.status.ok();
  }
  EXPECT_EQ(read, kRoom);
  EXPECT_TRUE(absl::IsUnavailable(batch.ops().back().status));
}

TEST_F(RocksDbHeldBytesTest, GroupThatIsTooMuchByItselfSaysSo) {
  const Longer longer;
  Batch reads;
  const uint32_t of_reads = reads.NewGroup();
  for (const std::string& key : keys_) reads.Get("t", key, of_reads);
  Execute(reads);
  EXPECT_TRUE(absl::IsResourceExhausted(reads.ops().back().status));
  Batch changes;
  const uint32_t of_changes = changes.NewGroup();
  for (int i = 0; i < 10; ++i) {
    changes.Change("t", keys_[0], &longer, of_changes);
  }
  Execute(changes);
  int said_why = 0;
  for (const Op& op : changes.ops()) {
    EXPECT_FALSE(op.status.ok());
    said_why += absl::IsResourceExhausted(op.status);
  }
  EXPECT_EQ(said_why, 1);
  EXPECT_TRUE(ValueOf(*storage_, "t", keys_[0]) == values_[0]);
}

}  // namespace
}  // namespace coffer::server
