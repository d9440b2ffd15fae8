#include "coffer/server/storage/batch.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

TEST(Batch, AddedOperationsAreThereInOrder) {
  Batch batch;
  const uint32_t group = batch.NewGroup();
  EXPECT_EQ(batch.Get("t", "k"), 0u);
  EXPECT_EQ(batch.Exists("t2", "k2", group), 1u);
  EXPECT_EQ(batch.GetTable("t3"), 2u);
  EXPECT_EQ(batch.Set("t4", "k4", "v4", /*want_previous=*/true), 3u);
  EXPECT_EQ(batch.Delete("t5", "k5", /*want_previous=*/true, group), 4u);
  ASSERT_EQ(batch.size(), 5u);
  EXPECT_EQ(batch.ops()[0].kind, OpKind::kGet);
  EXPECT_EQ(batch.ops()[0].group, 0u);
  EXPECT_EQ(batch.ops()[1].kind, OpKind::kExists);
  EXPECT_EQ(batch.ops()[1].group, group);
  EXPECT_EQ(batch.ops()[2].kind, OpKind::kGetTable);
  EXPECT_EQ(batch.ops()[2].table, "t3");
  EXPECT_EQ(batch.ops()[3].kind, OpKind::kSet);
  EXPECT_EQ(batch.ops()[3].value, "v4");
  EXPECT_TRUE(batch.ops()[3].want_previous);
  EXPECT_EQ(batch.ops()[4].kind, OpKind::kDelete);
  EXPECT_EQ(batch.ops()[4].key, "k5");
  EXPECT_TRUE(batch.ops()[4].want_previous);
}

TEST(Batch, NewGroupsDifferAndAreNotZero) {
  Batch batch;
  const uint32_t first = batch.NewGroup();
  EXPECT_NE(first, 0u);
  EXPECT_NE(batch.NewGroup(), first);
}

TEST(Batch, ReservedOperationsAreAddedWithoutMovingTheOthers) {
  Batch batch;
  batch.Get("t", "k");
  batch.Reserve(100);
  EXPECT_EQ(batch.size(), 1u);
  const Op* const first = batch.ops().data();
  for (int i = 0; i < 100; ++i) batch.Get("t", "k");
  EXPECT_EQ(batch.ops().data(), first);
}

TEST(Batch, ReservingForManySmallRequestsSeldomMoves) {
  Batch batch;
  int moves = 0;
  for (int i = 0; i < 1000; ++i) {
    const Op* const before = batch.ops().data();
    batch.Reserve(2);
    batch.Get("t", "a");
    batch.Get("t", "b");
    if (batch.ops().data() != before) ++moves;
  }
  EXPECT_LE(moves, 11);
}

TEST(Batch, ClearedKeepsASmallBufferAndTheLimit) {
  Batch batch;
  batch.set_result_bytes_max(7);
  for (int i = 0; i < 100; ++i) batch.Get("t", "k");
  batch.ops()[0].value_out = SharedBytes::Copy("v");
  const Op* before = batch.ops().data();
  batch.Clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.result_bytes_max(), 7u);
  batch.Get("t", "k");
  EXPECT_EQ(batch.ops().data(), before);
  EXPECT_FALSE(batch.ops()[0].value_out);
}

TEST(UnitEnd, UngroupedOperationsStandAlone) {
  Batch batch;
  batch.Get("t", "a");
  batch.Get("t", "b");
  EXPECT_EQ(UnitEnd(batch.ops(), 0), 1u);
  EXPECT_EQ(UnitEnd(batch.ops(), 1), 2u);
}

TEST(UnitEnd, NeighbouringGroupsEndWhereTheNumberChanges) {
  Batch batch;
  const uint32_t first = batch.NewGroup();
  const uint32_t second = batch.NewGroup();
  batch.Get("t", "a", first);
  batch.Get("t", "b", first);
  batch.Get("t", "c", second);
  batch.Get("t", "d");
  EXPECT_EQ(UnitEnd(batch.ops(), 0), 2u);
  EXPECT_EQ(UnitEnd(batch.ops(), 2), 3u);
  EXPECT_EQ(UnitEnd(batch.ops(), 3), 4u);
}

TEST(CheckUnit, TableReadInAGroupIsRefused) {
  Batch batch;
  batch.GetTable("t");
  EXPECT_TRUE(CheckUnit(batch.ops()).ok());
  batch.ops()[0].group = batch.NewGroup();
  absl::Status status = CheckUnit(batch.ops());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "group 1 of 1 operations has one of a whole table");
}

TEST(CheckUnit, BytesBeyondTheLimitAreRefusedUnread) {
  // So long a view leads nowhere: the check must not read it.
  const absl::string_view huge("x", SharedBytes::kSizeMax + 1);
  Batch batch;
  batch.Set("t", "k", huge);
  EXPECT_EQ(CheckUnit(batch.ops()).message(),
            "value of 4294967296 bytes exceeds the limit of 4294967295");
  batch.Clear();
  batch.Get("t", huge);
  EXPECT_EQ(CheckUnit(batch.ops()).message(),
            "key of 4294967296 bytes exceeds the limit of 4294967295");
  batch.Clear();
  batch.GetTable(huge);
  EXPECT_EQ(CheckUnit(batch.ops()).message(),
            "table name of 4294967296 bytes exceeds the limit of 4294967295");
}

}  // namespace
}  // namespace coffer::server
