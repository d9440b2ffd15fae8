#include "coffer/server/storage/durable/log_file_system.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "coffer/server/storage/durable/durable_test_util.h"
#include "coffer/testing/manual_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using coffer_testing::ManualClock;
using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr size_t kZerosBytes = 1000;

// Its syncs take 7 ms of a clock, and it may have no room for zeros.
class BaseFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit BaseFileSystem(ManualClock* clock)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), clock_(*clock) {}
  const char* Name() const override { return "BaseFileSystem"; }

  bool has_room = true;

  IOStatus NewWritableFile(const std::string& name, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* file,
                           IODebugContext* debug) override {
    IOStatus status = target()->NewWritableFile(name, options, file, debug);
    if (status.ok()) *file = std::make_unique<File>(std::move(*file), this);
    return status;
  }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<FSWritableFile> file, BaseFileSystem* system)
        : FSWritableFileOwnerWrapper(std::move(file)), system_(*system) {}

    IOStatus PositionedAppend(const Slice& data, uint64_t offset,
                              const IOOptions& options,
                              IODebugContext* debug) override {
      if (!system_.has_room) return IOStatus::NoSpace();
      return target()->PositionedAppend(data, offset, options, debug);
    }

    IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
      system_.clock_.AdvanceBy(milliseconds(7));
      return target()->Sync(options, debug);
    }

   private:
    BaseFileSystem& system_;
  };

  ManualClock& clock_;
};

class LogFileSystemTest : public ::testing::Test {
 protected:
  LogFileSystemTest() { std::filesystem::create_directory(dir_); }

  std::unique_ptr<FSWritableFile> Create(const std::string& name) {
    std::unique_ptr<FSWritableFile> file;
    EXPECT_TRUE(
        files_.NewWritableFile(dir_ + name, FileOptions(), &file, nullptr)
            .ok());
    return file;
  }

  static void Append(FSWritableFile& file, const std::string& data) {
    EXPECT_TRUE(file.Append(data, IOOptions(), nullptr).ok());
  }

