#include "coffer/testing/disk/fake_file_system.h"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/options.h"

namespace coffer_testing {
namespace {

using rocksdb::FileOptions;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FakeFileSystemTest : public ::testing::Test {
 protected:
  using FilePtr = std::unique_ptr<rocksdb::FSWritableFile>;

  FakeFileSystemTest() {
    EXPECT_TRUE(disk_->CreateDir("/d", IOOptions(), nullptr).ok());
    EXPECT_TRUE(SyncDir("/").ok());
  }

  FilePtr Make(const std::string& path) {
    FilePtr file;
    EXPECT_TRUE(
        disk_->NewWritableFile(path, FileOptions(), &file, nullptr).ok());
    return file;
  }
  static IOStatus Append(FilePtr& file, const std::string& bytes) {
    return file->Append(bytes, IOOptions(), nullptr);
  }
  static IOStatus Sync(FilePtr& file) {
    return file->Sync(IOOptions(), nullptr);
  }
  IOStatus SyncDir(const std::string& path = "/d") {
    std::unique_ptr<rocksdb::FSDirectory> dir;
    EXPECT_TRUE(disk_->NewDirectory(path, IOOptions(), &dir, nullptr).ok());
    return dir->Fsync(IOOptions(), nullptr);
  }
  IOStatus Rename(const std::string& from, const std::string& to) {
    return disk_->RenameFile(from, to, IOOptions(), nullptr);
  }
  // A file that has these bytes for good.
  FilePtr MakeSynced(const std::string& path, const std::string& bytes) {
    FilePtr file = Make(path);
    EXPECT_TRUE(Append(file, bytes).ok());
    EXPECT_TRUE(Sync(file).ok());
    EXPECT_TRUE(SyncDir().ok());
    return file;
  }

  const std::shared_ptr<FakeFileSystem> disk_ =
      std::make_shared<FakeFileSystem>();
};

TEST_F(FakeFileSystemTest, ReadersSeeWhatIsPending) {
  FilePtr file = Make("/d/f");
  EXPECT_TRUE(Append(file, "one").ok());
  EXPECT_TRUE(Append(file, "two").ok());
  EXPECT_EQ(disk_->BytesOf("/d/f"), "onetwo");
  EXPECT_THAT(disk_->FilesIn("/d"), ElementsAre("f"));
  uint64_t size = 0;
  EXPECT_TRUE(disk_->GetFileSize("/d/f", IOOptions(), &size, nullptr).ok());
  EXPECT_EQ(size, 6u);
}

TEST_F(FakeFileSystemTest, SlashesMayBeDoubled) {
  FilePtr file = Make("//d//f");
  EXPECT_THAT(disk_->FilesIn("/d/"), ElementsAre("f"));
  EXPECT_TRUE(Rename("/d//f", "//d/g").ok());
  EXPECT_TRUE(disk_->FileExists("/d/g", IOOptions(), nullptr).ok());
  EXPECT_TRUE(disk_->DeleteFile("/d//g", IOOptions(), nullptr).ok());
  EXPECT_THAT(disk_->FilesIn("/d"), IsEmpty());
}

TEST_F(FakeFileSystemTest, WhatIsNotSyncedIsLost) {
  FilePtr file = MakeSynced("/d/f", "kept");
  EXPECT_TRUE(Append(file, " lost").ok());
  disk_->LosePower(PowerLoss::kDropped, 1);
  EXPECT_EQ(disk_->BytesOf("/d/f"), "kept");
}

TEST_F(FakeFileSystemTest, PositionedWritesOverwriteAndDoNotMoveTheEnd) {
  FilePtr file = Make("/d/f");
  EXPECT_TRUE(
      file->PositionedAppend(std::string(8, '0'), 0, IOOptions(), nullptr)
          .ok());
  EXPECT_TRUE(Append(file, "ab").ok());
  EXPECT_TRUE(Append(file, "cd").ok());
  EXPECT_EQ(disk_->BytesOf("/d/f"), "abcd0000");
  EXPECT_TRUE(file->Truncate(4, IOOptions(), nullptr).ok());
  EXPECT_EQ(disk_->BytesOf("/d/f"), "abcd");
}

TEST_F(FakeFileSystemTest, SyncedFileWhoseNameIsNotIsLost) {
  FilePtr file = Make("/d/f");
  EXPECT_TRUE(Append(file, "bytes").ok());
  EXPECT_TRUE(Sync(file).ok());
  disk_->LosePower(PowerLoss::kDropped, 1);
  EXPECT_THAT(disk_->FilesIn("/d"), IsEmpty());
}

TEST_F(FakeFileSystemTest, FolderThatIsNotSyncedIsLostWithAllThatIsInIt) {
  EXPECT_TRUE(disk_->CreateDir("/new", IOOptions(), nullptr).ok());
  FilePtr file = Make("/new/f");
  EXPECT_TRUE(Sync(file).ok());
  EXPECT_TRUE(SyncDir("/new").ok());
  disk_->LosePower(PowerLoss::kDropped, 1);
  EXPECT_TRUE(disk_->FileExists("/new", IOOptions(), nullptr).IsNotFound());
  EXPECT_THAT(disk_->FilesIn("/new"), IsEmpty());
  EXPECT_TRUE(disk_->FileExists("/d", IOOptions(), nullptr).ok());
}

TEST_F(FakeFileSystemTest, RenamesAndRemovalsWaitForTheFolder) {
  FilePtr old = MakeSynced("/d/f", "old");
  FilePtr made = MakeSynced("/d/tmp", "new");
  EXPECT_TRUE(Rename("/d/tmp", "/d/f").ok());
  EXPECT_EQ(disk_->BytesOf("/d/f"), "new");
  disk_->LosePower(PowerLoss::kDropped, 1);
  EXPECT_EQ(disk_->BytesOf("/d/f"), "old");
  EXPECT_EQ(disk_->BytesOf("/d/tmp"), "new");
  EXPECT_TRUE(Rename("/d/tmp", "/d/f").ok());
  EXPECT_TRUE(SyncDir().ok());
  EXPECT_TRUE(disk_->DeleteFile("/d/f", IOOptions(), nullptr).ok());
  EXPECT_THAT(disk_->FilesIn("/d"), IsEmpty());
  disk_->LosePower(PowerLoss::kDropped, 1);
  EXPECT_EQ(disk_->BytesOf("/d/f"), "new");
}

// Never half of a rename, whatever the seed.
TEST_F(FakeFileSystemTest, RenameIsWhollyThereOrNotAtAll) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FilePtr old = MakeSynced("/d/f", "old");
    FilePtr made = MakeSynced("/d/tmp", "new");
    EXPECT_TRUE(Rename("/d/tmp", "/d/f").ok());
    disk_->LosePower(PowerLoss::kTorn, seed);
    const std::string left =
        disk_->BytesOf("/d/f") + "," + disk_->BytesOf("/d/tmp");
    EXPECT_TRUE(left == "old,new" || left == "new,") << left;
    seen.insert(left);
  }
  EXPECT_THAT(seen, SizeIs(2));
}

