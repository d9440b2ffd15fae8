// Runner's scan, tables, txn, ttl, dump and load.

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "coffer/sdk/mocks/make_answer.h"
#include "coffer/tools/cli/runner_test_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using coffer_testing::MakeConflictAnswer;
using coffer_testing::MakeEntry;
using coffer_testing::MakeState;
using coffer_testing::MakeTable;
using coffer_testing::MakeTableAnswer;
using coffer_testing::MakeTransactionAnswer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using RunnerDataTest = RunnerFixture;

TEST_F(RunnerDataTest, ScanShowsPageAfterPage) {
  executor_.answers = {States({MakeEntry("a", 7, 1)}, "c1"), States({}, "c2"),
                       States({MakeEntry("b c", 8, "x")})};
  EXPECT_EQ(Run({"scan", "t"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "a\tint:1\n\"b c\"\tx\n");
  EXPECT_EQ(err_.str(), "");
  EXPECT_THAT(executor_.requests,
              ElementsAre("scan { table: \"t\" }",
                          "scan { table: \"t\" cursor: \"c1\" }",
                          "scan { table: \"t\" cursor: \"c2\" }"));
}

TEST_F(RunnerDataTest, TableThatIsTooLargeIsForScan) {
  executor_.answers = {Answer(413, "too large: read it in pages")};
  EXPECT_EQ(Run({"getall", "t"}), ExitCode::kRefused);
  EXPECT_EQ(err_.str(),
            "kvc: 413 too large: read it in pages; here: kvc scan\n");
}

TEST_F(RunnerDataTest, ScanEndsAtItsLimit) {
  executor_.answers = {States({MakeEntry("a", 7, 1)}, "c1"),
                       States({MakeEntry("b", 7, 1)}, "c2")};
  EXPECT_EQ(Run({"scan", "t", "--limit=2", "--keys_only"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "a\nb\n");
  EXPECT_THAT(executor_.requests,
              ElementsAre("scan { table: \"t\" limit: 2 keys_only: true }",
                          "scan { table: \"t\" cursor: \"c1\" limit: 2 "
                          "keys_only: true }"));
}

TEST_F(RunnerDataTest, ScanAndTablesAsJson) {
  options_.json = true;
  v1::KeyState b = MakeEntry("b", 8, v1::Value());
  b.set_expires_at_ms(5);
  executor_.answers = {
      States({MakeEntry("a", 7, 1), b}),
      MakeTableAnswer({MakeTable("t", 2, 35), MakeTable("u", 1, 9)})};
  EXPECT_EQ(Run({"scan", "t"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(),
            "{\"key\":\"a\",\"version\":7,\"value\":{\"type\":\"int\","
            "\"value\":1}}\n"
            "{\"key\":\"b\",\"version\":8,\"value\":{\"type\":\"none\","
            "\"value\":null},\"expires_at_ms\":5}\n");
  out_.str("");
  EXPECT_EQ(Run({"tables"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(),
            "{\"name\":\"t\",\"keys\":2,\"bytes\":35}\n"
            "{\"name\":\"u\",\"keys\":1,\"bytes\":9}\n");
}

TEST_F(RunnerDataTest, TablesAreListed) {
  executor_.answers = {MakeTableAnswer({MakeTable("t", 2, 35)}, "t"),
                       MakeTableAnswer({MakeTable("u v", 1, 9)})};
  EXPECT_EQ(Run({"tables"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "t\t2\t35\n\"u v\"\t1\t9\n");
}

TEST_F(RunnerDataTest, ScanThatFails) {
  executor_.answers = {States({MakeEntry("a", 7, 1)}, "c1"),
                       Answer(500, "no disk")};
  EXPECT_EQ(Run({"scan", "t"}), ExitCode::kRefused);
  EXPECT_EQ(out_.str(), "a\tint:1\n");
  EXPECT_EQ(err_.str(), "kvc: scan: no disk\n");
  executor_.answers = {absl::UnavailableError("lost")};
  EXPECT_EQ(Run({"tables"}), ExitCode::kNoConnection);
}

TEST_F(RunnerDataTest, ConditionThatDoesNotHoldShowsTheKey) {
  executor_.answers = {MakeConflictAnswer(MakeState(8, 9))};
  EXPECT_EQ(Run({"put", "t", "k", "v", "--if_version=7"}), ExitCode::kRefused);
  EXPECT_EQ(err_.str(),
            "kvc: 409 the condition does not hold; its value: int:9\n");
}

TEST_F(RunnerDataTest, TimeToLiveOfNoKeyIsRefused) {
  executor_.answers = {States({MakeState(0)}), States({MakeState(7)})};
  EXPECT_EQ(Run({"ttl", "t", "k"}), ExitCode::kRefused);
  EXPECT_EQ(err_.str(), "kvc: 404 Not found: table t, key k\n");
  EXPECT_EQ(Run({"ttl", "t", "k"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "never\n");
}

TEST_F(RunnerDataTest, TransactionIsReadFromTheInput) {
  std::istringstream in("if\npresent t k\nthen\nput t k 1\nread t k\n");
  options_.in = &in;
  executor_.answers = {
      MakeTransactionAnswer(true, {MakeState(7), MakeState(7, "1")})};
  EXPECT_EQ(Run({"txn"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "then\nversion 7\nk\t1\t7\tnever\n");
  EXPECT_EQ(executor_.requests.size(), 1u);
}

TEST_F(RunnerDataTest, TransactionWhoseComparisonsDoNotHold) {
  std::istringstream in("if\npresent t k\nelse\nttl t k\n");
  options_.in = &in;
  options_.json = true;
  executor_.answers = {MakeTransactionAnswer(false, {MakeState(0)})};
  EXPECT_EQ(Run({"txn"}), ExitCode::kRefused);
  EXPECT_EQ(out_.str(),
            "{\"status\":200,\"message\":\"\",\"values\":[],\"pairs\":[],"
            "\"states\":[{\"version\":0}],\"held\":false}\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(RunnerDataTest, TransactionAmongLinesEndsWithCommit) {
  executor_.answers = {MakeTransactionAnswer(true, {MakeState(7)}),
                       Found(ToValue(5))};
  EXPECT_EQ(RunText("txn\n  put t k 1\ncommit\nget t k\ngot\n"),
            ExitCode::kUsage);
  EXPECT_EQ(out_.str(), "then\nversion 7\nint:5\n");
  EXPECT_EQ(err_.str(),
            "kvc: line 5: no command \"got\"; kvc help lists them\n");
}

TEST_F(RunnerDataTest, TransactionThatIsWrongIsNotSent) {
  EXPECT_EQ(RunText("txn\n put t k\n put t k 1\n gut\ncommit\nget t\n"),
            ExitCode::kUsage);
  EXPECT_EQ(err_.str(),
            "kvc: line 2: txn: put: it takes TABLE KEY VALUE; 2 arguments were "
            "given\n"
            "kvc: line 4: txn: no command \"gut\"; kvc help lists them\n"
            "kvc: line 6: get: it takes TABLE KEY; 1 argument was given\n");
  err_.str("");
  EXPECT_EQ(RunText("txn\nput t k 1\n"), ExitCode::kUsage);
  EXPECT_EQ(err_.str(), "kvc: line 1: txn: the input ended before `commit`\n");
  EXPECT_THAT(executor_.requests, IsEmpty());
}

TEST_F(RunnerDataTest, TransactionIsReadFromAFile) {
  const std::string path = ::testing::TempDir() + "/transaction";
  std::ofstream(path) << "put t k 1\nput t\n";
  EXPECT_EQ(Run({"txn", path}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(),
              HasSubstr("/transaction: line 2: txn: put: it takes"));
  err_.str("");
  EXPECT_EQ(Run({"txn", "/no/such/file"}), ExitCode::kUsage);
  EXPECT_EQ(err_.str(), "kvc: txn: \"/no/such/file\" cannot be read\n");
  std::ofstream(path) << "put t k 1\n";
  executor_.answers = {MakeTransactionAnswer(true, {MakeState(7)})};
  EXPECT_EQ(Run({"txn", path}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "then\nversion 7\n");
}

// A server of which something is known.
v1::CommandResponse Pong() { return Answer(200); }

std::string FileWith(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/dumped";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST_F(RunnerDataTest, DumpGoesToTheOutput) {
  executor_.answers = {Pong(), States({MakeEntry("a", 7, 1)}), Pong()};
  EXPECT_EQ(Run({"dump", "t"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(),
            "{\"coffer_dump\":1,\"store\":\"5\",\"tables\":[\"t\"]}\n"
            "{\"table\":\"t\",\"key\":\"a\",\"value\":{\"type\":\"int\","
            "\"value\":1},\"version\":7,\"cursor\":\"\"}\n"
            "{\"coffer_dump_end\":1,\"records\":1}\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(RunnerDataTest, DumpThatFailsNamesTheTable) {
  executor_.answers = {Pong(), Answer(500, "no disk")};
  EXPECT_EQ(Run({"dump", "t"}), ExitCode::kRefused);
  EXPECT_EQ(err_.str(), "kvc: dump: table \"t\": no disk\n");
}

TEST_F(RunnerDataTest, DumpIsGoneOnWithInItsFile) {
  const std::string begin =
      "{\"coffer_dump\":1,\"store\":\"5\",\"tables\":[\"t\"]}\n"
      "{\"table\":\"t\",\"key\":\"a\",\"value\":{\"type\":\"int\","
      "\"value\":1},\"version\":7,\"cursor\":\"6331\"}\n";
  const std::string file = FileWith(begin + "{\"table\":\"t\",\"key\":\"b");
  executor_.answers = {Pong(), States({MakeEntry("b", 8, 2)}), Pong()};
  EXPECT_EQ(Run({"dump", "--resume", file}), ExitCode::kDone);
  EXPECT_THAT(executor_.requests[1], "scan { table: \"t\" cursor: \"c1\" }");
  std::ifstream in(file);
  const std::string dumped((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(dumped, begin +
                        "{\"table\":\"t\",\"key\":\"b\",\"value\":{\"type\":"
                        "\"int\",\"value\":2},\"version\":8,\"cursor\":\"\"}\n"
                        "{\"coffer_dump_end\":1,\"records\":2}\n");
  EXPECT_EQ(Run({"dump", "--resume", file}), ExitCode::kDone);
  EXPECT_THAT(err_.str(), HasSubstr("is complete already"));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(RunnerDataTest, DumpThatCannotBeGoneOnWith) {
  EXPECT_EQ(Run({"dump", "--resume=/no/such/file"}), ExitCode::kUsage);
  EXPECT_EQ(err_.str(), "kvc: dump: \"/no/such/file\" cannot be read\n");
  EXPECT_EQ(Run({"dump", "--resume", FileWith("x\n")}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("no dump that was interrupted"));
  EXPECT_THAT(executor_.requests, IsEmpty());
}

TEST_F(RunnerDataTest, LoadTellsWhatItHasDone) {
  const std::string record =
      "{\"table\":\"t\",\"key\":\"a\",\"value\":{\"type\":\"int\","
      "\"value\":1}";
  const std::string file =
      FileWith(record + "}\n" + record + ",\"expires_at_ms\":1}\n");
  executor_.answers = {States({MakeState(7)}), States({MakeState(8)})};
  EXPECT_EQ(Run({"load", file}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "1 loaded, 1 had expired\n");
  options_.json = true;
  out_.str("");
  EXPECT_EQ(Run({"load", file}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "{\"loaded\":1,\"expired\":1}\n");
  EXPECT_EQ(executor_.requests.size(), 2u);
}

TEST_F(RunnerDataTest, LoadThatFailsNamesTheLine) {
  const std::string record =
      "{\"table\":\"t\",\"key\":\"a\",\"value\":{\"type\":\"int\","
      "\"value\":1}}\n";
  executor_.answers = {States({MakeState(7)}), Answer(413, "too large")};
  EXPECT_EQ(Run({"load", FileWith(record + record)}), ExitCode::kRefused);
  EXPECT_EQ(err_.str(),
            "kvc: load: line 2: too large; the lines before 2 are done: go on "
            "with --from_line=2\n");
  err_.str("");
  EXPECT_EQ(Run({"load", FileWith("x\n")}), ExitCode::kUsage);
  EXPECT_EQ(err_.str(), "kvc: load: line 1: not JSON: no value at byte 1\n");
  err_.str("");
  EXPECT_EQ(Run({"load", "/no/such/file"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("\"/no/such/file\" cannot be read"));
  err_.str("");
  EXPECT_EQ(RunText("load\n"), ExitCode::kUsage);
  EXPECT_EQ(err_.str(),
            "kvc: line 1: load: name a FILE: standard input has the "
            "commands\n");
}

}  // namespace
}  // namespace coffer::cli
