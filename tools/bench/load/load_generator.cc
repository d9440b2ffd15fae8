// Writes or reads keys of a running server as fast as it answers, on one
// thread, and prints what came of it as one line of JSON. The commands of
// tools/bench that compare servers run it.
//
// usage: load_generator --server=ADDRESS:PORT [flags]

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/endpoint.h"
#include "coffer/tools/bench/load/load.h"
#include "coffer/tools/bench/load/load_protocol.h"

ABSL_FLAG(std::string, server, "", "ADDRESS:PORT");
ABSL_FLAG(std::string, protocol, "coffer", "coffer, redis or etcd");
ABSL_FLAG(std::string, command, "set",
          "set, get, or, with coffer, get_absent: keys that are not there");
ABSL_FLAG(bool, request_ids, true,
          "with coffer: requests have ids, so that writes may be sent again");
ABSL_FLAG(uint32_t, connections, 1, "");
ABSL_FLAG(uint32_t, in_flight, 1, "requests of each connection");
ABSL_FLAG(uint64_t, keys, 100000, "how many there are");
ABSL_FLAG(uint32_t, value_bytes, 64, "of each value");
ABSL_FLAG(bool, every_key, false,
          "every key once, in the order of their numbers; else keys at random, "
          "for --time");
ABSL_FLAG(absl::Duration, warm_up, absl::Milliseconds(200),
          "time that does not count");
ABSL_FLAG(absl::Duration, time, absl::Seconds(1), "");

namespace coffer::bench {
namespace {

absl::StatusOr<LoadOptions> OptionsFromFlags() {
  LoadOptions options;
  auto server = ParseEndpoint(absl::GetFlag(FLAGS_server));
  if (!server.ok()) return server.status();
  options.server = *std::move(server);
  const std::string protocol = absl::GetFlag(FLAGS_protocol);
  const std::string command = absl::GetFlag(FLAGS_command);
  options.absent = command == "get_absent";
  options.get = command == "get" || options.absent;
  if ((command != "set" && !options.get) ||
      (options.absent && protocol != "coffer")) {
    return absl::InvalidArgumentError(
        "--command: set, get, or, with coffer, get_absent");
  }
  if (protocol == "coffer") {
    const CofferProtocolOptions coffer = {
        .request_ids = absl::GetFlag(FLAGS_request_ids),
        .absent = options.absent};
    options.make_protocol = [coffer] { return MakeCofferProtocol(coffer); };
  } else if (protocol == "redis") {
    options.make_protocol = MakeRedisProtocol;
  } else if (protocol == "etcd") {
    options.make_protocol = [authority = ToString(options.server)] {
      return MakeEtcdProtocol(authority);
    };
  } else {
    return absl::InvalidArgumentError("--protocol: coffer, redis or etcd");
  }
  options.connections = absl::GetFlag(FLAGS_connections);
  options.in_flight = absl::GetFlag(FLAGS_in_flight);
  options.keys = absl::GetFlag(FLAGS_keys);
  options.value_bytes = absl::GetFlag(FLAGS_value_bytes);
  if (options.connections == 0 || options.in_flight == 0 || options.keys == 0 ||
      options.value_bytes > kValueBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--connections, --in_flight and --keys are at least 1, --value_bytes "
        "at most ",
        kValueBytesMax));
  }
  options.every_key = absl::GetFlag(FLAGS_every_key);
  options.warm_up = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_warm_up));
  options.time = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_time));
  return options;
}

double OwnCpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * double(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int Main() {
  const auto options = OptionsFromFlags();
  if (!options.ok()) {
    std::fprintf(stderr, "load_generator: %s\n",
                 std::string(options.status().message()).c_str());
    return 2;
  }
  const auto result = RunLoad(*options);
  if (!result.ok()) {
    std::fprintf(stderr, "load_generator: %s\n",
                 std::string(result.status().message()).c_str());
    return 1;
  }
  const double seconds = std::chrono::duration<double>(result->time).count();
  const auto microseconds = [&](double part) {
    return 1e-3 * static_cast<double>(result->latencies.Percentile(part));
  };
  std::printf(
      "{\"requests\": %llu, \"seconds\": %.6f, \"per_second\": %.1f, "
      "\"p50_us\": %.1f, \"p99_us\": %.1f, \"longest_us\": %.1f, "
      "\"own_cpu_seconds\": %.3f}\n",
      static_cast<unsigned long long>(result->requests), seconds,
      seconds > 0 ? static_cast<double>(result->requests) / seconds : 0,
      microseconds(0.5), microseconds(0.99),
      1e-3 * static_cast<double>(result->latencies.longest()), OwnCpuSeconds());
  return result->requests > 0 ? 0 : 1;
}

}  // namespace
}  // namespace coffer::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("load_generator --server=ADDRESS:PORT [flags]");
  absl::ParseCommandLine(argc, argv);
  return coffer::bench::Main();
}
