#include "coffer/server/storage/durable/table_catalogue.h"

#include <vector>

#include "gtest/gtest.h"

namespace coffer::server {
namespace {

TableChange Made(absl::string_view name, TableId id, uint64_t keys) {
  return {.name = name, .id = id, .is_new = true, .keys = keys};
}

TEST(TableCatalogue, PublishedIsFoundAndCountsNoKeys) {
  TableCatalogue catalogue;
  const TableChange changes[] = {Made("t", 7, 2)};
  catalogue.Publish(changes);
  EXPECT_EQ(catalogue.Find("t").id, 7u);
  EXPECT_EQ(catalogue.counts().keys, 0u);
  catalogue.Apply(changes);
  EXPECT_EQ(catalogue.Find("t").keys, 2u);
  EXPECT_EQ(catalogue.counts().tables, 1u);
  EXPECT_EQ(catalogue.counts().keys, 2u);
}

TEST(TableCatalogue, RetractedIsAsItWas) {
  TableCatalogue catalogue;
  catalogue.Add("old", {.id = 1, .keys = 5});
  const TableChange changes[] = {
      Made("new", 2, 1), {.name = "old", .id = 1, .keys_before = 5, .keys = 0}};
  catalogue.Publish(changes);
  catalogue.Retract(changes);
  EXPECT_EQ(catalogue.Find("new").id, kNoTable);
  EXPECT_EQ(catalogue.Find("old").keys, 5u);
  EXPECT_EQ(catalogue.counts().tables, 1u);
  EXPECT_EQ(catalogue.counts().keys, 5u);
}

TEST(TableCatalogue, TableWithoutKeysIsGone) {
  TableCatalogue catalogue;
  catalogue.Add("t", {.id = 1, .keys = 1});
  const TableChange changes[] = {
      {.name = "t", .id = 1, .keys_before = 1, .keys = 0}};
  catalogue.Apply(changes);
  EXPECT_EQ(catalogue.Find("t").id, kNoTable);
  EXPECT_EQ(catalogue.counts().tables, 0u);
  EXPECT_EQ(catalogue.counts().keys, 0u);
}

TEST(TableCatalogue, GenerationChangesWithNamesOnly) {
  TableCatalogue catalogue;
  const TableChange made[] = {Made("t", 1, 1)};
  uint64_t before = catalogue.generation();
  catalogue.Publish(made);
  EXPECT_NE(catalogue.generation(), before);
  catalogue.Apply(made);
  before = catalogue.generation();
  const TableChange grown[] = {
      {.name = "t", .id = 1, .keys_before = 1, .keys = 2}};
  catalogue.Publish(grown);
  catalogue.Apply(grown);
  EXPECT_EQ(catalogue.generation(), before);
  const TableChange emptied[] = {
      {.name = "t", .id = 1, .keys_before = 2, .keys = 0}};
  catalogue.Apply(emptied);
  EXPECT_NE(catalogue.generation(), before);
}

TEST(TableCatalogue, FindsAllTablesOfABatch) {
  TableCatalogue catalogue;
  catalogue.Add("a", {.id = 1, .keys = 1});
  catalogue.Add("", {.id = 2, .keys = 1});
  Batch batch;
  for (const char* table : {"a", "a", "", "none", "a"}) batch.Get(table, "k");
  std::vector<Op*> ops;
  for (Op& op : batch.ops()) ops.push_back(&op);
  std::vector<TableId> ids;
  EXPECT_FALSE(catalogue.FindAll(ops, &ids).one_table);
  EXPECT_EQ(ids, (std::vector<TableId>{1, 1, 2, kNoTable, 1}));
  ops.resize(2);
  EXPECT_TRUE(catalogue.FindAll(ops, &ids).one_table);
  EXPECT_EQ(ids, (std::vector<TableId>{1, 1}));
}

}  // namespace
}  // namespace coffer::server
