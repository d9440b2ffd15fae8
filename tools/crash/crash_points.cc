// crash_points: the durable engine on a disk that fails at each of its
// operations (server/storage/durable/crash_points.h).
//
//   bazel run --config=opt //tools/crash:crash_points -- --points=10000
//
// Goes through the operations of one seed after another, each with every kind
// of trouble, until so many points were run; prints each that went wrong, with
// what it takes to run it again. Exit code 1: there were some.

#include "coffer/server/storage/durable/crash_points.h"

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "coffer/sdk/clock.h"

ABSL_FLAG(uint64_t, points, 10000, "how many are run");
ABSL_FLAG(uint64_t, seed, 1, "the first seed");
ABSL_FLAG(uint64_t, operation, 0, "only this operation of the seed; 0: all");

namespace coffer_testing {
namespace {

int Main() {
  const coffer::Clock& clock = coffer::Clock::System();
  const auto begin = clock.Now();
  const uint64_t wanted = absl::GetFlag(FLAGS_points);
  const uint64_t only = absl::GetFlag(FLAGS_operation);
  std::map<std::string, uint64_t> run;
  uint64_t points = 0;
  uint64_t wrong = 0;
  CrashPoint point{.seed = absl::GetFlag(FLAGS_seed)};
  for (; points < wanted; ++point.seed) {
    const auto operations = CountOperations(point);
    if (!operations.ok()) {
      std::printf("seed %ju fails without trouble: %s\n",
                  static_cast<uintmax_t>(point.seed),
                  operations.status().ToString().c_str());
      return 1;
    }
    std::vector<CrashPoint> batch;
    point.operation = only == 0 ? 1 : only;
    const uint64_t last = only == 0 ? *operations : only;
    for (; point.operation <= last && points + batch.size() < wanted;
         ++point.operation) {
      for (int trouble = 0; trouble < CrashPoint::kTroubles; ++trouble) {
        point.trouble = static_cast<CrashPoint::Trouble>(trouble);
        batch.push_back(point);
        ++run[std::string(ToString(point.trouble))];
      }
    }
    points += batch.size();
    for (const std::string& failure : RunCrashPoints(batch)) {
      ++wrong;
      std::printf("%s\n", failure.c_str());
      std::fflush(stdout);
    }
    if (only != 0) break;
  }
  for (const auto& [trouble, count] : run) {
    std::printf("%-12s %8ju\n", trouble.c_str(), static_cast<uintmax_t>(count));
  }
  const std::chrono::duration<double> took = clock.Now() - begin;
  std::printf("%ju points in %.1f s, %ju went wrong\n",
              static_cast<uintmax_t>(points), took.count(),
              static_cast<uintmax_t>(wrong));
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace coffer_testing

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return coffer_testing::Main();
}
