// What the benchmarks of clients have in common, so that they do the same: one
// thread, one connection, one key, and always `calls in flight` calls under
// way.

#ifndef COFFER_TOOLS_BENCH_BENCH_RUN_H_
#define COFFER_TOOLS_BENCH_BENCH_RUN_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "benchmark/benchmark.h"
#include "coffer/tools/bench/process_counters.h"

namespace coffer::bench {

inline constexpr char kTable[] = "bench";
inline constexpr char kKey[] = "key:000000000042";
inline const std::string kValue(32, 'v');

// Takes `--name=value` out of argv; empty if it is not there.
inline std::string TakeFlag(const std::string& name, int* argc, char** argv) {
  const std::string start = "--" + name + "=";
  for (int i = 1; i < *argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind(start, 0) != 0) continue;
    std::copy(argv + i + 1, argv + *argc + 1, argv + i);
    --*argc;
    return argument.substr(start.size());
  }
  return "";
}

// Measures calls. `run(calls, in_flight)` makes so many calls, of which so many
// are under way at any time until the last have been started, and gives the
// error of a call that failed, or nothing. An iteration is a call.
template <class Run>
void MeasureCalls(benchmark::State& state, Run run) {
  const int64_t in_flight = state.range(0);
  // Enough for the end, when fewer are under way, not to matter.
  const int64_t batch = std::max<int64_t>(64, 16 * in_flight);
  if (std::string error = run(batch, in_flight); !error.empty()) {
    state.SkipWithError(error.c_str());
    return;
  }
  const ProcessCounters before = CountsSoFar();
  while (state.KeepRunningBatch(batch)) {
    if (std::string error = run(batch, in_flight); !error.empty()) {
      state.SkipWithError(error.c_str());
      return;
    }
  }
  const ProcessCounters after = CountsSoFar();
  using benchmark::Counter;
  state.counters["allocations"] =
      Counter(static_cast<double>(after.allocations - before.allocations),
              Counter::kAvgIterations);
  state.counters["system_calls"] =
      Counter(static_cast<double>(after.system_calls - before.system_calls),
              Counter::kAvgIterations);
}

// Registers `name/1`, `name/16`, `name/256`: the calls in flight.
template <class Run>
void RegisterCalls(const char* name, Run run) {
  benchmark::RegisterBenchmark(
      name, [run](benchmark::State& state) { MeasureCalls(state, run); })
      ->Arg(1)
      ->Arg(16)
      ->Arg(256)
      ->UseRealTime()
      ->MeasureProcessCPUTime();
}

}  // namespace coffer::bench

#endif  // COFFER_TOOLS_BENCH_BENCH_RUN_H_