TEST_F(FakeFileSystemTest, TornWritesAreABeginningOfThem) {
  const std::string writes[] = {std::string(700, 'a'), std::string(700, 'b')};
  std::set<size_t> sizes;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    FilePtr file = MakeSynced("/d/f", "0");
    for (const std::string& bytes : writes) {
      EXPECT_TRUE(Append(file, bytes).ok());
    }
    disk_->LosePower(PowerLoss::kTorn, seed);
    const std::string left = disk_->BytesOf("/d/f");
    EXPECT_EQ(left, ("0" + writes[0] + writes[1]).substr(0, left.size()));
    sizes.insert(left.size());
  }
  EXPECT_GT(sizes.size(), 50u);
  EXPECT_EQ(sizes.count(1), 1u);
  EXPECT_EQ(sizes.count(1401), 1u);
  EXPECT_EQ(sizes.count(1024), 1u) << "the end of a sector";
}

TEST_F(FakeFileSystemTest, ReorderedWritesLeaveOldSectorsBeforeNewOnes) {
  const size_t sector = FakeFile::kSectorBytes;
  int holes = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    FilePtr file = MakeSynced("/d/f", std::string(4 * sector, '0'));
    EXPECT_TRUE(file->PositionedAppend(std::string(3 * sector, 'x'), sector,
                                       IOOptions(), nullptr)
                    .ok());
    disk_->LosePower(PowerLoss::kReordered, seed);
    const std::string left = disk_->BytesOf("/d/f");
    ASSERT_EQ(left.size(), 4 * sector);
    std::string sectors;
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(left.substr(i * sector, sector),
                std::string(sector, left[i * sector]));
      sectors += left[i * sector];
    }
    EXPECT_EQ(sectors[0], '0') << "it was not written to";
    if (absl::StrContains(sectors.substr(1), "0x")) ++holes;
  }
  EXPECT_GT(holes, 20);
}