  std::string Bytes(const std::string& name) const {
    std::ifstream file(dir_ + name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  const std::string dir_ = coffer_testing::NewDataDir();
  ManualClock clock_;
  const std::shared_ptr<BaseFileSystem> base_ =
      std::make_shared<BaseFileSystem>(&clock_);
  LogFileSystem files_{base_, {.zeros_bytes = kZerosBytes, .clock = &clock_}};
};

TEST_F(LogFileSystemTest, ALogIsLongerThanWhatIsWrittenUntilItIsClosed) {
  const auto file = Create("/1.log");
  std::string written;
  for (int i = 0; i < 30; ++i) {
    const std::string data(90, static_cast<char>('a' + i));
    Append(*file, data);
    written += data;
    const std::string bytes = Bytes("/1.log");
    const size_t ahead = kZerosBytes - written.size() % kZerosBytes;
    EXPECT_EQ(bytes, written + std::string(ahead % kZerosBytes, '\0'));
    EXPECT_EQ(file->GetFileSize(IOOptions(), nullptr), written.size());
  }
  EXPECT_TRUE(file->Close(IOOptions(), nullptr).ok());
  EXPECT_EQ(Bytes("/1.log"), written);
}

TEST_F(LogFileSystemTest, LargeWritesAreNotPrecededByZeros) {
  const auto file = Create("/1.log");
  const std::string large(kZerosBytes / 4 + 1, 'v');
  Append(*file, large);
  EXPECT_EQ(Bytes("/1.log"), large);
  Append(*file, "small");
  EXPECT_EQ(Bytes("/1.log"),
            large + "small" + std::string(kZerosBytes - 5, '\0'));
  Append(*file, large);
  Append(*file, large);
  Append(*file, large);
  Append(*file, large);
  EXPECT_EQ(Bytes("/1.log"), large + "small" + large + large + large + large);
}

TEST_F(LogFileSystemTest, WritesGoOnWithoutRoomForZeros) {
  base_->has_room = false;
  const auto file = Create("/1.log");
  Append(*file, "first");
  base_->has_room = true;
  Append(*file, "second");
  EXPECT_EQ(Bytes("/1.log"), "firstsecond");
  EXPECT_TRUE(file->Close(IOOptions(), nullptr).ok());
  EXPECT_EQ(Bytes("/1.log"), "firstsecond");
}

TEST_F(LogFileSystemTest, OtherFilesAreAsTheyWere) {
  const auto file = Create("/1.sst");
  Append(*file, "data");
  EXPECT_EQ(Bytes("/1.sst"), "data");
  EXPECT_TRUE(file->Sync(IOOptions(), nullptr).ok());
  EXPECT_EQ(files_.last_sync(), milliseconds(0));
}

TEST_F(LogFileSystemTest, KnowsWhatASyncTook) {
  EXPECT_EQ(files_.last_sync(), milliseconds(0));
  EXPECT_TRUE(Create("/1.log")->Sync(IOOptions(), nullptr).ok());
  EXPECT_EQ(files_.last_sync(), milliseconds(7));
}

class ReadingLogsTest : public LogFileSystemTest {
 protected:
  // What RocksDB is given of a log with these bytes.
  std::string Read(const LogFileSystem::Options& options,
                   const std::string& bytes) {
    std::ofstream(dir_ + "/2.log", std::ios::binary) << bytes;
    LogFileSystem files(base_, options);
    return Read(files);
  }

  std::string Read(LogFileSystem& files, const std::string& name = "/2.log") {
    std::unique_ptr<rocksdb::FSSequentialFile> file;
    const IOStatus opened =
        files.NewSequentialFile(dir_ + name, FileOptions(), &file, nullptr);
    if (!opened.ok()) return opened.ToString();
    std::string read;
    std::string scratch(100, '\0');
    for (;;) {
      Slice piece;
      EXPECT_TRUE(file->Read(scratch.size(), IOOptions(), &piece,
                             scratch.data(), nullptr)
                      .ok());
      if (piece.empty()) return read;
      read.append(piece.data(), piece.size());
    }
  }

  // A record of RocksDB's: its checksum, its length, its type (a whole one),
  // its payload.
  const std::string record_ =
      std::string("\x0b\xb9\x57\x58\x05\x00\x01", 7) + "hello";
};

TEST_F(ReadingLogsTest, ZerosAtTheEndAreNotShown) {
  EXPECT_EQ(Read({}, record_ + std::string(5000, '\0')), record_);
}

// A loss of power has taken the first sector of its last record, and not the
// second.
TEST_F(ReadingLogsTest, WhatIsTornAtTheEndIsNotShownNorOfAManifest) {
  const std::string bytes =
      record_ + std::string(600, '\0') + std::string(100, 'x');
  for (const char* name : {"/2.log", "/MANIFEST-000002"}) {
    std::ofstream(dir_ + name, std::ios::binary) << bytes;
    LogFileSystem files(base_, {});
    EXPECT_EQ(Read(files, name), record_) << name;
  }
}

TEST_F(ReadingLogsTest, OneThatIsTornBeforeALaterWriteIsRefused) {
  const LogFileSystem::Options always{.each_is_synced = true};
  const std::string torn =
      record_ + std::string(600, '\0') + std::string(100, 'x');
  EXPECT_EQ(Read(always, torn), record_);
  std::ofstream(dir_ + "/10.log", std::ios::binary) << std::string(900, '\0');
  std::ofstream(dir_ + "/1.log", std::ios::binary) << record_;
  EXPECT_EQ(Read(always, torn), record_) << "none is later, or has a write";
  std::ofstream(dir_ + "/11.log", std::ios::binary) << record_;
  EXPECT_EQ(Read(always, torn),
            "Corruption: " + dir_ +
                "/2.log has a write at 12 that is not whole, and 11.log has "
                "later ones: damage, or what a loss of power has left of "
                "--sync=interval or never");
  for (const LogFileSystem::Options& accepts :
       {LogFileSystem::Options{},
        LogFileSystem::Options{.accept_holes = true, .each_is_synced = true}}) {
    LogFileSystem files(base_, accepts);
    EXPECT_EQ(Read(files), record_);
    EXPECT_EQ(Read(files, "/11.log"), "") << "it stands on what is missing";
    EXPECT_EQ(Read(files, "/1.log"), record_);
  }
  EXPECT_EQ(Read(always, record_ + std::string(600, '\0')), record_);
}

TEST_F(ReadingLogsTest, AHoleIsRefusedUnlessItIsAccepted) {
  const std::string bytes = record_ + std::string(500, '\0') + record_;
  EXPECT_EQ(Read({}, bytes), "Corruption: " + dir_ +
                                 "/2.log has zeros at 12 and something else "
                                 "behind them");
  std::ofstream(dir_ + "/3.log", std::ios::binary) << record_;
  std::ofstream(dir_ + "/2.log", std::ios::binary) << bytes;
  LogFileSystem files(base_, {.accept_holes = true});
  EXPECT_EQ(Read(files), record_);
  EXPECT_EQ(Read(files, "/3.log"), "") << "it stands on what is missing";
  std::ofstream(dir_ + "/MANIFEST-000002", std::ios::binary) << bytes;
  EXPECT_THAT(Read(files, "/MANIFEST-000002"), HasSubstr("has zeros at 12"));
}

class SyncedOnlyTest : public ReadingLogsTest {
 protected:
  std::unique_ptr<FSWritableFile> Make(const std::string& name) {
    std::unique_ptr<FSWritableFile> file;
    EXPECT_TRUE(
        all_.NewWritableFile(dir_ + name, FileOptions(), &file, nullptr).ok());
    return file;
  }
  void Sync(FSWritableFile& file) {
    EXPECT_TRUE(file.Sync(IOOptions(), nullptr).ok());
  }
  void SyncFolder(const std::string& name) {
    std::unique_ptr<rocksdb::FSDirectory> dir;
    ASSERT_TRUE(all_.NewDirectory(name, IOOptions(), &dir, nullptr).ok());
    EXPECT_TRUE(dir->Fsync(IOOptions(), nullptr).ok());
  }

  const std::shared_ptr<SyncedFiles> synced_ = std::make_shared<SyncedFiles>();
  LogFileSystem all_{base_, {.zeros_bytes = kZerosBytes, .synced = synced_}};
  LogFileSystem some_{base_, {.synced = synced_, .synced_only = true}};
};

TEST_F(SyncedOnlyTest, OfALogWhatIsSynced) {
  const auto file = Make("/2.log");
  SyncFolder(dir_);
  Append(*file, record_);
  EXPECT_EQ(Read(some_), "");
  Sync(*file);
  Append(*file, record_);
  EXPECT_EQ(Read(some_), record_);
  EXPECT_EQ(Read(all_), record_ + record_);
  ASSERT_TRUE(file->Close(IOOptions(), nullptr).ok());
  EXPECT_EQ(Read(some_), record_) << "closed, and not synced";
  ASSERT_TRUE(all_.DeleteFile(dir_ + "/2.log", IOOptions(), nullptr).ok());
  EXPECT_FALSE(synced_->Written(dir_ + "/2.log").has_value());
}

// As a backup does it, while it is written to.
TEST_F(SyncedOnlyTest, OfALogThatIsOpenWhatIsWritten) {
  const auto file = Make("/2.log");
  Append(*file, record_);
  Append(*file, "no record, in part");
  EXPECT_EQ(Read(all_), record_ + "no record, in part");
}

TEST_F(SyncedOnlyTest, EachRecordOfAManifestIsSyncedBeforeTheNext) {
  const auto file = Make("/MANIFEST-000005");
  SyncFolder(dir_);
  Append(*file, record_);
  EXPECT_EQ(Read(some_, "/MANIFEST-000005"), "");
  Append(*file, record_);
  EXPECT_EQ(Read(some_, "/MANIFEST-000005"), record_);
}

TEST_F(SyncedOnlyTest, NothingOfALogWhoseNameMayBeLost) {
  const auto file = Make("/2.log");
  Append(*file, record_);
  Sync(*file);
  SyncFolder(dir_ + "/..");
  EXPECT_EQ(Read(some_), "") << "it is another folder";
  SyncFolder(dir_ + "/");
  EXPECT_EQ(Read(some_), record_);
  Make("/2.log");  // anew
  EXPECT_EQ(Read(some_), "");
}

TEST_F(SyncedOnlyTest, OfAManifestLikewise) {
  const auto file = Make("/MANIFEST-000005");
  Append(*file, record_);
  Sync(*file);
  Append(*file, record_);
  SyncFolder(dir_);
  EXPECT_EQ(Read(some_, "/MANIFEST-000005"), record_);
  EXPECT_EQ(Read(all_, "/MANIFEST-000005"), record_ + record_);
}

TEST_F(SyncedOnlyTest, NoneThatIsSaidToHoldByANameThatMayBeLost) {
  Append(*Make("/1.dbtmp"), "MANIFEST-000005");
  ASSERT_TRUE(all_.RenameFile(dir_ + "/1.dbtmp", dir_ + "/CURRENT", IOOptions(),
                              nullptr)
                  .ok());
  EXPECT_THAT(Read(some_, "/CURRENT"),
              HasSubstr("CURRENT: is not known to be on the disk"));
  EXPECT_EQ(Read(all_, "/CURRENT"), "MANIFEST-000005");
  SyncFolder(dir_);
  EXPECT_EQ(Read(some_, "/CURRENT"), "MANIFEST-000005");
}

TEST_F(SyncedOnlyTest, AllThatAnotherProcessHasWritten) {
  EXPECT_EQ(Read({.synced = synced_, .synced_only = true}, record_), record_);
}

}  // namespace
}  // namespace coffer::server
