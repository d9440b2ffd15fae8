#include "coffer/tools/cli/runner.h"

#include <chrono>
#include <sstream>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/tools/cli/command.h"
#include "coffer/tools/cli/help.h"
#include "coffer/tools/cli/runner_test_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using RunnerTest = RunnerFixture;

TEST_F(RunnerTest, AnswerIsPrinted) {
  executor_.answers = {Found(ToValue(5))};
  EXPECT_EQ(Run({"get", "t", "k"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "int:5\n");
  EXPECT_EQ(err_.str(), "");
  EXPECT_THAT(executor_.requests,
              ElementsAre(MakeHget("t", "k").ShortDebugString()));
}

TEST_F(RunnerTest, RefusalIsAComplaint) {
  executor_.answers = {Answer(404, "Not found: table t, key k")};
  EXPECT_EQ(Run({"get", "t", "k"}), ExitCode::kRefused);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(err_.str(), "kvc: 404 Not found: table t, key k\n");
}

TEST_F(RunnerTest, WrongUseSendsNothing) {
  EXPECT_EQ(Run({"get", "t"}), ExitCode::kUsage);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), HasSubstr("kvc: get: it takes TABLE KEY"));
  EXPECT_THAT(executor_.requests, IsEmpty());
}

TEST_F(RunnerTest, LostConnectionIsAComplaint) {
  EXPECT_EQ(Run({"get", "t", "k"}), ExitCode::kNoConnection);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(err_.str(), "kvc: connection lost\n");
}

TEST_F(RunnerTest, MalformedAnswerIsNotPrinted) {
  executor_.answers = {Answer(200)};
  EXPECT_EQ(Run({"get", "t", "k"}), ExitCode::kNoConnection);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), HasSubstr("answer is malformed: 0 values"));
}

TEST_F(RunnerTest, PeersTextIsPrintableAndOneLine) {
  executor_.answers = {Answer(500, "a\nb\x1b[2J"),
                       absl::UnavailableError("c\nd")};
  EXPECT_EQ(RunText("get t k\nget t k"), ExitCode::kNoConnection);
  EXPECT_EQ(err_.str(), "kvc: line 1: 500 a\\nb\\x1b[2J\nkvc: line 2: c\\nd\n");
}

TEST_F(RunnerTest, JsonIsALineForEachAnswerRefusalsToo) {
  options_.json = true;
  executor_.answers = {Found(ToValue(5)), Answer(404, "no")};
  EXPECT_EQ(RunText("get t a\nget t b\n"), ExitCode::kRefused);
  EXPECT_EQ(out_.str(),
            R"({"status":200,"message":"",)"
            R"("values":[{"type":"int","value":5}],"pairs":[]})"
            "\n"
            R"({"status":404,"message":"no","values":[],"pairs":[]})"
            "\n");
  EXPECT_EQ(err_.str(), "kvc: line 2: 404 no\n");
}

Event Data(std::uint64_t sequence, const v1::Value& value) {
  Event event;
  event.epoch = 1;
  event.sequence = sequence;
  event.data = {value};
  return event;
}

Event Gap(std::uint64_t sequence) {
  Event gap;
  gap.kind = Event::Kind::kGap;
  gap.epoch = 1;
  gap.sequence = sequence;
  return gap;
}

