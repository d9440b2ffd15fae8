// What the durable engine makes of the operations beyond reads and writes of
// keys: that they outlive a restart, and what others see of them meanwhile.
// (That their results are right, rocksdb_model_test shows.)

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "coffer/server/storage/durable/durable_test_util.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/testing/manual_clock.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"

namespace coffer::server {
namespace {

using coffer_testing::Execute;
using coffer_testing::Get;
using coffer_testing::ManualClock;
using coffer_testing::MustOpen;
using coffer_testing::NewDataDir;
using coffer_testing::RunOne;
using coffer_testing::Set;
using coffer_testing::ValueOf;

// Its value is `text`.
class Text final : public ValueChange {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  absl::Status Apply(absl::optional<absl::string_view>, absl::Span<const Op>,
                     std::string* changed) const override {
    *changed = text_;
    return absl::OkStatus();
  }

 private:
  const std::string text_;
};

class RocksDbOperationsTest : public ::testing::Test {
 protected:
  RocksDbOperationsTest() {
    clock_.SetWall(absl::FromUnixMillis(1000000));
    options_.data_dir = NewDataDir();
    options_.clock = &clock_;
    storage_ = MustOpen(options_);
  }

  void Reopen() {
    storage_.reset();
    storage_ = MustOpen(options_);
  }

  std::string Notes() {
    std::string notes;
    const absl::Status read = storage_->ForEachNote(
        [&](absl::string_view name, absl::string_view note) {
          absl::StrAppend(&notes, name, "=", note, " ");
        });
    EXPECT_TRUE(read.ok()) << read;
    return notes;
  }

  std::string Tables() {
    const PageRange page{.limit = 100};
    Batch batch;
    batch.ListTables(&page);
    std::string tables;
    for (const TableStats& table : RunOne(*storage_, batch).tables) {
      absl::StrAppend(&tables, table.name, ":", table.keys, ":", table.bytes,
                      " ");
    }
    return tables;
  }

  Op SetExpiring(absl::string_view key, uint64_t after_ms) {
    Batch batch;
    batch.Set("t", key, "v");
    batch.op(0).expiry = {Expiry::Kind::kAfterMs, after_ms};
    return RunOne(*storage_, batch);
  }

  // Time passes, and what the threads of the engine do then is done.
  void AdvanceAndSweep(std::chrono::milliseconds duration) {
    clock_.AdvanceBy(duration);
    while (storage_->counts().keys != LiveKeys()) {
      clock_.AdvanceBy(std::chrono::milliseconds(100));
      std::this_thread::yield();
    }
  }
  uint64_t LiveKeys() {
    const PageRange page{.limit = 1000};
    Batch batch;
    batch.ListTables(&page);
    uint64_t keys = 0;
    for (const TableStats& table : RunOne(*storage_, batch).tables) {
      keys += table.keys;
    }
    return keys;
  }

