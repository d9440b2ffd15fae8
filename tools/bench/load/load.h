// RunLoad: a closed loop on one thread. Each of so many connections always has
// so many requests under way, and sends the next one when one is answered.

#ifndef COFFER_TOOLS_BENCH_LOAD_LOAD_H_
#define COFFER_TOOLS_BENCH_LOAD_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "coffer/sdk/clock.h"
#include "coffer/sdk/endpoint.h"
#include "coffer/tools/bench/load/latency_histogram.h"
#include "coffer/tools/bench/load/load_protocol.h"

namespace coffer::bench {

inline constexpr size_t kValueBytesMax = 1 << 16;

struct LoadOptions {
  Endpoint server;
  std::function<std::unique_ptr<LoadProtocol>()> make_protocol;
  size_t connections = 1;
  size_t in_flight = 1;  // of each connection
  bool get = false;      // else set
  bool absent = false;   // get as many others, which were never set
  // Keys 0 to keys - 1, of 16 bytes, whose order is not that of their numbers.
  uint64_t keys = 100000;
  size_t value_bytes = 64;  // random ones
  // Every key once, in the order of their numbers; else keys at random, for
  // `time`, after as much as `warm_up` that does not count.
  bool every_key = false;
  Clock::Duration warm_up{};
  Clock::Duration time = std::chrono::seconds(1);
};

struct LoadResult {
  uint64_t requests = 0;
  Clock::Duration time{};
  // From the moment that a request was put together until its answer was read.
  // With several in flight on a connection, answers are taken to come in order.
  LatencyHistogram latencies;
};

// Blocks. An error: of the network, or the first answer that is one.
absl::StatusOr<LoadResult> RunLoad(const LoadOptions& options);

}  // namespace coffer::bench

#endif  // COFFER_TOOLS_BENCH_LOAD_LOAD_H_
