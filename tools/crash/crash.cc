// crash: kills kvs many times and checks what it has kept (crash_run.h).
//
//   bazel run --config=opt //tools/crash -- [--kills=N] [--seed=N]
//       [--clients=N] [--data_dir=DIR] [--kvs=FILE] [-- FLAGS OF KVS]
//
// Prints what was done, and each failure with its history. Exit code 1: there
// are some, or it could not be done.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "coffer/tools/crash/crash_run.h"

namespace coffer::crash {
namespace {

bool TakeNumber(absl::string_view argument, absl::string_view name,
                int* number) {
  return absl::ConsumePrefix(&argument, name) &&
         absl::SimpleAtoi(argument, number) && *number > 0;
}

bool TakeText(absl::string_view argument, absl::string_view name,
              std::string* text) {
  if (!absl::ConsumePrefix(&argument, name)) return false;
  *text = std::string(argument);
  return true;
}

int Main(int argc, char** argv) {
  CrashOptions options;
  options.kills = 100;
  options.kvs = "server/kvs";  // where bazel run puts it
  options.data_dir = std::filesystem::temp_directory_path() / "coffer-crash";
  int seed = 1;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    if (argument == "--") {
      for (++i; i < argc; ++i) options.kvs_flags.emplace_back(argv[i]);
    } else if (!TakeNumber(argument, "--kills=", &options.kills) &&
               !TakeNumber(argument, "--clients=", &options.clients) &&
               !TakeNumber(argument, "--seed=", &seed) &&
               !TakeText(argument, "--data_dir=", &options.data_dir) &&
               !TakeText(argument, "--kvs=", &options.kvs)) {
      std::fprintf(stderr, "crash: what is %s?\n", argv[i]);
      return 1;
    }
  }
  options.seed = static_cast<unsigned>(seed);
  options.progress = [](int kills) {
    std::fprintf(stderr, "\r%d kills", kills);
  };
  const auto result = RunCrashes(options);
  std::fprintf(stderr, "\n");
  if (!result.ok()) {
    std::fprintf(stderr, "crash: %s\n", result.status().ToString().c_str());
    return 1;
  }
  std::printf(
      "%d kills, %llu calls answered, %llu of unknown outcome, %llu not "
      "executed, %llu histories checked, %zu failures\n",
      result->kills, static_cast<unsigned long long>(result->answered),
      static_cast<unsigned long long>(result->unknown),
      static_cast<unsigned long long>(result->not_executed),
      static_cast<unsigned long long>(result->histories),
      result->failures.size());
  for (const std::string& failure : result->failures) {
    std::printf("%s\n", failure.c_str());
  }
  return result->failures.empty() ? 0 : 1;
}

}  // namespace
}  // namespace coffer::crash

int main(int argc, char** argv) { return coffer::crash::Main(argc, argv); }
