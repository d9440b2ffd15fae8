#include "coffer/tools/cli/runner.h"

#include <chrono>
#include <deque>
#include <functional>
#include <sstream>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#include "coffer/proto/requests.h"
#include "coffer/proto/value.h"
#include "coffer/testing/manual_clock.h"
#include "coffer/tools/cli/help.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::CommandResponse Answer(uint32_t status, absl::string_view message = "") {
  v1::CommandResponse response;
  response.set_status(status);
  response.set_message(std::string(message));
  return response;
}

v1::CommandResponse Found(const v1::Value& value) {
  v1::CommandResponse response = Answer(200);
  *response.add_values() = value;
  return response;
}

// Gives the answers it was prepared with, in order; remembers the requests.
class FakeExecutor final : public Executor {
 public:
  absl::StatusOr<v1::CommandResponse> Execute(
      const v1::CommandRequest& request) override {
    requests.push_back(request.ShortDebugString());
    if (on_execute) on_execute();
    if (answers.empty()) return absl::UnavailableError("connection lost");
    auto answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }

  absl::Status Subscribe(
      const std::string& topic,
      const std::function<bool(const Event&)>& take) override {
    requests.push_back("subscribe " + topic);
    for (const Event& event : events) {
      if (!take(event)) return absl::OkStatus();
    }
    return subscription_end;
  }

  std::deque<absl::StatusOr<v1::CommandResponse>> answers;
  std::vector<Event> events;
  absl::Status subscription_end;
  std::function<void()> on_execute;
  std::vector<std::string> requests;
};

class RunnerTest : public testing::Test {
 protected:
  ExitCode Run(std::vector<std::string> words) {
    return Runner(&executor_, &out_, &err_, options_).RunCommand(words);
  }
  ExitCode RunText(const std::string& text) {
    std::istringstream in(text);
    return Runner(&executor_, &out_, &err_, options_).RunLines(&in);
  }

  FakeExecutor executor_;
  RunnerOptions options_;
  std::ostringstream out_;
  std::ostringstream err_;
};

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

TEST(HelpText, LinesFitATerminal) {
  std::istringstream help(HelpText());
  for (std::string line; std::getline(help, line);) {
    EXPECT_LE(line.size(), 80u) << line;
  }
}

}  // namespace
}  // namespace coffer::cli
