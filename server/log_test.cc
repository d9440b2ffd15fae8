#include "coffer/server/log.h"

#include <mutex>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer::server {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::vector<std::string> Logged(LogLevel level, void (*body)()) {
  std::vector<std::string> lines;
  StartLogging(level,
               [&lines](const std::string& line) { lines.push_back(line); });
  body();
  StopLogging();
  return lines;
}

TEST(Log, OneLineAnEventInOrder) {
  const auto lines = Logged(LogLevel::kInfo, [] {
    Log(LogLevel::kInfo, "first", {{"peer", "1.2.3.4:5"}});
    Log(LogLevel::kError, "second thing");
  });
  EXPECT_THAT(
      lines,
      ElementsAre(
          MatchesRegex("ts=....-..-..T..:..:..[.]...Z level=info event=first "
                       "peer=1.2.3.4:5\n"),
          EndsWith("level=error event=\"second thing\"\n")));
}

TEST(Log, LevelsBelowAreNotWritten) {
  const auto lines = Logged(LogLevel::kWarning, [] {
    EXPECT_FALSE(LogEnabled(LogLevel::kInfo));
    EXPECT_TRUE(LogEnabled(LogLevel::kError));
    Log(LogLevel::kInfo, "no");
    Log(LogLevel::kWarning, "yes");
  });
  EXPECT_THAT(lines, ElementsAre(HasSubstr("event=yes")));
  EXPECT_TRUE(Logged(LogLevel::kOff, [] {
                Log(LogLevel::kError, "no");
                Log(LogLevel::kOff, "no");
              }).empty());
}

TEST(Log, NothingIsWrittenBeforeStartAndAfterStop) {
  Log(LogLevel::kError, "nobody listens");
  EXPECT_FALSE(LogEnabled(LogLevel::kError));
}

TEST(Log, TextFromPeersCannotForgeALine) {
  EXPECT_EQ(FormatLogFields("e", {{"k", "a\nts=1 level=info event=\"x\""}}),
            "event=e k=\"a\\nts=1 level=info event=\\\"x\\\"\"");
  EXPECT_EQ(FormatLogFields("e", {{"k", "a=b"}}), "event=e k=\"a=b\"");
  EXPECT_EQ(FormatLogFields("e", {{"k", "peer's \\' end"}}),
            "event=e k=\"peer's \\\\' end\"");
  EXPECT_EQ(FormatLogFields("e", {{"k", ""}}), "event=e k=\"\"");
  EXPECT_EQ(FormatLogFields("e", {{"k", "\xe8\xa1\xa8"}}),
            "event=e k=\"\xe8\xa1\xa8\"");
}

TEST(Log, BytesThatATerminalWouldObeyAreEscaped) {
  const struct {
    std::string value;
    const char* shown;
  } cases[] = {{"\x1b[2J", "\"\\x1b[2J\""},
               {"\x7f", "\"\\x7f\""},
               {"\r\t", "\"\\r\\t\""},
               {std::string(1, '\0'), "\"\\x00\""},
               // Not UTF-8: stray, cut short, overlong, a surrogate.
               {"a\x9b", "\"a\\x9b\""},
               {"\xe8\xa1", "\"\\xe8\\xa1\""},
               {"\xc0\x8a", "\"\\xc0\\x8a\""},
               {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},
               // UTF-8, but the control sequence introducer, a line separator,
               // an override of the direction.
               {"\xc2\x9b", "\"\\u009b\""},
               {"\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\""},
               {"\xe2\x80\xae", "\"\\u202e\""},
               // The neighbours of these are text.
               {"\xc2\xa0\xe2\x80\xa7", "\"\xc2\xa0\xe2\x80\xa7\""}};
  for (const auto& c : cases) {
    EXPECT_EQ(FormatLogFields("e", {{"k", c.value}}),
              std::string("event=e k=") + c.shown);
  }
}

TEST(Log, LongValuesAreCutBetweenCharacters) {
  const std::string most(kLogValueBytesMax, 'x');
  EXPECT_EQ(FormatLogFields("e", {{"k", most}}), "event=e k=" + most);
  EXPECT_EQ(FormatLogFields("e", {{"k", most + "x"}}),
            "event=e k=" + most + "...");
  for (std::size_t before = 253; before <= 255; ++before) {
    const std::string plain(before, 'x');
    const bool fits = before == 253;
    EXPECT_EQ(FormatLogFields("e", {{"k", plain + "\xe8\xa1\xa8" + "yyyy"}}),
              fits ? "event=e k=\"" + plain + "\xe8\xa1\xa8...\""
                   : "event=e k=" + plain + "...");
  }
  EXPECT_LT(FormatLogFields("e", {{"k", std::string(16 << 20, '\n')}}).size(),
            1100u);
}

TEST(Log, LevelNames) {
  LogLevel level = LogLevel::kOff;
  for (const char* name : {"debug", "info", "warning", "error", "off"}) {
    EXPECT_TRUE(ParseLogLevel(name, &level)) << name;
  }
  EXPECT_FALSE(ParseLogLevel("loud", &level));
  EXPECT_FALSE(ParseLogLevel("", &level));
}

}  // namespace
}  // namespace coffer::server
