#include "coffer/server/storage/durable/log_end.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coffer/server/storage/durable/durable_test_util.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"

namespace coffer::server {
namespace {

constexpr size_t kBlockBytes = 32768;

// A log of RocksDB's own, and its length after each write.
struct WrittenLog {
  std::string bytes;
  std::vector<size_t> ends = {0};

  // The length with the last write that is whole in the first `bytes`.
  size_t EndWithin(size_t cut) const {
    return *std::prev(std::upper_bound(ends.begin(), ends.end(), cut));
  }
};

std::string LogIn(const std::string& dir) {
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (!absl::EndsWith(entry.path().string(), ".log")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  return "";
}

WrittenLog WriteLog(const std::vector<std::string>& values) {
  const std::string dir = coffer_testing::NewDataDir();
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  EXPECT_TRUE(rocksdb::DB::Open(options, dir, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  WrittenLog log;
  for (const std::string& value : values) {
    EXPECT_TRUE(db->Put(rocksdb::WriteOptions(), "key", value).ok());
    log.bytes = LogIn(dir);
    log.ends.push_back(log.bytes.size());
  }
  return log;
}

// In pieces of different sizes, as reading gives them.
LogEndFinder::Result FindEnd(absl::string_view bytes) {
  LogEndFinder finder;
  for (size_t piece = 1; !bytes.empty(); piece = piece * 3 + 1) {
    finder.Add(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return finder.Finish();
}

std::string ZeroFrom(const std::string& bytes, size_t cut, size_t zeros) {
  return bytes.substr(0, cut) + std::string(zeros, '\0');
}

TEST(LogEnd, OfALogWithoutZerosIsBehindItsLastWholeWrite) {
  const WrittenLog log = WriteLog({"a", std::string(40000, 'v'), "b"});
  for (size_t cut = 0; cut <= log.bytes.size(); cut += 37) {
    const std::string bytes = log.bytes.substr(0, cut);
    EXPECT_EQ(FindEnd(bytes).end, log.EndWithin(cut));
  }
  EXPECT_EQ(FindEnd(log.bytes).end, log.bytes.size());
}

TEST(LogEnd, OfNothingButZerosIsTheBeginning) {
  EXPECT_EQ(FindEnd("").end, 0u);
  for (const size_t bytes : {1u, 6u, 7u, 8u, 32767u, 32768u, 300000u}) {
    const auto found = FindEnd(std::string(bytes, '\0'));
    EXPECT_EQ(found.end, 0u) << bytes;
    EXPECT_FALSE(found.has_hole);
  }
}

// Wherever a kill has stopped the last write.
TEST(LogEnd, IsBehindTheLastWholeRecordWhereverZerosBegin) {
  const WrittenLog log = WriteLog({"a", "", std::string(200, 'v'),
                                   std::string("v\0\0\0\0\0\0\0\0", 9), "z"});
  for (const size_t zeros : {300u, 40000u}) {
    for (size_t cut = 0; cut <= log.bytes.size(); ++cut) {
      const auto found = FindEnd(ZeroFrom(log.bytes, cut, zeros));
      EXPECT_FALSE(found.has_hole);
      // What was cut off may have been zeros only, and then nothing is lost.
      size_t as_before = cut;
      while (as_before < log.bytes.size() && log.bytes[as_before] == '\0') {
        ++as_before;
      }
      if (as_before - cut >= zeros) continue;
      EXPECT_EQ(found.end, log.EndWithin(as_before)) << cut << " " << zeros;
    }
  }
}

// A write that is in several records, one a block.
TEST(LogEnd, IsNotWithinAWriteOfSeveralRecords) {
  const WrittenLog log = WriteLog({"a", std::string(3 * kBlockBytes, 'v')});
  for (size_t cut = log.ends[1]; cut <= log.bytes.size(); cut += 499) {
    const auto found = FindEnd(ZeroFrom(log.bytes, cut, 100000));
    EXPECT_FALSE(found.has_hole);
    EXPECT_EQ(found.end, log.EndWithin(cut)) << cut;
  }
}

// Any sectors of the last write may be missing, others there.
TEST(LogEnd, IsBeforeALastWriteThatLacksASector) {
  for (const size_t size : {900u, 5000u, 100000u}) {
    const WrittenLog log =
        WriteLog({std::string(300, 'a'), std::string(size, 'v')});
    const size_t begin = log.ends[1];
    for (size_t at = begin; at < log.bytes.size();) {
      const size_t end = std::min((at / 512 + 1) * 512, log.bytes.size());
      std::string bytes = ZeroFrom(log.bytes, log.bytes.size(), 1000);
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                bytes.begin() + static_cast<std::ptrdiff_t>(end), '\0');
      const auto found = FindEnd(bytes);
      EXPECT_EQ(found.end, begin) << size << " without what is at " << at;
      EXPECT_FALSE(found.has_hole);
      at = end;
    }
  }
}

// A write in front of the last one was synced: that a sector of it is missing
// is damage.
TEST(LogEnd, SectorThatIsMissingInFrontOfAnotherWriteIsDamage) {
  const WrittenLog log =
      WriteLog({std::string(300, 'a'), std::string(5000, 'v'), "last"});
  for (size_t at = log.ends[1]; at < log.ends[2];) {
    const size_t end = std::min((at / 512 + 1) * 512, log.ends[2]);
    std::string bytes = ZeroFrom(log.bytes, log.bytes.size(), 1000);
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(at),
              bytes.begin() + static_cast<std::ptrdiff_t>(end), '\0');
    const auto found = FindEnd(bytes);
    // With its header it is a hole; without, RocksDB sees that its checksum is
    // wrong.
    if (at == log.ends[1]) {
      EXPECT_TRUE(found.has_hole);
    } else {
      EXPECT_EQ(found.end, log.bytes.size()) << at;
    }
    at = end;
  }
}

// But for the length of the last record: with another one, it is one that is
// cut off, to RocksDB too.
TEST(LogEnd, DamageIsLeftToRocksDb) {
  const WrittenLog log = WriteLog({"a", std::string(200, 'v')});
  for (size_t at = log.ends[1]; at < log.bytes.size(); ++at) {
    const size_t in_record = at - log.ends[1];
    if (in_record == 4 || in_record == 5) continue;
    std::string bytes = ZeroFrom(log.bytes, log.bytes.size(), 1000);
    bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
    const auto found = FindEnd(bytes);
    EXPECT_EQ(found.end, bytes.size()) << "damage at " << at;
    EXPECT_FALSE(found.has_hole);
  }
}

TEST(LogEnd, ZerosBeforeSomethingElseAreAHole) {
  const WrittenLog log = WriteLog({"a", "b", "c", "d"});
  std::string bytes = log.bytes;
  std::fill(bytes.begin() + log.ends[1], bytes.begin() + log.ends[2], '\0');
  const auto found = FindEnd(bytes);
  EXPECT_TRUE(found.has_hole);
  EXPECT_EQ(found.end, log.ends[1]);
}

}  // namespace
}  // namespace coffer::server
