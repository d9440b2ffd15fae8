#include "coffer/tools/cli/progress.h"

#include <chrono>
#include <sstream>
#include <string>

#include "coffer/testing/manual_clock.h"
#include "gtest/gtest.h"

namespace coffer::cli {
namespace {

using coffer_testing::ManualClock;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Progress, TerminalHasOneLineThatChanges) {
  ManualClock clock;
  std::ostringstream err;
  {
    Progress progress(Progress::Kind::kTerminal, &err, &clock);
    progress.Show([] { return "12345"; });
    progress.Show([] { return "too soon"; });
    clock.AdvanceBy(milliseconds(250));
    progress.Show([] { return "123"; });
    EXPECT_EQ(err.str(), "\r12345\r123  ");
  }
  EXPECT_EQ(err.str(), "\r12345\r123  \r   \r");
}

TEST(Progress, LogHasALineNowAndThen) {
  ManualClock clock;
  std::ostringstream err;
  Progress progress(Progress::Kind::kLog, &err, &clock);
  progress.Show([] { return "a"; });
  clock.AdvanceBy(seconds(9));
  progress.Show([] { return "too soon"; });
  clock.AdvanceBy(seconds(1));
  progress.Show([] { return "b"; });
  progress.Clear();
  EXPECT_EQ(err.str(), "kvc: a\nkvc: b\n");
}

TEST(Progress, NobodyIsToldNothing) {
  ManualClock clock;
  std::ostringstream err;
  Progress progress(Progress::Kind::kNone, &err, &clock);
  progress.Show([]() -> std::string {
    ADD_FAILURE() << "asked";
    return "";
  });
  EXPECT_EQ(err.str(), "");
}

}  // namespace
}  // namespace coffer::cli
