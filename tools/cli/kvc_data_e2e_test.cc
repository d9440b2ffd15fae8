// The data commands of the real kvc against the real kvs.

#include <signal.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coffer/tools/cli/child_process.h"
#include "coffer/tools/cli/kvc_e2e_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using coffer_testing::ChildProcess;
using coffer_testing::Finished;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

// k0, k1, ..., each with its number.
std::string Fill(int keys) {
  std::string lines;
  for (int i = 0; i < keys; ++i) {
    absl::StrAppend(&lines, "set t k", i, " int:", i, "\n");
  }
  return lines;
}

TEST(KvcData, VersionsAndConditions) {
  Server server;
  Client kvc(server.address());
  const Finished put = kvc({"put", "t", "k", "int:1", "--if_absent"});
  EXPECT_EQ(put.exit_code, 0) << put.err;
  EXPECT_THAT(put.out, MatchesRegex("version [0-9]+\n"));
  const Finished again = kvc({"put", "t", "k", "int:2", "--if_absent"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, AllOf(IsOneComplaint(), HasSubstr("kvc: 409 "),
                               HasSubstr("its value: int:1")));
  const std::string version = put.out.substr(8, put.out.size() - 9);
  const Finished set =
      kvc({"put", "t", "k", "x", "--if_version=" + version, "--previous"});
  EXPECT_THAT(set.out, MatchesRegex("version [0-9]+, before: int:1\n"));
  EXPECT_THAT(kvc({"read", "t", "k", "none"}).out,
              MatchesRegex("k\tx\t[0-9]+\tnever\nnone\tnone:\t0\t-\n"));
  EXPECT_EQ(kvc({"remove", "t", "k", "--if_version=" + version}).exit_code, 1);
  EXPECT_THAT(kvc({"remove", "t", "k", "--previous"}).out,
              MatchesRegex("removed, version [0-9]+, before: x\n"));
  EXPECT_EQ(kvc({"remove", "t", "k"}).out, "there was no such key\n");
}

TEST(KvcData, Expiry) {
  Server server;
  Client kvc(server.address());
  EXPECT_THAT(kvc({"put", "t", "k", "v", "--expire_after=1h"}).out,
              MatchesRegex("version [0-9]+, expires 20[-0-9T:.]+Z\n"));
  EXPECT_THAT(kvc({"ttl", "t", "k"}).out, StartsWith("59m"));
  EXPECT_EQ(kvc({"persist", "t", "k"}).exit_code, 0);
  EXPECT_EQ(kvc({"ttl", "t", "k"}).out, "never\n");
  EXPECT_THAT(kvc({"expire", "t", "k", "2100-01-01T00:00:00Z"}).out,
              HasSubstr("expires 2100-01-01T00:00:00.000Z"));
  EXPECT_EQ(kvc({"expire", "t", "k", "0s"}).exit_code, 0);
  const Finished gone = kvc({"ttl", "t", "k"});
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_EQ(gone.err, "kvc: 404 Not found: table t, key k\n");
}

TEST(KvcData, NumbersAndTextGrow) {
  Server server;
  Client kvc(server.address());
  EXPECT_EQ(kvc({"incr", "t", "n"}).out, "int:1\n");
  EXPECT_EQ(kvc({"incr", "t", "n", "-5"}).out, "int:-4\n");
  EXPECT_EQ(kvc({"incr", "t", "n", "1.5"}).out, "float:-2.5\n");
  EXPECT_EQ(kvc({"append", "t", "s", "ab"}).out, "2 bytes\n");
  EXPECT_EQ(kvc({"append", "t", "s", "c"}).out, "3 bytes\n");
  const Finished wrong = kvc({"incr", "t", "s"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, AllOf(IsOneComplaint(), HasSubstr("400")));
}

TEST(KvcData, ScanOfManyKeys) {
  Server server;
  Client kvc(server.address());
  constexpr int kKeys = 3000;
  ASSERT_EQ(kvc.Lines(Fill(kKeys)).exit_code, 0);
  const Finished scan = kvc({"scan", "t"});
  EXPECT_EQ(scan.exit_code, 0) << scan.err;
  const std::vector<std::string> lines = absl::StrSplit(scan.out, '\n');
  const std::set<std::string> unique(lines.begin(), lines.end());
  EXPECT_EQ(lines.size(), kKeys + 1u);
  EXPECT_EQ(unique.size(), kKeys + 1u);
  EXPECT_TRUE(unique.contains("k2999\tint:2999"));
  const Finished few = kvc({"scan", "t", "--limit=5", "--keys_only"});
  EXPECT_THAT(few.out, MatchesRegex("(k[0-9]+\n){5}"));
  const Finished prefix =
      kvc({"--json", "scan", "t", "--prefix=k299", "--begin=k2995"});
  EXPECT_THAT(prefix.out,
              MatchesRegex("(\\{\"key\":\"k299[5-9]\",[^\n]*\n){5}"));
  EXPECT_EQ(kvc({"scan", "none"}).out, "");
}

TEST(KvcData, Tables) {
  Server server;
  Client kvc(server.address());
  EXPECT_EQ(kvc({"tables"}).out, "");
  ASSERT_EQ(kvc.Lines("set a k 1\nset b k 1\nset b l 2\n").exit_code, 0);
  EXPECT_THAT(kvc({"tables"}).out,
              MatchesRegex("a\t1\t[0-9]+\nb\t2\t[0-9]+\n"));
  EXPECT_THAT(kvc({"tables", "b"}).out, MatchesRegex("b\t2\t[0-9]+\n"));
  EXPECT_THAT(kvc({"count", "b"}).out, StartsWith("2 keys, "));
  EXPECT_EQ(kvc({"rename", "a", "b"}).exit_code, 1);
  EXPECT_THAT(kvc({"drop", "b"}).out, StartsWith("dropped: 2 keys, "));
  EXPECT_EQ(kvc({"drop", "b"}).exit_code, 1);
  EXPECT_EQ(kvc({"rename", "a", "b"}).exit_code, 0);
  EXPECT_EQ(kvc({"get", "b", "k"}).out, "1\n");
}

TEST(KvcData, Transactions) {
  Server server;
  Client kvc(server.address());
  const std::string transfer =
      "txn\n"
      "if\n  value accounts ada = int:10\n"
      "then\n  incr accounts ada -4\n  incr accounts bob 4\n"
      "else\n  read accounts ada\n"
      "commit\n";
  const Finished done =
      kvc.Lines("set accounts ada int:10\n" + transfer + transfer);
  EXPECT_EQ(done.exit_code, 1) << "the second one's comparison does not hold";
  EXPECT_THAT(done.out, MatchesRegex("ok\nthen\nint:6\nint:4\nelse\nada\tint:6"
                                     "\t[0-9]+\tnever\n"));
  EXPECT_EQ(done.err, "");
  // From standard input, without lines around it.
  const Finished both = coffer_testing::RunProcess(kvc.command() + Words{"txn"},
                                                   "put t a 1\nput t b 2\n");
  EXPECT_EQ(both.exit_code, 0) << both.err;
  EXPECT_EQ(kvc({"mget", "t", "a", "b"}).out, "a\t1\nb\t2\n");
}

// Sorted, and without what is another each time.
std::vector<std::string> RecordsOf(const std::string& dump) {
  std::vector<std::string> records;
  const std::vector<std::string> lines =
      absl::StrSplit(dump, '\n', absl::SkipEmpty());
  for (std::string line : lines) {
    if (!absl::StartsWith(line, "{\"table\"")) continue;
    const std::size_t version = line.find(",\"version\":");
    const std::size_t behind = line.find_first_of(",}", version + 1);
    line.erase(version, behind - version);
    const std::size_t cursor = line.find(",\"cursor\":");
    if (cursor != std::string::npos) line = line.substr(0, cursor) + "}";
    records.push_back(line);
  }
  std::sort(records.begin(), records.end());
  return records;
}

std::string Path(const std::string& name) {
  return testing::TempDir() + "/" + name;
}

TEST(KvcData, WhatIsDumpedIsLoaded) {
  Server server;
  Client kvc(server.address());
  std::string lines = Fill(3000);
  for (const char* value :
       {"float:0.1", "float:-0", "float:nan", "float:-inf", "bool:true",
        "bin:00ff", "text:int:5", "none:", "int:-9223372036854775808",
        "'esc:\\x00\\xf0\\x9f\\x98\\x80'"}) {
    absl::StrAppend(&lines, "set 'all types' \"", value, "\\n\\t\" ", value,
                    "\n");
  }
  absl::StrAppend(&lines, "put t stays 1 --expire_after=1h\n");
  ASSERT_EQ(kvc.Lines(lines).exit_code, 0);
  const Finished dumped = kvc({"dump"});
  ASSERT_EQ(dumped.exit_code, 0) << dumped.err;
  EXPECT_EQ(dumped.err, "");
  EXPECT_EQ(RecordsOf(dumped.out).size(), 3011u);

  Server other;
  Client to(other.address());
  const Finished loaded =
      coffer_testing::RunProcess(to.command() + Words{"load"}, dumped.out);
  EXPECT_EQ(loaded.exit_code, 0) << loaded.err;
  EXPECT_EQ(loaded.out, "3011 loaded\n");
  EXPECT_TRUE(RecordsOf(to({"dump"}).out) == RecordsOf(dumped.out));
  EXPECT_EQ(RecordsOf(to({"dump", "all types"}).out).size(), 10u);
}

TEST(KvcData, DumpThatWasCutIsGoneOnWith) {
  Server server;
  Client kvc(server.address());
  ASSERT_EQ(kvc.Lines(Fill(2500)).exit_code, 0);
  const Finished whole = kvc({"dump"});
  const std::string file = Path("cut");
  std::ofstream(file) << whole.out.substr(0, whole.out.size() / 2);
  const Finished cut = kvc({"load", file});
  EXPECT_EQ(cut.exit_code, 2) << "its last line is half a line";
  EXPECT_THAT(cut.err, AllOf(IsOneComplaint(), HasSubstr("load: line "),
                             HasSubstr("--from_line=")));
  const Finished resumed = kvc({"dump", "--resume", file});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  EXPECT_TRUE(RecordsOf(text) == RecordsOf(whole.out));
  EXPECT_EQ(kvc({"load", file}).out, "2500 loaded\n");
  // Not by a server with other data.
  std::ofstream(file) << whole.out.substr(0, whole.out.size() / 2);
  Server other;
  const Finished refused = Client(other.address())({"dump", "--resume", file});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("has other data"));
}

TEST(KvcData, LoadThatIsInterruptedTellsWhereToGoOn) {
  Server server;
  Client kvc(server.address());
  // It waits for more.
  ChildProcess load(kvc.command() + Words{"load"});
  load.Write(
      "{\"table\":\"t\",\"key\":\"k\",\"value\":{\"type\":\"int\","
      "\"value\":1}}\n");
  while (kvc({"get", "t", "k"}).exit_code != 0) {
  }
  load.Signal(SIGINT);
  EXPECT_EQ(load.Wait(), 3);
}

TEST(KvcData, ScanOfAServerThatHangsEnds) {
  Server server;
  Client kvc(server.address());
  ASSERT_EQ(kvc.Lines(Fill(2000)).exit_code, 0);
  // Its answers do not come any more.
  server.process().Signal(SIGSTOP);
  ChildProcess scan(kvc.command() + Words{"--timeout=1s", "scan", "t"});
  EXPECT_EQ(scan.Wait(), 3);
  server.process().Signal(SIGCONT);
}

}  // namespace
}  // namespace coffer::cli