TEST_F(FakeFileSystemTest, TheSameSeedLeavesTheSame) {
  for (const PowerLoss manner : {PowerLoss::kTorn, PowerLoss::kReordered}) {
    std::set<std::string> left;
    for (int i = 0; i < 5; ++i) {
      FilePtr file = MakeSynced("/d/f", "0");
      for (int j = 0; j < 20; ++j) {
        EXPECT_TRUE(Append(file, std::string(100, char('a' + j))).ok());
      }
      disk_->LosePower(manner, 42);
      left.insert(disk_->BytesOf("/d/f"));
    }
    EXPECT_THAT(left, SizeIs(1));
  }
}

TEST_F(FakeFileSystemTest, FromACrashOnNothingHasAnEffect) {
  FilePtr file = MakeSynced("/d/f", "kept");
  const uint64_t before = disk_->operations();
  disk_->CrashAt(before + 2);
  EXPECT_TRUE(Append(file, "1").ok());
  EXPECT_FALSE(disk_->has_failed());
  EXPECT_TRUE(Append(file, "2").IsIOError());
  EXPECT_TRUE(disk_->has_failed());
  EXPECT_TRUE(Sync(file).IsIOError());
  EXPECT_TRUE(Rename("/d/f", "/d/g").IsIOError());
  EXPECT_TRUE(SyncDir().IsIOError());
  EXPECT_EQ(disk_->operations(), before + 5);
  EXPECT_EQ(disk_->BytesOf("/d/f"), "kept1");
  disk_->LosePower(PowerLoss::kDropped, 1);
  EXPECT_EQ(disk_->BytesOf("/d/f"), "kept");
  file = MakeSynced("/d/g", "works");
  EXPECT_FALSE(disk_->has_failed());
}

TEST_F(FakeFileSystemTest, OneOperationFails) {
  FilePtr file = MakeSynced("/d/f", "1");
  disk_->FailAt(disk_->operations() + 1, IOStatus::NoSpace("full"));
  EXPECT_TRUE(Append(file, "2").IsNoSpace());
  EXPECT_TRUE(Append(file, "3").ok());
  EXPECT_EQ(disk_->BytesOf("/d/f"), "13");
  EXPECT_EQ(disk_->failures(), 1u);
}

// And what comes next goes behind it.
TEST_F(FakeFileSystemTest, AppendThatFailsLeavesABeginning) {
  const std::string bytes = "abcdefgh";
  std::set<size_t> sizes;
  for (int i = 0; i < 200; ++i) {
    FilePtr file = MakeSynced("/d/f", "1");
    disk_->FailAt(disk_->operations() + 1, IOStatus::IOError("broken"));
    EXPECT_TRUE(Append(file, bytes).IsIOError());
    const std::string left = disk_->BytesOf("/d/f");
    EXPECT_EQ(left, "1" + bytes.substr(0, left.size() - 1));
    sizes.insert(left.size() - 1);
    EXPECT_TRUE(Append(file, "X").ok());
    EXPECT_EQ(disk_->BytesOf("/d/f"), left + "X");
    EXPECT_TRUE(Sync(file).ok());
    disk_->LosePower(PowerLoss::kDropped, 1);
    EXPECT_EQ(disk_->BytesOf("/d/f"), left + "X");
  }
  EXPECT_THAT(sizes, SizeIs(bytes.size())) << "none of them, up to all but one";
}

