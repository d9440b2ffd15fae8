#include "coffer/server/storage/durable/record_format.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

std::string Hex(absl::string_view bytes) {
  return absl::BytesToHexString(bytes);
}

// The bytes are on disks: a change of one is a change of the format.
TEST(RecordFormat, BytesAreAsDocumented) {
  EXPECT_EQ(FormatKey(),
            "\x01"
            "format");
  EXPECT_EQ(LastTableKey(),
            "\x01"
            "last_table");
  EXPECT_EQ(VersionBoundKey(),
            "\x01"
            "version_bound");
  EXPECT_EQ(Hex(TableKey("ab")), "026162");
  EXPECT_EQ(Hex(DataKey(0x0102, "k")), "1000000000000001026b");
  EXPECT_EQ(Hex(EncodeNumber(0x0102)), "0000000000000102");
  EXPECT_EQ(Hex(EncodeTable({.id = 3, .keys = 258, .bytes = 260})),
            "01000000000000000300000000000001020000000000000104");
  EXPECT_EQ(Hex(NoteKey("n")), "056e");
  EXPECT_EQ(Hex(ExpiryKey({.at_ms = 0x0102, .table = 3, .key = "k"})),
            "04000000000000010200000000000000036b");
  EXPECT_EQ(Hex(EncodeDataHeader({.version = 5})), "000000000000000005");
  EXPECT_EQ(Hex(EncodeDataHeader({.version = 5, .expires_at_ms = 7})),
            "0100000000000000050000000000000007");
}

TEST(RecordFormat, KeysOfATableAreTogetherAndInOrder) {
  const std::string nul(1, '\0');
  std::vector<std::string> keys = {"",        nul,        nul + "a", "a",
                                   "a" + nul, "ab",       "b",       "\x7f",
                                   "\x80",    "\xff\xff", "\xff"};
  std::sort(keys.begin(), keys.end());
  const KeyRange range = DataOf(255);
  std::string last = range.begin;
  for (const std::string& key : keys) {
    const std::string encoded = DataKey(255, key);
    EXPECT_GE(encoded, last);
    EXPECT_LT(encoded, range.end);
    EXPECT_EQ(encoded.substr(kDataKeyPrefixBytes), key);
    last = encoded;
  }
  EXPECT_LT(DataKey(254, "\xff\xff\xff"), range.begin);
  EXPECT_GE(DataKey(256, ""), range.end);
}

TEST(RecordFormat, NoTwoKeysCollide) {
  const std::vector<std::string> names = {"", "a", "format", "\x10",
                                          std::string(9, '\0')};
  std::set<std::string> keys = {FormatKey(), LastTableKey(), VersionBoundKey()};
  size_t made = keys.size();
  for (const std::string& name : names) {
    keys.insert(TableKey(name));
    for (const TableId table : {1u, 256u}) keys.insert(DataKey(table, name));
    made += 3;
  }
  EXPECT_EQ(keys.size(), made);
}

TEST(RecordFormat, TablesAreInTheirRangeWhateverTheirName) {
  const KeyRange tables = AllTables();
  for (const char* name : {"", "a", "\xff\xff"}) {
    EXPECT_GE(TableKey(name), tables.begin);
    EXPECT_LT(TableKey(name), tables.end);
    EXPECT_EQ(TableNameOf(TableKey(name)), name);
  }
}

TEST(RecordFormat, WhatIsEncodedDecodes) {
  uint64_t number = 0;
  ASSERT_TRUE(DecodeNumber(EncodeNumber(UINT64_MAX - 1), &number));
  EXPECT_EQ(number, UINT64_MAX - 1);
  TableRecord table;
  ASSERT_TRUE(DecodeTable(EncodeTable({.id = 9, .keys = 1}), &table));
  EXPECT_EQ(table.id, 9u);
  EXPECT_EQ(table.keys, 1u);
  for (const uint64_t expiry : {0, 77}) {
    DataRecord record;
    const std::string bytes =
        EncodeDataHeader({.version = 5, .expires_at_ms = expiry}) + "value";
    ASSERT_TRUE(DecodeData(bytes, &record));
    EXPECT_EQ(record.version, 5u);
    EXPECT_EQ(record.expires_at_ms, expiry);
    EXPECT_EQ(record.value, "value");
  }
}

TEST(RecordFormat, TablesOfFormat1AreRead) {
  const std::string bytes =
      absl::HexStringToBytes("0000000000000000030000000000000102");
  TableRecord table;
  ASSERT_TRUE(DecodeTable(bytes, &table));
  EXPECT_EQ(table.id, 3u);
  EXPECT_EQ(table.keys, 258u);
  EXPECT_EQ(table.bytes, 0u);
}

TEST(RecordFormat, ExpiryInTheOrderOfTime) {
  const KeyRange expired = ExpiredAt(256);
  for (const auto& [at_ms, is_expired] : {std::make_pair(uint64_t{1}, true),
                                          {255, true},
                                          {256, true},
                                          {257, false},
                                          {UINT64_MAX, false}}) {
    const std::string key = ExpiryKey({.at_ms = at_ms, .table = 7, .key = "k"});
    EXPECT_EQ(key >= expired.begin && key < expired.end, is_expired) << at_ms;
    ExpiryEntry entry;
    ASSERT_TRUE(DecodeExpiryKey(key, &entry));
    EXPECT_EQ(entry.at_ms, at_ms);
    EXPECT_EQ(entry.table, 7u);
    EXPECT_EQ(entry.key, "k");
    EXPECT_FALSE(DecodeExpiryKey(key.substr(0, 16), &entry));
  }
}

TEST(RecordFormat, DamageIsNotTakenForARecord) {
  uint64_t number = 0;
  EXPECT_FALSE(DecodeNumber("", &number));
  EXPECT_FALSE(DecodeNumber("123456789", &number));
  TableRecord table;
  const std::string good = EncodeTable({.id = 9, .keys = 1});
  EXPECT_FALSE(DecodeTable(good.substr(1), &table));
  EXPECT_FALSE(DecodeTable("\x02" + good.substr(1), &table));
  EXPECT_FALSE(DecodeTable(std::string(1, '\0') + good.substr(1), &table));
  EXPECT_FALSE(DecodeTable(EncodeTable({.id = 0, .keys = 1}), &table));
  DataRecord record;
  EXPECT_FALSE(DecodeData("", &record));
  EXPECT_FALSE(DecodeData(std::string(8, '\0'), &record));
  EXPECT_FALSE(DecodeData("\x02" + std::string(20, '\0'), &record))
      << "a flag of a newer version";
  EXPECT_FALSE(DecodeData("\x01" + std::string(15, '\0'), &record))
      << "no room for the expiry";
}

}  // namespace
}  // namespace coffer::server
