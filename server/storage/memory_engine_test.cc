// MemoryStorage beside ModelStorage: the same operations, at random, must have
// the same results; and what is particular to its sweeping: that no operation
// and no lock waits for what has expired or was dropped.

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "coffer/server/storage/memory_storage.h"
#include "coffer/server/storage/storage.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/testing/storage/model_comparison.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using coffer_testing::ManualClock;

Op RunOne(Storage& storage, Batch& batch) {
  EXPECT_TRUE(storage.Submit(batch, nullptr));
  return std::move(batch.op(0));
}

Op Set(Storage& storage, absl::string_view table, absl::string_view key,
       absl::string_view value, Expiry expiry = {}) {
  Batch batch;
  batch.Set(table, key, value);
  batch.op(0).expiry = expiry;
  return RunOne(storage, batch);
}

// Appends a letter; refuses what has become long.
class Lengthen final : public ValueChange {
 public:
  absl::Status Apply(absl::optional<absl::string_view> present,
                     absl::Span<const Op>,
                     std::string* changed) const override {
    if (present.has_value() && present->size() > 6) {
      return absl::OutOfRangeError("long");
    }
    *changed = absl::StrCat(present.value_or(""), "x");
    return absl::OkStatus();
  }
};

class BesideTheModel : public ::testing::TestWithParam<int> {};

TEST_P(BesideTheModel, SameResults) {
  ManualClock clock;
  clock.SetWall(absl::FromUnixMillis(1000));
  MemoryStorage storage(&clock);
  coffer_testing::CompareWithModel(&storage, clock,
                                   {.seed = static_cast<unsigned>(GetParam()),
                                    .after_round = [&](int round) {
                                      if (round % 7 == 0) storage.Sweep();
                                      return &storage;
                                    }});
}

INSTANTIATE_TEST_SUITE_P(Seeds, BesideTheModel, ::testing::Range(0, 20));

// --- Expiry