TEST_F(FakeFileSystemTest, WriteToAPositionThatFailsLeavesABeginning) {
  std::set<size_t> sizes;
  for (int i = 0; i < 200; ++i) {
    FilePtr file = MakeSynced("/d/f", "12345678");
    disk_->FailAt(disk_->operations() + 1, IOStatus::IOError("broken"));
    EXPECT_TRUE(
        file->PositionedAppend("abcd", 2, IOOptions(), nullptr).IsIOError());
    const std::string left = disk_->BytesOf("/d/f");
    const size_t size = left.find_first_of("345678", 2) - 2;
    EXPECT_EQ(left, "12" + std::string("abcd").substr(0, size) +
                        std::string("345678").substr(size));
    sizes.insert(size);
  }
  EXPECT_THAT(sizes, SizeIs(4));
}

// What a sync failed to write is seen, and never written.
TEST_F(FakeFileSystemTest, SyncThatFailsTakesItForWritten) {
  FilePtr file = MakeSynced("/d/f", "1");
  EXPECT_TRUE(Append(file, "2").ok());
  disk_->FailAt(disk_->operations() + 1, IOStatus::IOError("broken"));
  EXPECT_TRUE(Sync(file).IsIOError());
  EXPECT_TRUE(Append(file, "3").ok());
  EXPECT_TRUE(Sync(file).ok());
  EXPECT_EQ(disk_->BytesOf("/d/f"), "123");
  disk_->LosePower(PowerLoss::kDropped, 1);
  EXPECT_EQ(disk_->BytesOf("/d/f"), std::string("1\0003", 3));
}

// A later sync finds the names that an earlier one failed to write.
TEST_F(FakeFileSystemTest, SyncOfAFolderThatFailsForgetsNothing) {
  FilePtr file = Make("/d/f");
  disk_->FailAt(disk_->operations() + 1, IOStatus::IOError("broken"));
  EXPECT_TRUE(SyncDir().IsIOError());
  EXPECT_THAT(disk_->FilesIn("/d"), ElementsAre("f"));
  EXPECT_TRUE(SyncDir().ok());
  disk_->LosePower(PowerLoss::kDropped, 1);
  EXPECT_THAT(disk_->FilesIn("/d"), ElementsAre("f"));
}

TEST_F(FakeFileSystemTest, SomeOperationsFailAndThenItWorksAgain) {
  FilePtr file = MakeSynced("/d/f", "1");
  const uint64_t before = disk_->operations();
  disk_->FailFrom(before + 2, 3, IOStatus::NoSpace("full"));
  disk_->FailFrom(before + 6, 1, IOStatus::IOError("broken"));
  EXPECT_TRUE(Append(file, "2").ok());
  EXPECT_FALSE(disk_->has_failed());
  EXPECT_TRUE(Append(file, "3").IsNoSpace());
  EXPECT_TRUE(Rename("/d/f", "/d/g").IsNoSpace());
  EXPECT_TRUE(Sync(file).IsNoSpace());
  EXPECT_TRUE(Append(file, "4").ok());
  EXPECT_TRUE(Append(file, "5").IsIOError());
  EXPECT_TRUE(Append(file, "6").ok());
  EXPECT_EQ(disk_->failures(), 4u);
  EXPECT_EQ(disk_->BytesOf("/d/f"), "1246");
}

TEST_F(FakeFileSystemTest, WhatWasToFailGoesWithThePower) {
  disk_->FailFrom(1, UINT64_MAX, IOStatus::IOError("broken"));
  EXPECT_TRUE(SyncDir().IsIOError());
  EXPECT_EQ(disk_->failures(), 1u);
  disk_->LosePower(PowerLoss::kDropped, 1);
  EXPECT_FALSE(disk_->has_failed());
  MakeSynced("/d/f", "works");
  EXPECT_EQ(disk_->BytesOf("/d/f"), "works");
}