TEST_F(RunnerTest, EventsAreLinesAndGapsAreComplaints) {
  executor_.events = {Data(1, ToValue(5)), Gap(7), Data(8, ToValue("x"))};
  EXPECT_EQ(Run({"sub", "news"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "int:5\nx\n");
  EXPECT_EQ(err_.str(),
            "kvc: sub: events are missing, the last of them number 7\n");
  EXPECT_THAT(executor_.requests, ElementsAre("subscribe news"));
}

TEST_F(RunnerTest, JsonHasEventsAndGapsInTheirOrder) {
  options_.json = true;
  executor_.events = {Data(1, ToValue(5)), Gap(7)};
  EXPECT_EQ(Run({"sub", "news"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(),
            R"({"epoch":1,"sequence":1,"values":[{"type":"int","value":5}]})"
            "\n"
            R"({"epoch":1,"sequence":7,"gap":"missing"})"
            "\n");
  EXPECT_EQ(err_.str(), "");
}

Event ChangeOf(std::uint64_t sequence, v1::Change::Kind kind,
               const std::string& key) {
  Event event;
  event.kind = Event::Kind::kChange;
  event.epoch = 1;
  event.sequence = sequence;
  event.change.set_kind(kind);
  event.change.set_key(key);
  event.change.set_version(100 + sequence);
  return event;
}

std::vector<Event> SomeChanges() {
  std::vector<Event> events = {ChangeOf(1, v1::Change::SET, "a b"),
                               ChangeOf(2, v1::Change::REMOVED, "a b"),
                               ChangeOf(4, v1::Change::EXPIRED, "c"),
                               Gap(7),
                               ChangeOf(8, v1::Change::TABLE_GONE, ""),
                               ChangeOf(9, v1::Change::TABLE_CAME, "")};
  *events[0].change.mutable_value() = ToValue(5);
  events[0].change.set_expires_at_ms(1500);
  return events;
}

TEST_F(RunnerTest, ChangesAreLinesAndGapsAreComplaints) {
  executor_.events = SomeChanges();
  EXPECT_EQ(Run({"watch", "users"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(),
            "set\t\"a b\"\t101\tint:5\nremoved\t\"a b\"\t102\n"
            "expired\tc\t104\ntable_gone\ntable_came\n");
  EXPECT_EQ(err_.str(),
            "kvc: watch: events are missing, the last of them number 7\n");
  EXPECT_THAT(executor_.requests,
              ElementsAre("watch table: \"users\" all: true"));
}

TEST_F(RunnerTest, JsonHasChangesAndGapsInTheirOrder) {
  options_.json = true;
  executor_.events = SomeChanges();
  EXPECT_EQ(Run({"watch", "users", "--prefix=a"}), ExitCode::kDone);
  EXPECT_EQ(
      out_.str(),
      R"({"epoch":1,"sequence":1,"change":"set","key":"a b","version":101,)"
      R"("value":{"type":"int","value":5},"expires_at_ms":1500})"
      "\n"
      R"({"epoch":1,"sequence":2,"change":"removed","key":"a b",)"
      R"("version":102})"
      "\n"
      R"({"epoch":1,"sequence":4,"change":"expired","key":"c","version":104})"
      "\n"
      R"({"epoch":1,"sequence":7,"gap":"missing"})"
      "\n"
      R"({"epoch":1,"sequence":8,"change":"table_gone"})"
      "\n"
      R"({"epoch":1,"sequence":9,"change":"table_came"})"
      "\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(RunnerTest, EndOfAWatchIsTold) {
  executor_.subscription_end = absl::UnimplementedError("no changes");
  EXPECT_EQ(Run({"watch", "users", "ada"}), ExitCode::kRefused);
  EXPECT_EQ(err_.str(), "kvc: watch: no changes\n");
}

TEST_F(RunnerTest, EndOfASubscriptionIsTold) {
  executor_.subscription_end = absl::UnimplementedError("no subscriptions");
  EXPECT_EQ(Run({"sub", "news"}), ExitCode::kRefused);
  EXPECT_EQ(err_.str(), "kvc: sub: no subscriptions\n");
  executor_.subscription_end = absl::UnavailableError("nobody there");
  EXPECT_EQ(Run({"sub", "news"}), ExitCode::kNoConnection);
}

TEST_F(RunnerTest, PingIsTimed) {
  coffer_testing::ManualClock clock;
  options_.clock = &clock;
  executor_.answers = {Answer(200)};
  executor_.on_execute = [&] {
    clock.AdvanceBy(std::chrono::microseconds(1500));
  };
  EXPECT_EQ(Run({"ping"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "answered in 1.50 ms\n");
  options_.json = true;
  executor_.answers = {Answer(200)};
  EXPECT_EQ(Run({"ping"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr(R"("milliseconds":1.500})"));
}

TEST_F(RunnerTest, PublishedIsOk) {
  executor_.answers = {Answer(200)};
  EXPECT_EQ(Run({"pub", "news", "int:5"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "ok\n");
}

TEST_F(RunnerTest, HelpNeedsNoServer) {
  EXPECT_EQ(Run({"help"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), HelpText());
  EXPECT_THAT(executor_.requests, IsEmpty());
}

TEST_F(RunnerTest, LinesAreCommandsAndOthersAreSkipped) {
  executor_.answers = {Answer(200), Found(ToValue("a b")), Answer(200)};
  EXPECT_EQ(
      RunText("# fill\n\nset t k 'a b'\r\n  \nget t k # look\nset t \"\" x"),
      ExitCode::kDone);
  EXPECT_EQ(out_.str(), "ok\na b\nok\n");
  EXPECT_EQ(err_.str(), "");
  EXPECT_THAT(executor_.requests,
              ElementsAre(MakeHset("t", "k", "a b").ShortDebugString(),
                          MakeHget("t", "k").ShortDebugString(),
                          MakeHset("t", "", "x").ShortDebugString()));
}

TEST_F(RunnerTest, NoLinesIsDone) {
  EXPECT_EQ(RunText(""), ExitCode::kDone);
  EXPECT_EQ(RunText("\n# nothing\n"), ExitCode::kDone);
  EXPECT_THAT(executor_.requests, IsEmpty());
}

TEST_F(RunnerTest, GoesOnAfterRefusalAndWrongUseWithTheWorstCode) {
  executor_.answers = {Answer(404, "no"), Answer(200), Answer(200)};
  EXPECT_EQ(RunText("get t k\nset t k 1\n\ngot\nset t 'k\nset t k 2\n"),
            ExitCode::kUsage);
  EXPECT_EQ(out_.str(), "ok\nok\n");
  EXPECT_EQ(err_.str(),
            "kvc: line 1: 404 no\n"
            "kvc: line 4: no command \"got\"; kvc help lists them\n"
            "kvc: line 5: the quote at column 7 is not closed\n");
}

TEST_F(RunnerTest, RefusalBeforeSuccessKeepsItsCode) {
  executor_.answers = {Answer(404, "no"), Answer(200)};
  EXPECT_EQ(RunText("get t k\nset t k 1\n"), ExitCode::kRefused);
}

TEST_F(RunnerTest, StopsWithoutAConnection) {
  executor_.answers = {Answer(200), absl::UnavailableError("lost"),
                       Answer(200)};
  EXPECT_EQ(RunText("set t k 1\nset t k 2\nset t k 3\n"),
            ExitCode::kNoConnection);
  EXPECT_EQ(executor_.requests.size(), 2u);
  EXPECT_EQ(err_.str(), "kvc: line 2: lost\n");
}

TEST_F(RunnerTest, PromptComesBeforeEachLine) {
  options_.prompt = "> ";
  executor_.answers = {Answer(200)};
  EXPECT_EQ(RunText("set t k 1\n\n"), ExitCode::kDone);
  EXPECT_EQ(err_.str(), "> > > ");
  EXPECT_EQ(out_.str(), "ok\n");
}

// Takes nothing.
class FullDisk final : public std::streambuf {
  int_type overflow(int_type) override { return traits_type::eof(); }
};

TEST_F(RunnerTest, OutputThatCannotBeWrittenStopsTheRun) {
  FullDisk disk;
  std::ostream out(&disk);
  executor_.answers = {Answer(200), Answer(200)};
  std::istringstream in("set t k 1\nset t k 2\n");
  Runner runner(&executor_, &out, &err_, {});
  EXPECT_EQ(runner.RunLines(&in), ExitCode::kNoConnection);
  EXPECT_EQ(executor_.requests.size(), 1u);
  EXPECT_EQ(err_.str(), "kvc: standard output cannot be written\n");
}

// Breaks like a folder given as standard input.
class BrokenInput final : public std::streambuf {
  int_type underflow() override { throw std::ios_base::failure("EISDIR"); }
};

TEST_F(RunnerTest, InputThatCannotBeReadIsWrongUse) {
  BrokenInput broken;
  std::istream in(&broken);
  Runner runner(&executor_, &out_, &err_, {});
  EXPECT_EQ(runner.RunLines(&in), ExitCode::kUsage);
  EXPECT_EQ(err_.str(), "kvc: standard input cannot be read\n");
}

TEST(HelpText, NamesCommandsFlagsValuesAndExitCodes) {
  for (const char* text :
       {"get TABLE KEY", "getall TABLE", "help ", "--server=HOST:PORT",
        "bin:68656c6c6f", "text:int:5", "Exit codes: 0"}) {
    EXPECT_THAT(HelpText(), HasSubstr(text));
  }
}

TEST_F(RunnerTest, HelpOfACommand) {
  EXPECT_EQ(Run({"help", "scan"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr("--prefix=PREFIX"));
  EXPECT_EQ(Run({"help", "got"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("no command \"got\""));
}

TEST(HelpText, LinesFitATerminal) {
  std::istringstream help(
      absl::StrCat(HelpText(), CommandHelp("scan"), CommandHelp("put"),
                   CommandHelp("remove"), CommandHelp("expire")));
  for (std::string line; std::getline(help, line);) {
    EXPECT_LE(line.size(), 80u) << line;
  }
}

v1::CommandResponse BackupAnswer(v1::BackupState::Phase phase,
                                 uint64_t bytes_done = 0) {
  v1::CommandResponse response = Answer(200);
  v1::BackupState& backup = *response.mutable_backup();
  backup.set_phase(phase);
  backup.set_dir("/b/nightly");
  backup.set_bytes_done(bytes_done);
  backup.set_bytes_total(4 << 20);
  if (phase == v1::BackupState::DONE) backup.set_id(3);
  if (phase == v1::BackupState::FAILED) backup.set_error("no space");
  return response;
}

TEST_F(RunnerTest, BackupAsksUntilItIsDone) {
  executor_.answers = {BackupAnswer(v1::BackupState::RUNNING),
                       BackupAnswer(v1::BackupState::RUNNING, 1 << 20),
                       BackupAnswer(v1::BackupState::DONE, 3 << 19)};
  EXPECT_EQ(Run({"backup", "nightly", "7"}), ExitCode::kDone);
  EXPECT_THAT(executor_.requests,
              ElementsAre("start_backup { dir: \"nightly\" keep: 7 }", "wait",
                          "get_backup { }", "wait", "get_backup { }"));
  EXPECT_EQ(out_.str(), "backup 3 in /b/nightly: 1.5 MiB copied\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(RunnerTest, BackupShowsPeopleHowFarItIs) {
  options_.progress = true;
  executor_.answers = {BackupAnswer(v1::BackupState::RUNNING, 1 << 20),
                       BackupAnswer(v1::BackupState::DONE)};
  EXPECT_EQ(Run({"backup", "nightly"}), ExitCode::kDone);
  EXPECT_THAT(err_.str(), HasSubstr("\rbackup to /b/nightly: 1.0 of 4.0 MiB"));
  EXPECT_EQ(err_.str().back(), '\r') << "the line is empty again";
}

TEST_F(RunnerTest, BackupAsJson) {
  options_.json = true;
  executor_.answers = {BackupAnswer(v1::BackupState::DONE, 5)};
  EXPECT_EQ(Run({"backup", "nightly"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(),
            "{\"status\":200,\"message\":\"\",\"values\":[],\"pairs\":[],"
            "\"backup\":{\"id\":3,\"dir\":\"/b/nightly\",\"bytes\":5}}\n");
}

TEST_F(RunnerTest, BackupThatFails) {
  executor_.answers = {BackupAnswer(v1::BackupState::RUNNING),
                       BackupAnswer(v1::BackupState::FAILED)};
  EXPECT_EQ(Run({"backup", "nightly"}), ExitCode::kRefused);
  EXPECT_EQ(err_.str(), "kvc: 500 backup to /b/nightly failed: no space\n");
  EXPECT_EQ(out_.str(), "");
}

TEST_F(RunnerTest, BackupThatIsRefusedIsNotWaitedFor) {
  executor_.answers = {Answer(403, "not there")};
  EXPECT_EQ(Run({"backup", "../x"}), ExitCode::kRefused);
  EXPECT_EQ(executor_.requests.size(), 1u);
  EXPECT_EQ(err_.str(), "kvc: 403 not there\n");
}

TEST_F(RunnerTest, BackupThatIsInterruptedGoesOn) {
  executor_.answers = {BackupAnswer(v1::BackupState::RUNNING)};
  executor_.wait_end = absl::CancelledError("interrupted");
  EXPECT_EQ(Run({"backup", "nightly"}), ExitCode::kNoConnection);
  EXPECT_EQ(err_.str(),
            "kvc: backup: interrupted; the server goes on with it\n");
}

TEST_F(RunnerTest, BackupArgumentsThatMakeNoSense) {
  for (const auto& [words, why] :
       std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"backup"}, "0 arguments"},
           {{"backup", "a", "0"}, "KEEP: \"0\" is no number from 1"},
           {{"backup", "a", "x"}, "KEEP"}}) {
    err_.str("");
    EXPECT_EQ(Run(words), ExitCode::kUsage);
    EXPECT_THAT(err_.str(), HasSubstr(why));
  }
  EXPECT_THAT(executor_.requests, IsEmpty());
}

}  // namespace
}  // namespace coffer::cli