  ManualClock clock_;
  DurableOptions options_;
  std::unique_ptr<RocksDbStorage> storage_;
};

TEST_F(RocksDbOperationsTest, NotesAreWrittenWithTheirGroupAndOutliveARestart) {
  const Text note("done");
  Batch batch;
  const uint32_t group = batch.NewGroup();
  batch.Set("t", "k", "v", false, group);
  batch.SetNote("client1", &note, group);
  const uint32_t failing = batch.NewGroup();
  batch.op(batch.Set("t", "k", "w", false, failing)).condition.kind =
      Condition::Kind::kAbsent;
  batch.SetNote("client2", &note, failing);
  const uint32_t late = batch.NewGroup();
  batch.SetNote("client3", &note, late);
  batch.op(batch.Set("t", "k", "w", false, late)).condition.kind =
      Condition::Kind::kAbsent;
  Execute(*storage_, batch);
  EXPECT_EQ(Notes(), "client1=done ");
  Reopen();
  EXPECT_EQ(Notes(), "client1=done ");
  EXPECT_EQ(ValueOf(*storage_, "t", "k"), "v");
  Batch remove;
  remove.DeleteNote("client1");
  Execute(*storage_, remove);
  EXPECT_EQ(Notes(), "");
}

TEST_F(RocksDbOperationsTest, TablesDroppedAndRenamedStaySo) {
  Set(*storage_, "a", "k", "12");
  Set(*storage_, "b", "k", "345");
  Set(*storage_, "c", "k", "6");
  Batch batch;
  batch.DropTable("a");
  batch.RenameTable("b", "d");
  batch.Set("a", "new", "");
  batch.RenameTable("c", "d");  // there is one
  batch.GetTable("d");
  Execute(*storage_, batch);
  EXPECT_EQ(batch.op(3).status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(batch.op(4).entries.size(), 1u);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Tables(), "a:1:3 c:1:2 d:1:4 ");
    EXPECT_EQ(ValueOf(*storage_, "d", "k"), "345");
    EXPECT_EQ(ValueOf(*storage_, "a", "k"), "none");
    EXPECT_EQ(ValueOf(*storage_, "b", "k"), "none");
    Reopen();
  }
}

TEST_F(RocksDbOperationsTest, ExpiryOutlivesARestart) {
  SetExpiring("short", 1000);
  SetExpiring("long", 100000);
  Reopen();
  EXPECT_EQ(Get(*storage_, "t", "long").expires_at_ms, 1100000u);
  clock_.AdvanceBy(std::chrono::seconds(2));
  EXPECT_EQ(ValueOf(*storage_, "t", "short"), "none");
  EXPECT_EQ(ValueOf(*storage_, "t", "long"), "v");
  Reopen();
  EXPECT_EQ(ValueOf(*storage_, "t", "short"), "none");
  EXPECT_EQ(Tables(), "t:1:5 ");
}

TEST_F(RocksDbOperationsTest, WhatHasExpiredIsSweptAndLeavesNothing) {
  constexpr int kKeys = 2500;  // more than one piece
  std::vector<std::string> keys;
  for (int i = 0; i < kKeys; ++i) keys.push_back(absl::StrCat("key", i));
  Batch batch;
  for (const std::string& key : keys) {
    batch.op(batch.Set("t", key, "v")).expiry = {Expiry::Kind::kAfterMs, 1000};
  }
  Execute(*storage_, batch);
  Set(*storage_, "u", "stays", "v");
  // These are not what their entries were made for any more.
  Set(*storage_, "t", "key1", "kept");
  Batch again;
  again.op(again.Set("t", "key2", "v")).expiry = {Expiry::Kind::kAfterMs,
                                                  1000000};
  Execute(*storage_, again);
  Batch drop;
  drop.DropTable("gone");
  AdvanceAndSweep(std::chrono::seconds(2));
  EXPECT_EQ(storage_->counts().keys, 3u);
  EXPECT_EQ(Tables(), "t:2:13 u:1:6 ");
  storage_.reset();
  // On the disk, too.
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(
      rocksdb::DB::OpenForReadOnly(rocksdb::Options(), options_.data_dir, &db)
          .ok());
  const std::unique_ptr<rocksdb::DB> owned(db);
  int entries = 0;
  const std::unique_ptr<rocksdb::Iterator> it(
      db->NewIterator(rocksdb::ReadOptions()));
  const KeyRange all = ExpiredAt(UINT64_MAX);
  for (it->Seek(all.begin); it->Valid(); it->Next()) {
    if (it->key().ToString() >= all.end) break;
    ++entries;
  }
  EXPECT_EQ(entries, 1) << "that of key2";
}

// Keys are swept, and others written, while they are counted.
TEST_F(RocksDbOperationsTest, CountsAreExactWhileItSweeps) {
  options_.sync = SyncMode::kNever;
  Reopen();
  Set(*storage_, "t", "stays", "v");
  for (int round = 0; round < 100; ++round) {
    Batch batch;
    std::vector<std::string> keys;
    for (int i = 0; i < 20; ++i) keys.push_back(absl::StrCat("key", i));
    for (const std::string& key : keys) {
      const Expiry soon{Expiry::Kind::kAfterMs, 10};
      batch.op(batch.Set("t", key, "v")).expiry = soon;
      batch.op(batch.Set("gone", key, "v")).expiry = soon;
    }
    Execute(*storage_, batch);
    clock_.AdvanceBy(std::chrono::milliseconds(100));
    while (storage_->counts().keys > 1) {
      Batch count;
      count.CountKeys("t");
      count.CountKeys("gone");
      Execute(*storage_, count);
      ASSERT_EQ(count.op(0).tables.size(), 1u);
      ASSERT_EQ(count.op(0).tables[0].keys, 1u) << "round " << round;
      ASSERT_EQ(count.op(0).tables[0].bytes, 6u);
      ASSERT_FALSE(count.op(1).found) << "round " << round;
      ASSERT_EQ(Tables(), "t:1:6 ");
      clock_.AdvanceBy(std::chrono::milliseconds(100));
    }
  }
}

// Readers of two keys of a table that is dropped, made again and renamed all
// the time see both or none.
TEST_F(RocksDbOperationsTest, ReadersSeeATableWholeOrNotAtAll) {
  options_.sync = SyncMode::kNever;
  Reopen();
  std::atomic<bool> stop{false};
  std::atomic<int> whole{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&, i] {
      while (!stop) {
        const char* name = i == 0 ? "t" : "u";
        Batch batch;
        const uint32_t group = batch.NewGroup();
        batch.Get(name, "left", group);
        batch.Get(name, "right", group);
        batch.GetTable(name);
        Execute(*storage_, batch);
        EXPECT_EQ(batch.op(0).found, batch.op(1).found);
        EXPECT_EQ(batch.op(0).value_out.view(), batch.op(1).value_out.view());
        EXPECT_TRUE(batch.op(2).entries.size() == 2 ||
                    batch.op(2).entries.empty());
        if (batch.op(0).found) ++whole;
      }
    });
  }
  for (int i = 0; i < 300 || whole == 0; ++i) {
    const std::string value = absl::StrCat(i);
    Batch batch;
    const uint32_t group = batch.NewGroup();
    batch.Set("t", "left", value, false, group);
    batch.Set("t", "right", value, false, group);
    Execute(*storage_, batch);
    Batch change;
    if (i % 2 == 0) {
      change.RenameTable("t", "u");
    } else {
      change.DropTable("t");
    }
    change.DropTable("u");
    Execute(*storage_, change);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

// The table as its changes tell.
class Replica final : public ChangeSink {
 public:
  bool Wants(absl::string_view table) override { return table == "t"; }
  void OnChanges(absl::Span<const KeyChange> changes) override {
    std::lock_guard lock(mutex_);
    for (const KeyChange& change : changes) {
      EXPECT_EQ(change.table, "t");
      EXPECT_GT(change.version, version_) << "one order of all";
      version_ = change.version;
      if (change.kind == KeyChange::Kind::kSet) {
        keys_[std::string(change.key)] = std::string(change.value.view());
      } else if (change.kind == KeyChange::Kind::kTableGone) {
        keys_.clear();
      } else if (change.kind != KeyChange::Kind::kTableCame) {
        EXPECT_EQ(keys_.erase(std::string(change.key)), 1u) << change.key;
      }
    }
  }
  void OnChangesLost() override { ADD_FAILURE() << "nothing went wrong"; }
  std::map<std::string, std::string> keys() {
    std::lock_guard lock(mutex_);
    return keys_;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> keys_;
  uint64_t version_ = 0;
};

TEST_F(RocksDbOperationsTest, ReplayedChangesGiveTheTable) {
  Replica replica;
  options_.sync = SyncMode::kNever;
  Reopen();
  storage_->SetChangeSink(&replica);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 400; ++i) {
        const std::string key = absl::StrCat((i * 7 + t) % 30);
        const std::string other = absl::StrCat((i * 3 + t) % 30);
        const std::string value = absl::StrCat(t, "/", i);
        Batch batch;
        const uint32_t group = batch.NewGroup();
        batch.Set("t", key, value, false, group);
        const std::string again = value + "again";
        batch.Set("t", key, again, false, group);
        batch.Delete("t", other, false, group);
        batch.Set("u", key, "unwatched", false, group);
        if (i % 5 == 0) {  // fails, and the group does nothing
          batch.op(batch.Set("t", key, "", false, group)).condition = {
              Condition::Kind::kVersionEqual, 1};
        }
        if (i % 3 == 0) batch.op(0).expiry = {Expiry::Kind::kAfterMs, 5};
        if (i % 97 == 96) batch.DropTable("t");
        Execute(*storage_, batch);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  AdvanceAndSweep(std::chrono::seconds(1));
  Batch batch;
  batch.GetTable("t");
  std::map<std::string, std::string> stored;
  for (const TableEntry& entry : RunOne(*storage_, batch).entries) {
    stored[std::string(entry.key.view())] = std::string(entry.value.view());
  }
  EXPECT_EQ(replica.keys(), stored);
  storage_.reset();  // before the replica
}

TEST_F(RocksDbOperationsTest, ScanInTheOrderOfKeysWhileItChanges) {
  for (int i = 0; i < 100; ++i) {
    Set(*storage_, "t", absl::StrCat("key", 100 + i), "v");
  }
  PageRange page{
      .prefix = "key1", .begin = "key10", .end = "key195", .limit = 7};
  std::string cursor;
  std::string last;
  int given = 0;
  do {
    page.cursor = cursor;
    Batch batch;
    batch.Scan("t", &page);
    const Op op = RunOne(*storage_, batch);
    ASSERT_TRUE(op.status.ok()) << op.status;
    for (const TableEntry& entry : op.entries) {
      EXPECT_GT(entry.key.view(), last);
      last = std::string(entry.key.view());
      given += last.size() == 6;
    }
    cursor = op.cursor_out;
    Batch change;
    change.Set("t", "key10xx", "comes behind or before");
    const std::string behind = last + "y";
    change.Delete("t", behind);
    Execute(*storage_, change);
  } while (!cursor.empty());
  EXPECT_EQ(given, 95);
  EXPECT_EQ(last, "key194");
  page.cursor = "no cursor";
  Batch batch;
  batch.Scan("t", &page);
  EXPECT_EQ(RunOne(*storage_, batch).status.code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(RocksDbOperationsTest, DataOfFormat1IsTakenOver) {
  storage_.reset();
  {
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(
        rocksdb::DB::Open(rocksdb::Options(), options_.data_dir, &db).ok());
    const std::unique_ptr<rocksdb::DB> owned(db);
    rocksdb::WriteBatch write;
    write.Put(FormatKey(), "1");
    write.Put(LastTableKey(), EncodeNumber(7));
    write.Put(VersionBoundKey(), EncodeNumber(1000));
    // A table of two keys, as format 1 has it.
    write.Put(TableKey("old"),
              absl::HexStringToBytes("0000000000000000070000000000000002"));
    for (const char* key : {"a", "bb"}) {
      write.Put(DataKey(7, key), EncodeDataHeader({.version = 5}) + "value");
    }
    ASSERT_TRUE(db->Write(rocksdb::WriteOptions(), &write).ok());
  }
  for (int i = 0; i < 2; ++i) {
    Reopen();
    EXPECT_EQ(Tables(), "old:2:13 ");
    EXPECT_EQ(Get(*storage_, "old", "bb").version, 5u);
  }
  Set(*storage_, "old", "a", "longer value");
  EXPECT_EQ(Tables(), "old:2:20 ");
  EXPECT_GT(Get(*storage_, "old", "a").version, 1000u);
}

}  // namespace
}  // namespace coffer::server
