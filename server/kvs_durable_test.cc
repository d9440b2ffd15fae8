// kvs --storage=rocksdb as an operator meets it: what was stored is there after
// a restart and after a kill, and what cannot be opened is refused clearly.

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coffer/server/storage/durable/record_format.h"
#include "coffer/tools/cli/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"

namespace coffer::server {
namespace {

using coffer_testing::ChildProcess;
using coffer_testing::Finished;
using coffer_testing::RunProcess;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Words = std::vector<std::string>;

constexpr char kKvs[] = "server/kvs";
constexpr char kKvc[] = "tools/cli/kvc";

class KvsDurableTest : public ::testing::Test {
 protected:
  KvsDurableTest()
      : dir_(absl::StrCat(
            ::testing::TempDir(), "/",
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(dir_);
  }

  Words Command(const Words& more = {}) const {
    Words command = {kKvs, "--listen=127.0.0.1:0", "--storage=rocksdb",
                     absl::StrCat("--data_dir=", dir_)};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  void Start(const Words& more = {}) {
    Words command = Command(more);
    command.push_back("--log_level=warning");
    kvs_ = std::make_unique<ChildProcess>(command);
    const std::string ready = kvs_->ReadLine();
    absl::string_view address = ready;
    ASSERT_TRUE(absl::ConsumePrefix(&address, "listening on ")) << ready;
    address_ = std::string(address);
  }

  void Stop() {
    kvs_->Signal(SIGTERM);
    EXPECT_EQ(kvs_->Wait(), 0);
  }

  std::string Kvc(const Words& arguments) const {
    Words command = {kKvc, "--server=" + address_};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const Finished finished = RunProcess(command);
    return absl::StrCat(finished.out, finished.err);
  }

  void ExpectRefused(const std::string& why) const {
    ExpectRefusedWith({}, why);
  }
  void ExpectRefusedWith(const Words& flags, const std::string& why) const {
    const Finished finished = RunProcess(Command(flags));
    EXPECT_EQ(finished.exit_code, 2);
    EXPECT_THAT(finished.err, AllOf(StartsWith("kvs: "), HasSubstr(why)));
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1)
        << finished.err;
    EXPECT_EQ(finished.out, "");
  }

  std::string dir_;
  std::string address_;
  std::unique_ptr<ChildProcess> kvs_;
};

TEST_F(KvsDurableTest, RestartKeepsTheData) {
  for (const char* sync : {"always", "interval", "never"}) {
    Start({absl::StrCat("--sync=", sync)});
    EXPECT_EQ(Kvc({"set", "users", sync, "int:36"}), "ok\n") << sync;
    Stop();
  }
  Start();
  for (const char* sync : {"always", "interval", "never"}) {
    EXPECT_EQ(Kvc({"get", "users", sync}), "int:36\n");
  }
  EXPECT_EQ(Kvc({"del", "users", "never"}), "int:36\n");
  Stop();
  Start();
  EXPECT_THAT(Kvc({"get", "users", "never"}), HasSubstr("Not found"));
}

TEST_F(KvsDurableTest, KillKeepsWhatWasAnswered) {
  for (int i = 0; i < 5; ++i) {
    Start();
    for (int k = 0; k < i; ++k) {
      EXPECT_EQ(Kvc({"get", "t", absl::StrCat("key", k)}),
                absl::StrCat("int:", k, "\n"));
    }
    EXPECT_EQ(
        Kvc({"set", "t", absl::StrCat("key", i), absl::StrCat("int:", i)}),
        "ok\n");
    kvs_->Signal(SIGKILL);
    EXPECT_EQ(kvs_->Wait(), -1);
  }
}

TEST_F(KvsDurableTest, SecondServerOnTheDirectoryIsRefused) {
  Start();
  ExpectRefused(absl::StrCat("cannot open data directory ", dir_,
                             ": another server has it open"));
  Stop();
  Start();
}

TEST_F(KvsDurableTest, DirectoriesThatAreNoneAreRefused) {
  std::ofstream(dir_) << "a file";
  ExpectRefused(absl::StrCat("cannot use data directory ", dir_));
  std::filesystem::remove(dir_);
  const std::string parent = dir_;
  dir_ = parent + "/not/there";
  ExpectRefused("No such file or directory");
  std::filesystem::create_directory(parent);
  std::ofstream(parent + "/letter.txt") << "dear all";
  dir_ = parent;
  ExpectRefused("it has no file CURRENT, but letter.txt");
}

TEST_F(KvsDurableTest, NewerFormatIsRefused) {
  Start();
  Stop();
  {
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), dir_, &db).ok());
    const std::unique_ptr<rocksdb::DB> owned(db);
    ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), FormatKey(), "3").ok());
  }
  ExpectRefused("its format is 3, written by a newer version");
}

// The first line of the log says what becomes of the data.
TEST_F(KvsDurableTest, LogSaysWhereDataIsKept) {
  const auto first_line = [](Words command) {
    std::string shell = "exec";
    for (const std::string& word : command) absl::StrAppend(&shell, " ", word);
    ChildProcess kvs({"/bin/sh", "-c", shell + " 2>&1"});
    std::string first;
    // Signalled as it starts, one with the thread sanitizer may miss it.
    for (bool listens = false; !listens || first.empty();) {
      const std::string line = kvs.ReadLine();
      if (line.empty()) break;
      const bool is_ready = absl::StartsWith(line, "listening on ");
      listens = listens || is_ready;
      if (!is_ready && first.empty()) first = line;
    }
    kvs.Signal(SIGTERM);
    EXPECT_EQ(kvs.Wait(), 0);
    return first;
  };
  EXPECT_THAT(first_line(Command()),
              AllOf(HasSubstr("event=starting"), HasSubstr("storage=rocksdb"),
                    HasSubstr(absl::StrCat("data_dir=", dir_)),
                    HasSubstr("sync=always tables=0 keys=0"),
                    Not(HasSubstr("forgotten"))));
  EXPECT_THAT(first_line({kKvs, "--listen=127.0.0.1:0"}),
              AllOf(HasSubstr("event=starting"), HasSubstr("storage=memory"),
                    HasSubstr("data is forgotten when the server ends")));
}

TEST_F(KvsDurableTest, RestoresABackup) {
  const std::string backups = dir_ + "-backups";
  std::filesystem::remove_all(backups);
  Start({"--backup_dir=" + backups});
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(Kvc({"set", "t", absl::StrCat("key", i), absl::StrCat(i)}),
              "ok\n");
  }
  const std::string all = Kvc({"getall", "t"});
  EXPECT_THAT(Kvc({"backup", "nightly", "2"}),
              AllOf(StartsWith("backup 1 in "), HasSubstr("/nightly: ")));
  EXPECT_EQ(Kvc({"set", "t", "key0", "changed"}), "ok\n");
  EXPECT_THAT(Kvc({"backup", "/elsewhere"}), StartsWith("kvc: 403 "));
  Stop();

  ExpectRefusedWith({"--restore=" + backups + "/nightly"},
                    "a restore overwrites nothing");
  std::filesystem::remove_all(dir_);
  Start({"--restore=" + backups + "/nightly"});
  EXPECT_EQ(Kvc({"getall", "t"}), all);
  EXPECT_THAT(Kvc({"backup", "nightly"}), HasSubstr("--backup_dir"));
  Stop();
}

}  // namespace
}  // namespace coffer::server
