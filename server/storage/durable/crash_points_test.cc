// Some of the crash points of tools/crash/crash_points; and that what the
// engine would do wrong is noticed.

#include "coffer/server/storage/durable/crash_points.h"

#include <cstdint>
#include <string>
#include <vector>

#include "coffer/sdk/internal/sanitizer.h"
#include "coffer/server/storage/durable/durable_options.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace coffer_testing {
namespace {

using coffer::server::SyncMode;
using ::testing::IsEmpty;
using Trouble = CrashPoint::Trouble;

// Of each run. Under a sanitizer each takes several times as long, and the
// engine does the same.
#if defined(COFFER_SANITIZER)
constexpr std::uint64_t kPoints = 3;
#else
constexpr std::uint64_t kPoints = 17;
#endif

class CrashPointsTest : public ::testing::TestWithParam<int> {};

// The points of a run in steps, each trouble and seed at others.
TEST_P(CrashPointsTest, NothingAnsweredIsLost) {
  CrashPoint point{.trouble = static_cast<Trouble>(GetParam())};
  std::vector<CrashPoint> points;
  for (point.seed = 1; point.seed <= 2; ++point.seed) {
    const auto operations = CountOperations(point);
    ASSERT_TRUE(operations.ok()) << operations.status();
    ASSERT_GT(*operations, 100u);
    const std::uint64_t step = *operations / kPoints;
    const auto turn = static_cast<std::uint64_t>(GetParam());
    const std::uint64_t first =
        1 + step * (2 * turn + point.seed - 1) / (2 * CrashPoint::kTroubles);
    for (point.operation = first; point.operation <= *operations;
         point.operation += step) {
      points.push_back(point);
    }
  }
  EXPECT_THAT(RunCrashPoints(points), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Troubles, CrashPointsTest,
                         ::testing::Range(0, CrashPoint::kTroubles),
                         [](const auto& tested) {
                           std::string name(
                               ToString(static_cast<Trouble>(tested.param)));
                           for (char& c : name) c = c == ' ' ? '_' : c;
                           return name;
                         });

// A build that skips its syncs.
TEST(CrashPoints, MissingSyncsAreNoticed) {
  CrashPoint point{.sync = SyncMode::kNever};
  const auto operations = CountOperations(point);
  ASSERT_TRUE(operations.ok()) << operations.status();
  std::vector<CrashPoint> points;
  for (point.operation = 1; point.operation <= *operations;
       point.operation += *operations / 12) {
    points.push_back(point);
  }
  EXPECT_GT(RunCrashPoints(points).size(), 6u);
}

}  // namespace
}  // namespace coffer_testing