TEST(MemoryExpiry, SweepRemovesInBoundedPiecesAndTellsWhetherThereIsMore) {
  ManualClock clock;
  MemoryStorage storage(&clock);
  constexpr int kKeys = 5000;
  for (int i = 0; i < kKeys; ++i) {
    Set(storage, "t", absl::StrCat(i), "v", {Expiry::Kind::kAfterMs, 1000});
  }
  Set(storage, "u", "stays", "v");
  EXPECT_FALSE(storage.Sweep());
  clock.AdvanceBy(std::chrono::seconds(1));
  EXPECT_EQ(storage.counts().keys, 1u) << "absent before they are swept";
  EXPECT_EQ(storage.counts().tables, 1u);
  int calls = 1;
  while (storage.Sweep()) ++calls;
  EXPECT_GE(calls, kKeys / 1024);
  EXPECT_LE(calls, kKeys / 1024 + 2);
  EXPECT_EQ(storage.counts().keys, 1u);
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

TEST(MemoryHeldBytes, ChangesOfOneLargeValueAreRefused) {
  MemoryStorage storage;
  const std::string value(1000, 'v');
  Set(storage, "t", "k", value);
  const Longer longer;
  for (const bool grouped : {false, true}) {
    Batch batch;
    batch.set_held_bytes_max(3500);
    const uint32_t group = grouped ? batch.NewGroup() : 0;
    for (int i = 0; i < 10; ++i) batch.Change("t", "k", &longer, group);
    EXPECT_TRUE(storage.Submit(batch, nullptr));
    int done = 0;
    int too_much = 0;
    for (const Op& op : batch.ops()) {
      done += op.status.ok();
      too_much += absl::IsResourceExhausted(op.status);
    }
    EXPECT_EQ(done, grouped ? 0 : 4);
    EXPECT_EQ(too_much, grouped ? 1 : 0);
    EXPECT_EQ(absl::IsUnavailable(batch.ops()[4].status), !grouped);
  }
}

// How many keys have been removed so far, because they had expired.
class CountExpired final : public ChangeSink {
 public:
  bool Wants(absl::string_view) override { return true; }
  void OnChanges(absl::Span<const KeyChange> changes) override {
    for (const KeyChange& change : changes) {
      removed_ += change.kind == KeyChange::Kind::kExpired;
    }
  }
  void OnChangesLost() override { ADD_FAILURE() << "nothing went wrong"; }
  int removed() const { return removed_; }

 private:
  int removed_ = 0;
};

TEST(MemoryExpiry, ManyKeysThatExpireAtOnceAreTheWorkOfSweepAlone) {
  constexpr int kKeys = 21'000;
  ManualClock clock;
  CountExpired expired;
  MemoryStorage storage(&clock);
  storage.SetChangeSink(&expired);
  for (int i = 0; i < kKeys; ++i) {
    Set(storage, i % 3 == 0 ? "dropped" : "t", absl::StrCat(i), "v",
        {Expiry::Kind::kAfterMs, 1000});
  }
  Set(storage, "t", "stays", "v");
  Set(storage, "dropped", "stays", "v");
  clock.AdvanceBy(std::chrono::seconds(1));
  const PageRange page{.limit = 10};
  Batch batch;
  batch.CountKeys("t");
  batch.ListTables(&page);
  batch.RenameTable("t", "u");
  batch.RenameTable("u", "t");
  batch.DropTable("dropped");
  batch.Get("t", "1");
  EXPECT_TRUE(storage.Submit(batch, nullptr));
  EXPECT_EQ(storage.counts().keys, 1u);
  for (const size_t of_table : {0, 2, 3, 4}) {
    ASSERT_EQ(batch.op(of_table).tables.size(), 1u);
    EXPECT_EQ(batch.op(of_table).tables[0].keys, 1u);
  }
  EXPECT_EQ(batch.op(1).tables.size(), 2u);
  EXPECT_FALSE(batch.op(5).found);
  EXPECT_EQ(expired.removed(), 0) << "they were counted, not removed";
  Set(storage, "t", "1", "again");
  EXPECT_EQ(expired.removed(), 1) << "a write removes what is in its way";
  for (int before = 1; storage.Sweep(); before = expired.removed()) {
    ASSERT_LE(expired.removed() - before, 1024);
  }
  EXPECT_EQ(expired.removed(), kKeys / 3 * 2) << "the rest went with its table";
  EXPECT_EQ(storage.counts().keys, 2u);
}

TEST(MemoryTables, DroppedMemoryIsFreedInPieces) {
  MemoryStorage storage;
  for (int i = 0; i < 20000; ++i) Set(storage, "t", absl::StrCat(i), "v");
  Batch drop;
  drop.DropTable("t");
  const Op dropped = RunOne(storage, drop);
  ASSERT_EQ(dropped.tables.size(), 1u);
  EXPECT_EQ(dropped.tables[0].keys, 20000u);
  EXPECT_EQ(storage.counts().keys, 0u);
  int calls = 1;
  while (storage.Sweep()) ++calls;
  EXPECT_GE(calls, 16) << "a piece for each shard at least";
}

// --- Changes

// Replays what it is told.
class Replica final : public ChangeSink {
 public:
  bool Wants(absl::string_view table) override { return table == "t"; }
  void OnChanges(absl::Span<const KeyChange> changes) override {
    std::lock_guard lock(mutex_);
    for (const KeyChange& change : changes) {
      EXPECT_EQ(change.table, "t");
      uint64_t& version = versions_[std::string(change.key)];
      EXPECT_GT(change.version, version) << change.key;
      version = change.version;
      if (change.kind == KeyChange::Kind::kSet) {
        keys_[std::string(change.key)] = std::string(change.value.view());
      } else if (change.kind == KeyChange::Kind::kTableGone) {
        keys_.clear();
      } else {
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
  std::map<std::string, uint64_t> versions_;
};

TEST(MemoryChanges, ReplayedTheyGiveTheTable) {
  ManualClock clock;
  Replica replica;
  MemoryStorage storage(&clock);
  storage.SetChangeSink(&replica);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&storage, t] {
      const Lengthen lengthen;
      for (int i = 0; i < 2000; ++i) {
        Batch batch;
        const uint32_t group = batch.NewGroup();
        const std::string key = absl::StrCat((i * 7 + t) % 50);
        const std::string other = absl::StrCat((i * 3 + t) % 50);
        const std::string value = absl::StrCat(t, "/", i);
        const std::string changed = absl::StrCat("n", i % 5);
        batch.Set("t", key, value, false, group);
        batch.Delete("t", other, false, group);
        batch.Set("u", key, "unwatched", false, group);
        // Fails now and then, and then the group does nothing.
        batch.Change("t", changed, &lengthen, group);
        if (i % 3 == 0) batch.op(0).expiry = {Expiry::Kind::kAfterMs, 5};
        EXPECT_TRUE(storage.Submit(batch, nullptr));
        if (i % 97 == 0) {
          Batch drop;
          drop.DropTable("t");
          EXPECT_TRUE(storage.Submit(drop, nullptr));
        }
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    clock.AdvanceBy(std::chrono::milliseconds(1));
    storage.Sweep();
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  clock.AdvanceBy(std::chrono::seconds(1));
  while (storage.Sweep()) {
  }
  Batch batch;
  batch.GetTable("t");
  const Op table = RunOne(storage, batch);
  std::map<std::string, std::string> stored;
  for (const TableEntry& entry : table.entries) {
    stored[std::string(entry.key.view())] = std::string(entry.value.view());
  }
  EXPECT_EQ(replica.keys(), stored);
}

}  // namespace
}  // namespace coffer::server