TEST_F(FakeFileSystemTest, AppendsAndSyncsFailUntilTheyDoNot) {
  FilePtr file = MakeSynced("/d/f", "1");
  disk_->FailAppends(IOStatus::NoSpace("full"));
  EXPECT_TRUE(Append(file, "2").IsNoSpace());
  disk_->FailAppends(IOStatus::OK());
  EXPECT_TRUE(Append(file, "3").ok());
  disk_->FailSyncs(IOStatus::IOError("broken"));
  EXPECT_TRUE(Sync(file).IsIOError());
  EXPECT_TRUE(SyncDir().IsIOError());
  disk_->FailSyncs(IOStatus::OK());
  EXPECT_FALSE(disk_->has_failed()) << "they are not counted";
  EXPECT_TRUE(Append(file, "4").ok());
  EXPECT_TRUE(Sync(file).ok());
  EXPECT_EQ(disk_->BytesOf("/d/f"), "134");
  disk_->LosePower(PowerLoss::kDropped, 1);
  EXPECT_EQ(disk_->BytesOf("/d/f"), std::string("1\0004", 3))
      << "a sync that works does not write what an earlier one lost";
}

TEST_F(FakeFileSystemTest, AppendsOnAFullDiskLeaveABeginning) {
  FilePtr file = MakeSynced("/d/f", "1");
  disk_->FailAppends(IOStatus::NoSpace("full"));
  const std::string bytes(100, 'x');
  for (int i = 0; i < 20; ++i) {
    const size_t before = disk_->BytesOf("/d/f").size();
    EXPECT_TRUE(Append(file, bytes).IsNoSpace());
    const std::string left = disk_->BytesOf("/d/f");
    EXPECT_LT(left.size(), before + bytes.size());
    EXPECT_EQ(left, "1" + std::string(left.size() - 1, 'x'));
  }
  EXPECT_GT(disk_->BytesOf("/d/f").size(), 101u);
}

TEST_F(FakeFileSystemTest, BitsFlip) {
  FilePtr file = MakeSynced("/d/f", "abc");
  disk_->FlipBit("/d/f", 1, 0);
  EXPECT_EQ(disk_->BytesOf("/d/f"), "acc");
  disk_->LosePower(PowerLoss::kDropped, 1);
  EXPECT_EQ(disk_->BytesOf("/d/f"), "acc");
  disk_->FlipBit("/d/f", 100, 0);
  disk_->FlipBit("/d/none", 0, 0);
}

TEST_F(FakeFileSystemTest, LocksAreHeldOnceAndGoWithThePower) {
  rocksdb::FileLock* lock = nullptr;
  rocksdb::FileLock* other = nullptr;
  EXPECT_TRUE(disk_->LockFile("/d/L", IOOptions(), &lock, nullptr).ok());
  EXPECT_TRUE(
      disk_->LockFile("/d/L", IOOptions(), &other, nullptr).IsIOError());
  EXPECT_TRUE(disk_->UnlockFile(lock, IOOptions(), nullptr).ok());
  EXPECT_TRUE(disk_->LockFile("/d/L", IOOptions(), &lock, nullptr).ok());
  disk_->LosePower(PowerLoss::kDropped, 1);
  EXPECT_TRUE(disk_->LockFile("/d/L", IOOptions(), &other, nullptr).ok());
  EXPECT_TRUE(disk_->UnlockFile(lock, IOOptions(), nullptr).ok());
  delete other;
}

// RocksDB itself, whose synced writes are there and others are not.
TEST_F(FakeFileSystemTest, CarriesRocksDb) {
  EXPECT_TRUE(disk_->CreateDir("/db", IOOptions(), nullptr).ok());
  EXPECT_TRUE(SyncDir("/").ok());
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk_);
  rocksdb::Options options;
  options.create_if_missing = true;
  options.env = env.get();
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, "/db", &db).ok());
  rocksdb::WriteOptions synced;
  synced.sync = true;
  EXPECT_TRUE(db->Put(synced, "synced", "1").ok());
  EXPECT_TRUE(db->Put(rocksdb::WriteOptions(), "not", "1").ok());
  disk_->CrashAt(disk_->operations() + 1);
  delete db;
  disk_->LosePower(PowerLoss::kDropped, 1);
  const rocksdb::Status opened = rocksdb::DB::Open(options, "/db", &db);
  ASSERT_TRUE(opened.ok()) << opened.ToString();
  std::string value;
  EXPECT_TRUE(db->Get(rocksdb::ReadOptions(), "synced", &value).ok());
  EXPECT_TRUE(db->Get(rocksdb::ReadOptions(), "not", &value).IsNotFound());
  delete db;
}

}  // namespace
}  // namespace coffer_testing
